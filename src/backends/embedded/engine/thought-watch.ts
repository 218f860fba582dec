import type { ThoughtPlan } from './protocol.ts';

/** Follows whether the model is thinking, over the text it writes, and how many tokens it has spent on it. */
export class ThoughtWatch {
  readonly #plan: ThoughtPlan;
  #isOpen: boolean;
  #spent = 0;
  /** The end of the text so far, long enough to find a tag that arrives in pieces. */
  #tail = '';

  constructor(plan: ThoughtPlan) {
    this.#plan = plan;
    this.#isOpen = plan.isOpen;
  }

  push(text: string): void {
    this.#tail += text;
    const { startTag, endTag } = this.#plan;
    const tag = this.#isOpen ? endTag : startTag;
    const at = this.#tail.indexOf(tag);
    if (at !== -1) {
      this.#isOpen = !this.#isOpen;
      this.#tail = this.#tail.slice(at + tag.length);
    } else {
      this.#tail = this.#tail.slice(-Math.max(startTag.length, endTag.length));
    }
    if (this.#isOpen) this.#spent++;
  }

  /** The model has thought as long as it may. */
  get isOverBudget(): boolean {
    return this.#isOpen && this.#plan.budget !== undefined && this.#spent >= this.#plan.budget;
  }
}
