/** Tokens a caller has used of one day or month, counted in memory on top of what the ledger has. */
export class PeriodUse {
  /** When the day or month begins, in milliseconds since 1970. */
  readonly from: number;
  readonly #reading: Promise<void>;
  #state: 'reading' | 'read' | 'failed' = 'reading';
  #tokens = 0;

  /** @param before what was used before, by the ledger */
  constructor(from: number, before: Promise<number>) {
    this.from = from;
    this.#reading = this.#start(before);
    // Who waits for it is told; nobody may be waiting.
    this.#reading.catch(() => {});
  }

  /** Whether it could not be read what was used before. Then it is of no use. */
  get hasFailed(): boolean {
    return this.#state === 'failed';
  }

  get tokens(): number {
    return this.#tokens;
  }

  /** @throws what reading threw */
  async read(): Promise<void> {
    if (this.#state !== 'read') await this.#reading;
  }

  add(tokens: number): void {
    this.#tokens += tokens;
  }

  async #start(before: Promise<number>): Promise<void> {
    try {
      const tokens = await before;
      this.#tokens += tokens;
      this.#state = 'read';
    } catch (error) {
      this.#state = 'failed';
      throw error;
    }
  }
}
