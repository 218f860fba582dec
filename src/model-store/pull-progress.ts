import { TransferMeter } from './transfer-meter.ts';

/** Where a pull stands. */
export interface PullProgress {
  readonly phase: PullPhase;
  /** What is read from, in words: `PyPI (pip)`, `huggingface.co`. */
  readonly source: string;
  /** Bytes done in this phase. */
  readonly receivedBytes: number;
  readonly totalBytes?: number;
  readonly bytesPerSecond?: number;
  readonly secondsLeft?: number;
}

export type PullPhase = 'resolve' | 'download' | 'extract' | 'verify' | 'done';

export type OnPullProgress = (progress: PullProgress) => void;

/** Tells of one phase of a pull, with speed and time left. */
export class PhaseReporter {
  readonly #onProgress: OnPullProgress;
  readonly #phase: PullPhase;
  readonly #source: string;
  readonly #meter = new TransferMeter();

  constructor(onProgress: OnPullProgress, phase: PullPhase, source: string) {
    this.#onProgress = onProgress;
    this.#phase = phase;
    this.#source = source;
  }

  report(receivedBytes: number, totalBytes?: number): void {
    this.#meter.record(receivedBytes, performance.now());
    const { bytesPerSecond } = this.#meter;
    const timeKnown = totalBytes !== undefined && bytesPerSecond !== undefined && bytesPerSecond > 0;
    this.#onProgress({
      phase: this.#phase,
      source: this.#source,
      receivedBytes,
      ...(totalBytes !== undefined && { totalBytes }),
      ...(bytesPerSecond !== undefined && { bytesPerSecond }),
      ...(timeKnown && { secondsLeft: Math.max(0, totalBytes - receivedBytes) / bytesPerSecond }),
    });
  }
}
