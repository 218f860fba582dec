import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HeldMedia } from '../../src/media/held-media.ts';
import { liftBase64, type LiftedText } from '../../src/media/lift-base64.ts';
import { ComposedBody } from '../../src/upstream/composed-body.ts';

const KIBIBYTE = 1024;
const LARGE = 64 * KIBIBYTE;

/** Digits that differ from place to place, so that a piece in a wrong place is seen. */
const digits = (length: number): string =>
  Buffer.from(Uint32Array.from({ length: length / 4 }, (_, at) => at * 2_654_435_761).buffer)
    .toString('base64')
    .replaceAll('=', '')
    .slice(0, length);
const DATA = digits(128 * KIBIBYTE);
const uri = `data:image/png;base64,${DATA}`;

const lift = (text: string): LiftedText => liftBase64(Buffer.from(text));

/** What an upstream gets of JSON text that was made of a lifted one. */
async function sent(text: string, { lifted }: LiftedText): Promise<string> {
  const body = new HeldMedia(new Map(), () => {}, lifted).compose(text);
  if (!(body instanceof ComposedBody)) return String(body);
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(Buffer.from(chunk));
  expect(Buffer.concat(chunks)).toHaveLength(body.byteLength);
  return Buffer.concat(chunks).toString('utf8');
}

describe('liftBase64', () => {
  it.each<[what: string, json: string, count: number]>([
    ['a data URI', `{"url":"${uri}"}`, 1],
    ['a data URI with parameters', `["data:audio/pcm;rate=16000;base64,${DATA}"]`, 1],
    ['a data URI without a type', `["data:;base64,${DATA}"]`, 1],
    ['the data of a sound', `{"data":"${DATA}","format":"wav"}`, 1],
    ['the data of a file, with white space around', `{"file_data" :\n "${DATA}"}`, 1],
    ['padded once', `["data:a/b;base64,${DATA.slice(1)}="]`, 1],
    ['padded twice', `["data:a/b;base64,${DATA.slice(2)}=="]`, 1],
    ['several, with text that is not ASCII around', `["ä","${uri}","€",{"data":"${DATA}"},"😀","${uri}"]`, 3],
    ['a small one', `["data:image/png;base64,${DATA.slice(0, 4096)}"]`, 0],
    ['what is not whole groups of four', `["${uri}A"]`, 0],
    ['padding in the middle', `["data:a/b;base64,${DATA.slice(4)}=A=="]`, 0],
    ['three signs of padding', `["data:a/b;base64,${DATA.slice(3)}==="]`, 0],
    ['the alphabet for URLs', `["data:a/b;base64,${DATA.slice(0, -4)}A-_A"]`, 0],
    ['a first character that is none', `["data:a/b;base64,!${DATA.slice(1)}"]`, 0],
    ['a last character that is none', `["data:a/b;base64,${DATA.slice(1)}!"]`, 0],
    ['escaped slashes', `["data:a/b;base64,${DATA.slice(2)}\\/"]`, 0],
    ['base64 of another name', `{"text":"${DATA}"}`, 0],
    ['plain text', `["${'x y'.repeat(LARGE)}"]`, 0],
    ['JSON in a string', JSON.stringify({ arguments: JSON.stringify({ data: DATA, url: uri }) }), 0],
    ['a string that never ends', `["${uri}`, 0],
    ['no string at all', '1'.repeat(LARGE * 2), 0],
    ['nothing', '', 0],
  ])('%s', async (_, json, count) => {
    const lifted = lift(json);
    expect(lifted.lifted.count).toBe(count);
    expect(await sent(lifted.text, lifted)).toBe(json);
    expect(lifted.text.length).toBeLessThan(count > 0 ? count * 500 : json.length + 1);
  });

  it('leaves what a type is recognised by, and base64', () => {
    const { text } = lift(JSON.stringify({ url: uri }));
    const { url } = JSON.parse(text) as { url: string };
    expect(url.startsWith(uri.slice(0, 80))).toBe(true);
    expect(url).toMatch(/^data:image\/png;base64,(?:[A-Za-z0-9+/]{4})+$/);
  });

  it('loses nothing of any body, wherever it begins in memory', async () => {
    const end = fc.constantFrom('', '=', '==', 'A', '-', '/', '"', '\\"', '\\', 'ö', '\u0000');
    const stretch = fc
      .tuple(
        fc.constantFrom('"data:a/b;base64,', '"data":"', '"', '\\"data:a/b;base64,', '"file_data": "'),
        fc.integer({ min: LARGE - 8, max: LARGE + 8 }),
        end,
        end,
      )
      .map(([head, length, inner, last]) => `${head}${DATA.slice(0, length)}${inner}AAAA${last}"`);
    const bodies = fc.array(fc.oneof(fc.json(), fc.string({ unit: 'grapheme' }), stretch), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(bodies, fc.nat(3), async (parts, offset) => {
        const whole = parts.join(',').toWellFormed();
        const memory = Buffer.from(' '.repeat(offset) + whole);
        const lifted = liftBase64(memory.subarray(offset));
        expect((await sent(lifted.text, lifted)) === whole).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it('means the same once it was parsed, changed and written again', async () => {
    const request = {
      messages: [{ content: [{ image_url: { url: uri } }, { input_audio: { data: DATA } }, { text: 'ö' }] }],
    };
    const lifted = lift(JSON.stringify(request));
    const { messages } = JSON.parse(lifted.text) as typeof request;
    const changed = { contents: messages.map(({ content }) => content.toReversed()) };
    expect(JSON.parse(await sent(JSON.stringify(changed), lifted))).toEqual({
      contents: [request.messages[0]!.content.toReversed()],
    });
  });
});
