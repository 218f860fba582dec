/** Lets tasks run one after the other, in the order they came. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** @returns what the task returns, once its turn has come and gone */
  async take<Result>(task: () => Promise<Result>): Promise<Result> {
    const turn = this.#last.then(task);
    // A failure belongs to who asked, not to the next one.
    this.#last = turn.catch(() => {});
    return await turn;
  }
}
