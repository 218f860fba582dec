import { describe, expect, it } from 'vitest';
import { bytesOf, messagesOf, RECORDINGS } from './gemini-recordings.ts';

const STREAMS = RECORDINGS.filter(({ status, kind }) => status === 200 && kind !== 'unary');

/** Too long for the unit tests, which cut long streams at random places only. */
describe('every recorded stream, cut at every byte', () => {
  it.each(STREAMS.map((recording) => [recording.name, recording] as const))('%s', (_, recording) => {
    const bytes = bytesOf(recording);
    const whole = messagesOf(recording, [bytes]);
    expect(whole?.length).toBeGreaterThan(0);
    const wrong: number[] = [];
    for (let at = 0; at <= bytes.length; at++) {
      const cut = messagesOf(recording, [bytes.subarray(0, at), bytes.subarray(at)]);
      if (cut?.length !== whole?.length || cut?.some((text, index) => text !== whole?.[index]))
        wrong.push(at);
    }
    expect(wrong).toEqual([]);
  });
});
