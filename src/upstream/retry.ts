/**
 * Retries of upstream calls. Contract section 11.3: at most two, only before the first byte, with full jitter, within
 * the request's own deadline, and never more than a tenth of extra load.
 */

export interface RetryOptions {
  /** Retries after the first attempt. @default 2 */
  readonly maxRetries?: number;
  /** Longest wait before the first retry, in milliseconds; doubles with each. @default 500 */
  readonly baseDelayMs?: number;
  /** Longest wait an upstream may ask for, in milliseconds. A longer one is passed on to the client. @default 20 000 */
  readonly maxHintMs?: number;
  /** @default Math.random */
  readonly random?: () => number;
}

/** What is known about a failed attempt. */
export interface FailedAttempt {
  readonly retryable: boolean;
  /** How long the upstream asks to wait, in milliseconds. */
  readonly hintMs?: number | undefined;
}

/**
 * Spends retries so that they add at most a tenth to the load: each request earns a tenth of a retry, and a few are
 * there from the start, so that a quiet server can retry at all.
 */
export class RetryBudget {
  readonly #max: number;
  readonly #earned: number;
  #tokens: number;

  constructor({ max = 10, ratio = 0.1 }: { max?: number; ratio?: number } = {}) {
    this.#max = max;
    this.#earned = ratio;
    this.#tokens = max;
  }

  /** A request was made that is no retry. */
  earn(): void {
    this.#tokens = Math.min(this.#max, this.#tokens + this.#earned);
  }

  /** @returns whether a retry may be made; then it is paid for */
  spend(): boolean {
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}

/**
 * Makes attempts until one succeeds or no further one is allowed.
 *
 * @param attempt gets the number of the attempt, from 0
 * @param judge what a failure means; it is thrown on when it is not retryable
 * @throws what the last attempt threw
 */
export async function withRetries<T>(
  attempt: (number: number) => Promise<T>,
  judge: (error: unknown) => FailedAttempt,
  context: { readonly budget: RetryBudget; readonly signal: AbortSignal; readonly options?: RetryOptions },
): Promise<T> {
  const {
    maxRetries = 2,
    baseDelayMs = 500,
    maxHintMs = 20_000,
    random = Math.random,
  } = context.options ?? {};
  context.budget.earn();
  for (let number = 0; ; number++) {
    try {
      return await attempt(number);
    } catch (error) {
      const { retryable, hintMs = 0 } = judge(error);
      const mayRetry = retryable && number < maxRetries && hintMs <= maxHintMs && !context.signal.aborted;
      if (!mayRetry || !context.budget.spend()) throw error;
      await pause(Math.max(hintMs, random() * baseDelayMs * 2 ** number), context.signal);
    }
  }
}

/** Waits; rejects with the signal's reason when it aborts. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    }, milliseconds);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
