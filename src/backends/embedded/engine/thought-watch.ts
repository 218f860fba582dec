import type { ThoughtPlan } from './protocol.ts';

/** Follows whether the model is reasoning, over the text it writes, and how many tokens it has spent on it. */
export class ThoughtWatch {
  readonly #plan: ThoughtPlan;
  #isOpen: boolean;
  #tokens = 0;
  /** The end of the text so far, long enough to find a tag that arrives in pieces. */
  #tail = '';

  constructor(plan: ThoughtPlan) {
    this.#plan = plan;
    this.#isOpen = plan.isOpen;
  }

  /** Tokens of reasoning so far, tags included as far as they were in the token that opened or closed it. */
  get tokens(): number {
    return this.#tokens;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** The model has reasoned as long as it may. */
  get isOverBudget(): boolean {
    return this.#isOpen && this.#plan.budget !== undefined && this.#tokens >= this.#plan.budget;
  }

  /** @param text what one token adds */
  push(text: string): void {
    const wasOpen = this.#isOpen;
    const { startTag, endTag } = this.#plan;
    this.#tail += text;
    for (;;) {
      const tag = this.#isOpen ? endTag : startTag;
      const at = this.#tail.indexOf(tag);
      if (at === -1) break;
      this.#isOpen = !this.#isOpen;
      this.#tail = this.#tail.slice(at + tag.length);
    }
    this.#tail = this.#tail.slice(-Math.max(startTag.length, endTag.length));
    if (wasOpen || this.#isOpen) this.#tokens++;
  }
}
