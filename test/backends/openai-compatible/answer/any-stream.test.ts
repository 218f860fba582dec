import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../../src/wire/validation/structure-checks.ts';
import { piecesOf } from '../../../wire/sse/pieces.ts';
import { anyStream, cuts } from './any-stream.ts';
import { relay } from './relay.ts';

const ASKED = 'my "größe"/model';

/** The chunks of a stream, with its data in any number of lines. */
function chunksOf(stream: string): JsonObject[] {
  return stream.split(/(?:\r?\n){2,}/).flatMap((event) => {
    const lines = event.split(/\r?\n/).filter((line) => line.startsWith('data:'));
    return lines.length === 0
      ? []
      : [JSON.parse(lines.map((line) => line.slice(5)).join('\n')) as JsonObject];
  });
}

describe('any chat stream', () => {
  it('is shown as a client is to see it', () => {
    const property = fc.property(anyStream(ASKED), cuts, ({ wire, expected }, places) => {
      const { text, parts, failure, editor } = relay(piecesOf(Buffer.from(wire), places), { asked: ASKED });
      expect(failure).toBeUndefined();
      expect(chunksOf(text)).toEqual(expected);
      expect(parts.every((part) => /^$|(?:^|\n)\r?\n$/.test(part))).toBe(true);
      expect(editor).toMatchObject({ hasBegun: true, isDone: true });
      expect(editor.usage()).toEqual(expected.at(-1)?.['usage']);
    });
    expect(() => fc.assert(property, { numRuns: 150 })).not.toThrow();
  });

  it('is the same wherever it is cut, and whether somebody watches or not', () => {
    const property = fc.property(anyStream(ASKED), cuts, ({ wire }, places) => {
      const whole = relay(wire, { asked: ASKED }).text;
      expect(relay(piecesOf(Buffer.from(wire), places), { asked: ASKED }).text).toBe(whole);
      expect(relay(piecesOf(Buffer.from(wire), places), { asked: ASKED, watch: () => {} }).text).toBe(whole);
    });
    expect(() => fc.assert(property, { numRuns: 150 })).not.toThrow();
  });

  it('keeps its bytes where nothing has to change', () => {
    const property = fc.property(
      anyStream(ASKED).filter(({ isOrdinary }) => isOrdinary),
      cuts,
      ({ wire }, places) => {
        const { text } = relay(piecesOf(Buffer.from(wire), places));
        expect(wire.slice(text.length)).toMatch(/^data: \[DONE\]\s+$/);
        expect(wire.startsWith(text)).toBe(true);
      },
    );
    expect(() => fc.assert(property, { numRuns: 100 })).not.toThrow();
  });

  it('broken off anywhere, it is never complete without its finish reason, and no event arrives in part', () => {
    const property = fc.property(anyStream(ASKED), fc.nat(), ({ wire, expected }, place) => {
      const bytes = Buffer.from(wire);
      const { text, failure } = relay([bytes.subarray(0, place % bytes.length)], { asked: ASKED });
      const chunks = chunksOf(text);
      expect(chunks).toEqual(expected.slice(0, chunks.length));
      const hasFinish = chunks.some(({ choices }) =>
        (choices as { finish_reason: unknown }[]).some(({ finish_reason: reason }) => reason === 'stop'),
      );
      expect(failure === undefined).toBe(hasFinish);
    });
    expect(() => fc.assert(property, { numRuns: 150 })).not.toThrow();
  });
});
