import { describe, expect, it, vi } from 'vitest';
import { HeldMedia, NO_MEDIA } from '../../src/media/held-media.ts';
import type { Medium } from '../../src/media/medium.ts';
import { ComposedBody, type RequestBody } from '../../src/upstream/composed-body.ts';

const medium = (content: string, mimeType = 'image/png'): Medium => ({
  mimeType,
  byteLength: Buffer.byteLength(content),
  pieces: [Buffer.from(content)],
  hash: content,
});

const HELD = new HeldMedia(
  new Map([
    ['gs://b/1', medium('first')],
    ['https://a/2', medium('the second', 'audio/wav')],
  ]),
  () => {},
);

const textOf = (body: RequestBody): string =>
  body instanceof ComposedBody
    ? Buffer.concat(Array.from(body, (chunk) => Buffer.from(chunk))).toString('utf8')
    : String(body);

describe('HeldMedia', () => {
  it('puts base64 in the place of its marks, as often as it is sent', () => {
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
    expect(textOf(body)).toBe(expected);
    expect(textOf(body)).toBe(expected);
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

  it('leaves text alone that has none', () => {
    expect(textOf(HELD.compose('{"a":1}'))).toBe('{"a":1}');
    expect(NO_MEDIA.compose('{"a":1}')).toBe('{"a":1}');
  });

  it('gives its memory back', () => {
    const release = vi.fn<() => void>();
    new HeldMedia(new Map(), release).release();
    expect(release).toHaveBeenCalledOnce();
  });
});
