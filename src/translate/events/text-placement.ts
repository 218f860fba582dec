/** A range in UTF-16 code units; `end` is the first unit behind it. */
export interface TextRange {
  start: number;
  end: number;
}

/**
 * Where the pieces of one text, the source, stand in a longer one, the target, that has other things between them.
 * Both grow at their ends. Lengths and offsets are UTF-16 code units.
 */
export class TextPlacement {
  /** Starts of pieces in both texts, ascending; a piece that follows its neighbour without a gap needs no entry. */
  readonly #pieces: { source: number; target: number }[] = [];
  #source = 0;
  #target = 0;

  /** Length of the source so far. */
  get sourceLength(): number {
    return this.#source;
  }

  /** The next piece of the source goes to the target's end. */
  place(length: number): void {
    if (length === 0) return;
    const last = this.#pieces.at(-1);
    if (last === undefined || this.#target - last.target !== this.#source - last.source) {
      this.#pieces.push({ source: this.#source, target: this.#target });
    }
    this.#source += length;
    this.#target += length;
  }

  /** The target grows by something that is not in the source. */
  insert(length: number): void {
    this.#target += length;
  }

  /**
   * The range of the target that holds a range of the source, with whatever was inserted in its middle but not at its
   * edges. What lies behind the source's end is at the target's end.
   */
  range({ start, end }: TextRange): TextRange {
    const from = Math.max(start, 0);
    if (from >= this.#source) return { start: this.#target, end: this.#target };
    const first = this.#pieces.findLast(({ source }) => source <= from);
    const moved = from + (first === undefined ? 0 : first.target - first.source);
    if (end <= from) return { start: moved, end: moved };
    const to = Math.min(end, this.#source);
    const last = this.#pieces.findLast(({ source }) => source < to);
    return { start: moved, end: to + (last === undefined ? 0 : last.target - last.source) };
  }
}
