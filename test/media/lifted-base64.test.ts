import { describe, expect, it } from 'vitest';
import { liftBase64 } from '../../src/media/lift-base64.ts';
import { NOTHING_LIFTED } from '../../src/media/lifted-base64.ts';

const bytes = Buffer.alloc(600_001, 'ab-c');
const DATA = bytes.toString('base64');
const uri = `data:image/png;base64,${DATA}`;
const request = {
  model: 'm',
  messages: [{ content: [{ url: uri }, { data: DATA }, { text: 'ö' }] }],
  n: 1,
  stop: null,
};
const { text, lifted } = liftBase64(Buffer.from(JSON.stringify(request)));
const marked = JSON.parse(text) as typeof request;
const [{ url }, { data }] = marked.messages[0]!.content as [{ url: string }, { data: string }];

describe('LiftedBase64', () => {
  it('restores a value, and changes nothing of the one it is made of', () => {
    const before = structuredClone(marked);
    expect(lifted.restore(marked)).toEqual(request);
    expect(marked).toEqual(before);
    expect(NOTHING_LIFTED.restore(marked)).toBe(marked);
  });

  it('knows how long texts are', () => {
    expect([url, data, 'ö'].map((each) => lifted.lengthOf(each))).toEqual([uri.length, DATA.length, 1]);
    expect(NOTHING_LIFTED.lengthOf(uri)).toBe(uri.length);
  });

  it.each([
    ['lifted', lifted, data],
    ['not lifted', NOTHING_LIFTED, DATA],
  ])('hands out base64 in pieces that can be decoded one by one: %s', (_, source, base64) => {
    const pieces = [...source.base64Of(base64)];
    expect(pieces.length).toBeGreaterThan(2);
    expect(Buffer.concat(pieces.map((piece) => Buffer.from(piece, 'base64'))).equals(bytes)).toBe(true);
  });

  it('lets the bytes go', () => {
    const { text: own, lifted: letGo } = liftBase64(Buffer.from(JSON.stringify(request)));
    const part = letGo.part(0);
    letGo.release();
    // What is being sent is sent to its end.
    expect(Buffer.concat([...(part.chunks() as Iterable<Buffer>)])).toHaveLength(part.byteLength);
    for (const late of [() => letGo.part(0), () => letGo.restore(own), () => letGo.lengthOf(own)])
      expect(late).toThrow('given up');
  });
});
