import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { base64Length, base64Of } from '../../src/media/base64.ts';

describe('base64Of', () => {
  it('is the base64 of the whole, however it is divided', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes))), (pieces) => {
        const whole = Buffer.concat(pieces);
        const text = [...base64Of(pieces)].join('');
        expect(text).toBe(whole.toString('base64'));
        expect(text).toHaveLength(base64Length(whole.length));
      }),
    );
  });

  it('comes in small steps', () => {
    const chunks = [...base64Of([Buffer.alloc(1_000_001, 7)])];
    expect(Math.max(...chunks.map(({ length }) => length))).toBe(64 * 1024);
    expect(chunks.join('')).toBe(Buffer.alloc(1_000_001, 7).toString('base64'));
  });
});
