/** Thrown when a computation or its result gets too large. The message completes "the schema is too complex: …". */
export class BudgetExceeded extends Error {
  override readonly name = 'BudgetExceeded';
}

/** Bounds the work a hostile schema can cause, in abstract steps rather than time, so that verdicts are repeatable. */
export class WorkBudget {
  #left: number;

  constructor(steps: number) {
    this.#left = steps;
  }

  /** @throws {BudgetExceeded} when nothing is left */
  spend(steps: number): void {
    this.#left -= steps;
    if (this.#left < 0) throw new BudgetExceeded('it takes too many steps to work out');
  }
}
