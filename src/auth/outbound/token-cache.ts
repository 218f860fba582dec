import type { AuthHeaders } from './token-source.ts';

/** Headers that authenticate until some time. */
export interface Grant {
  readonly headers: AuthHeaders;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

export interface TokenCacheOptions {
  /** Fetches a new grant. The signal ends when the cache is closed or the time is up. */
  readonly fetch: (signal: AbortSignal) => Promise<Grant>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Longest time for one fetch, in milliseconds. */
  readonly fetchTimeoutMs: number;
  /** A renewal failed while the old grant still serves. */
  readonly onRenewalFailure?: ((error: unknown) => void) | undefined;
}

/** Renewal starts this long before the end. Contract section 1.3. */
const RENEW_AHEAD_MS = 300_000;

/** A grant that ends sooner could end on its way to the upstream: it is used only while no other can be had. */
const TRAVEL_MS = 10_000;

/** Wait after a first failed fetch; doubles with each further one. */
const FIRST_BACKOFF_MS = 1000;
const MAX_BACKOFF_MS = 60_000;

/**
 * Keeps one grant and renews it: in the background while the old one still serves, with one fetch in flight whoever
 * asks. There is no timer: an unused cache costs nothing, and the next caller starts what is due.
 */
export class TokenCache {
  readonly #options: TokenCacheOptions;
  readonly #closed = new AbortController();
  #grant: Grant | undefined;
  #renewAt = 0;
  #fetching: Promise<Grant> | undefined;
  #failure: { readonly error: unknown; readonly at: number; readonly backoffMs: number } | undefined;

  constructor(options: TokenCacheOptions) {
    this.#options = options;
  }

  /** @throws what the fetch threw; the signal's reason when it aborted, which leaves the fetch to the others */
  async get(signal: AbortSignal): Promise<AuthHeaders> {
    signal.throwIfAborted();
    this.#closed.signal.throwIfAborted();
    const grant = this.#grant;
    const reserveMs = this.#failure === undefined ? TRAVEL_MS : 0;
    if (grant !== undefined && this.#options.now() < grant.expiresAt - reserveMs) {
      const isDue = this.#options.now() >= this.#renewAt;
      if (isDue && this.#fetching === undefined) this.#fetch().catch(() => {});
      return grant.headers;
    }
    // A burst of requests must not become a burst on a token server that has just refused.
    if (this.#failure !== undefined && this.#isRecent(this.#failure.at)) throw this.#failure.error;
    try {
      return (await unlessAborted(this.#fetch(), signal)).headers;
    } catch (error) {
      if (signal.aborted || grant === undefined || !this.#isAlive(grant)) throw error;
      return grant.headers;
    }
  }

  /** Forgets the grant with these headers, if it is still the current one. */
  invalidate(headers: AuthHeaders): void {
    if (headers['authorization'] !== this.#grant?.headers['authorization']) return;
    this.#grant = undefined;
    this.#failure = undefined;
  }

  close(): void {
    this.#closed.abort(new Error('the credentials are closed'));
  }

  #isRecent(time: number): boolean {
    const passedMs = this.#options.now() - time;
    // A clock that was set back must not stop the tries.
    return passedMs >= 0 && passedMs < FIRST_BACKOFF_MS;
  }

  /** Whether a grant can still be handed out. */
  #isAlive(grant: Grant): boolean {
    return grant === this.#grant && this.#options.now() < grant.expiresAt && !this.#closed.signal.aborted;
  }

  #fetch(): Promise<Grant> {
    this.#fetching ??= this.#fetchOnce().finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  async #fetchOnce(): Promise<Grant> {
    const { fetch, now, fetchTimeoutMs, onRenewalFailure } = this.#options;
    const startedAt = now();
    try {
      const grant = await fetch(AbortSignal.any([this.#closed.signal, AbortSignal.timeout(fetchTimeoutMs)]));
      this.#grant = grant;
      this.#failure = undefined;
      // Metadata servers hand out tokens with little time left: those are renewed at half of it.
      this.#renewAt = grant.expiresAt - Math.min(RENEW_AHEAD_MS, (grant.expiresAt - startedAt) / 2);
      return grant;
    } catch (error) {
      const backoffMs =
        this.#failure === undefined
          ? FIRST_BACKOFF_MS
          : Math.min(MAX_BACKOFF_MS, this.#failure.backoffMs * 2);
      this.#failure = { error, at: now(), backoffMs };
      this.#renewAt = now() + backoffMs;
      if (this.#grant !== undefined && this.#isAlive(this.#grant)) onRenewalFailure?.(error);
      throw error;
    }
  }
}

/** The promise's outcome, or the signal's reason if that comes first. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
