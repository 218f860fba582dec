import { describe, expect, it } from 'vitest';
import type { LlamaContextSequence, Token } from '../../../../src/backends/embedded/engine/llama-binding.ts';
import { Slots } from '../../../../src/backends/embedded/engine/slots.ts';

/** All the scheduler looks at in a sequence. */
function holding(...contextTokens: number[]): LlamaContextSequence {
  return { contextTokens } as unknown as LlamaContextSequence;
}

const prompt = (...tokens: number[]): Token[] => tokens as Token[];

describe('Slots', () => {
  it.each<[name: string, held: number[][], prompt: number[], taken: number]>([
    ['an empty slot when there is no other', [[]], [1, 2], 0],
    ['the slot with the longest common beginning', [[1], [1, 2, 3], [1, 2]], [1, 2, 3, 4], 1],
    ['a slot that holds more than the prompt', [[9], [1, 2, 3, 4, 5]], [1, 2], 1],
    ['nothing in common counts as nothing, however much is held', [[5, 6, 7, 8], []], [1], 0],
    ['what is equal further back does not count', [[9, 1, 2, 3], [1]], [1, 2, 3], 1],
  ])('takes %s', (_, held, tokens, taken) => {
    const sequences = held.map((tokensHeld) => holding(...tokensHeld));
    const slot = new Slots(sequences).take(prompt(...tokens));
    expect(sequences.findIndex((sequence) => sequence === slot?.sequence)).toBe(taken);
  });

  it('gives a slot to one request at a time', () => {
    const slots = new Slots([holding(1), holding()]);
    const first = slots.take(prompt(1));
    const second = slots.take(prompt(1));
    expect(second?.sequence).not.toBe(first?.sequence);
    expect(slots.take(prompt(1))).toBeUndefined();
    first?.release();
    expect(slots.take(prompt(1))?.sequence).toBe(first?.sequence);
  });

  it('among equals takes the one unused for longest, so that conversations keep their beginnings', () => {
    const sequences = [holding(), holding(), holding()];
    const slots = new Slots(sequences);
    const order: number[] = [];
    for (let round = 0; round < 6; round++) {
      const slot = slots.take(prompt(round));
      order.push(sequences.findIndex((sequence) => sequence === slot?.sequence));
      slot?.release();
    }
    expect(order).toEqual([0, 1, 2, 0, 1, 2]);
  });
});
