import type { LlamaContextSequence, Token } from './llama-binding.ts';

interface Slot {
  sequence: LlamaContextSequence;
  isBusy: boolean;
  /** When the slot was last used, on a counter. */
  usedAt: number;
}

/** Which sequence answers which request: the free one that already holds most of the prompt. */
export class Slots {
  readonly #slots: Slot[];
  #clock = 0;

  constructor(sequences: readonly LlamaContextSequence[]) {
    this.#slots = sequences.map((sequence) => ({ sequence, isBusy: false, usedAt: 0 }));
  }

  /**
   * Takes a slot. Among slots that hold equally much of the prompt the one unused for longest is taken, so that other
   * conversations keep theirs.
   *
   * @returns `undefined` when all are busy
   */
  take(prompt: readonly Token[]): { sequence: LlamaContextSequence; release: () => void } | undefined {
    let best: Slot | undefined;
    let bestShared = -1;
    for (const slot of this.#slots) {
      if (slot.isBusy) continue;
      const shared = sharedBeginning(slot.sequence.contextTokens, prompt);
      if (shared > bestShared || (shared === bestShared && best !== undefined && slot.usedAt < best.usedAt)) {
        best = slot;
        bestShared = shared;
      }
    }
    if (best === undefined) return undefined;
    const slot = best;
    slot.isBusy = true;
    return {
      sequence: slot.sequence,
      release: () => {
        slot.isBusy = false;
        slot.usedAt = ++this.#clock;
      },
    };
  }
}

function sharedBeginning(left: readonly Token[], right: readonly Token[]): number {
  const length = Math.min(left.length, right.length);
  let shared = 0;
  while (shared < length && left[shared] === right[shared]) shared++;
  return shared;
}
