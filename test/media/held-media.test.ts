import { describe, expect, it, vi } from 'vitest';
import { HeldMedia, NO_MEDIA } from '../../src/media/held-media.ts';
import { type WholeMedium, wholeMedium } from '../../src/media/medium.ts';
import { ComposedBody, type RequestBody } from '../../src/upstream/composed-body.ts';

const medium = (content: string, mimeType = 'image/png'): WholeMedium =>
  wholeMedium({ mimeType, pieces: [Buffer.from(content)], hash: content });

const HELD = new HeldMedia(
  new Map([
    ['gs://b/1', medium('first')],
    ['https://a/2', medium('the second', 'audio/wav')],
  ]),
  () => {},
);

async function textOf(body: RequestBody): Promise<string> {
  if (!(body instanceof ComposedBody)) return String(body);
  let text = '';
  for await (const chunk of body) text += chunk.toString();
  return text;
}

describe('HeldMedia', () => {
  it('puts base64 in the place of its marks, as often as it is sent', async () => {
    const uri = HELD.dataUriOf('gs://b/1');
    const body = HELD.compose(
      JSON.stringify({ a: 'größe', uri, again: [uri, HELD.base64Of('https://a/2')] }),
    );
    const first = Buffer.from('first').toString('base64');
    const expected = JSON.stringify({
      a: 'größe',
      uri: `data:image/png;base64,${first}`,
      again: [`data:image/png;base64,${first}`, Buffer.from('the second').toString('base64')],
    });
    expect(await textOf(body)).toBe(expected);
    expect(await textOf(body)).toBe(expected);
    expect((body as ComposedBody).byteLength).toBe(Buffer.byteLength(expected));
  });

  it('has marks that are base64 themselves, and tells what they stand for', () => {
    expect(HELD.base64Of('gs://b/1')).toMatch(/^(?:[A-Za-z0-9]{4})+$/);
    expect(HELD.get('https://a/2')?.mimeType).toBe('audio/wav');
    expect([HELD.get('x'), HELD.base64Of('x'), HELD.dataUriOf('x')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('leaves text alone that has none', async () => {
    expect(await textOf(HELD.compose('{"a":1}'))).toBe('{"a":1}');
    expect(NO_MEDIA.compose('{"a":1}')).toBe('{"a":1}');
  });

  it('gives its memory back', () => {
    const release = vi.fn<() => void>();
    new HeldMedia(new Map(), release).release();
    expect(release).toHaveBeenCalledOnce();
  });
});
