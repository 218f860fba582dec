import { describe, expect, it } from 'vitest';
import { STREAMS } from './recorded-answers.ts';
import { relay } from './relay.ts';

/** Too long for the unit tests, which cut streams at random places only. */
describe('every recorded stream of a model server, cut at every byte', () => {
  it.each(STREAMS)('$name', ({ sse }) => {
    const bytes = Buffer.from(sse);
    const whole = relay(sse, { asked: 'asked' }).text;
    const wrong: number[] = [];
    for (let at = 0; at <= bytes.length; at++) {
      const cut = relay([bytes.subarray(0, at), bytes.subarray(at)], { asked: 'asked' });
      const isWhole = cut.parts.every((part) => part === '' || part.endsWith('\n\n'));
      if (cut.failure !== undefined || cut.text !== whole || !isWhole) wrong.push(at);
    }
    expect(wrong).toEqual([]);
  });
});
