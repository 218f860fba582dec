const WINDOW_MILLISECONDS = 5000;
const SAMPLE_MILLISECONDS = 100;
/** A speed over less than this says more about buffers than about the line. */
const MIN_SPAN_MILLISECONDS = 500;

/** Speed of a transfer, averaged over the last five seconds. */
export class TransferMeter {
  #samples: { readonly at: number; readonly bytes: number }[] = [];

  /**
   * @param bytes transferred so far; a smaller number than before means that the transfer began anew
   * @param now milliseconds on any steady clock
   */
  record(bytes: number, now: number): void {
    const last = this.#samples.at(-1);
    if (last !== undefined && bytes < last.bytes) this.#samples = [];
    else if (last !== undefined && now - last.at < SAMPLE_MILLISECONDS) return;
    this.#samples.push({ at: now, bytes });
    const firstInside = this.#samples.findIndex(({ at }) => now - at <= WINDOW_MILLISECONDS);
    this.#samples.splice(0, firstInside);
  }

  /** `undefined` until there is enough to tell. */
  get bytesPerSecond(): number | undefined {
    const first = this.#samples.at(0);
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || last.at - first.at < MIN_SPAN_MILLISECONDS)
      return undefined;
    return ((last.bytes - first.bytes) / (last.at - first.at)) * 1000;
  }
}
