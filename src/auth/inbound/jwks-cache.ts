import { type CryptoKey, createLocalJWKSet, errors, type JWSHeaderParameters } from 'jose';
import { GatewayError } from '../../errors.ts';
import { SingleFlight, unlessAborted } from '../../single-flight.ts';
import type { PublishedKey } from './published-keys.ts';

export interface JwksCacheOptions {
  /** Asks the issuer for its keys, at least one. */
  readonly fetch: (signal: AbortSignal) => Promise<readonly PublishedKey[]>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Whose keys, for messages. */
  readonly issuer: string;
  readonly onFailure?: ((error: unknown) => void) | undefined;
}

type FindKey = (header: JWSHeaderParameters) => Promise<CryptoKey>;

/** Age after which keys are fetched anew while the old ones serve: withdrawn keys are forgotten by then. */
const FRESH_MS = 600_000;
/** Age after which keys that could not be fetched anew are trusted no more. */
const MAX_AGE_MS = 24 * 3_600_000;
/** Between two questions, whatever key ids strangers make up. */
const PAUSE_MS = 30_000;
/** After the first failure without any key; doubles up to the pause. */
const FIRST_BACKOFF_MS = 1000;

/**
 * The keys an issuer signs with. They are fetched when first needed, when they get old, and when a token names one that
 * is not known: issuers change their keys.
 */
export class JwksCache {
  readonly #options: JwksCacheOptions;
  readonly #flights = new SingleFlight<void>();
  readonly #closed = new AbortController();
  #keys: { readonly find: FindKey; readonly fetchedAt: number } | undefined;
  #lastTry: { readonly at: number; readonly pauseMs: number; readonly failures: number } | undefined;

  constructor(options: JwksCacheOptions) {
    this.#options = options;
  }

  /**
   * The key that a token names in its header, by `kid` and `alg` alone: keys and addresses of keys that the token brings
   * along are not looked at.
   *
   * @throws {GatewayError} `overloaded` when the issuer has to be asked and does not answer
   * @throws {errors.JOSEError} when the issuer has no such key, or several; the signal's reason when it aborted
   */
  async find(header: JWSHeaderParameters, signal: AbortSignal): Promise<CryptoKey> {
    try {
      return await (
        await this.#usable(signal)
      )(header);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
    }
    if (this.#mayAsk) await unlessAborted(this.#refetch(), signal);
    // It may be a new key, which cannot be known now.
    if (this.#lastTry !== undefined && this.#lastTry.failures > 0) throw this.#overloaded();
    return (await this.#usable(signal))(header);
  }

  /** Gives up what is under way. */
  close(): void {
    this.#closed.abort(new Error('the keys are closed'));
  }

  get #mayAsk(): boolean {
    if (this.#lastTry === undefined || this.#flights.size > 0) return true;
    const passed = this.#options.now() - this.#lastTry.at;
    // A clock that was set back must not stop the questions.
    return passed >= this.#lastTry.pauseMs || passed < 0;
  }

  async #usable(signal: AbortSignal): Promise<FindKey> {
    const age = this.#options.now() - (this.#keys?.fetchedAt ?? -Infinity);
    if (age >= MAX_AGE_MS) {
      if (this.#mayAsk) await unlessAborted(this.#refetch(), signal);
      if (this.#lastTry?.failures !== 0) throw this.#overloaded();
    } else if (age >= FRESH_MS && this.#mayAsk) void this.#refetch();
    if (this.#keys === undefined) throw this.#overloaded();
    return this.#keys.find;
  }

  /** Tries once. Does not throw: what comes of it is in `#keys` and `#lastTry`. */
  #refetch(): Promise<void> {
    return this.#flights.run('keys', async () => {
      const { fetch, now, onFailure } = this.#options;
      try {
        const keys = await fetch(this.#closed.signal);
        this.#keys = { find: finderIn(keys), fetchedAt: now() };
        this.#lastTry = { at: now(), pauseMs: PAUSE_MS, failures: 0 };
      } catch (error) {
        const failures = (this.#lastTry?.failures ?? 0) + 1;
        const backoffMs = FIRST_BACKOFF_MS * 2 ** Math.min(failures - 1, 5);
        const pauseMs = this.#keys === undefined ? Math.min(PAUSE_MS, backoffMs) : PAUSE_MS;
        this.#lastTry = { at: now(), pauseMs, failures };
        if (!this.#closed.signal.aborted) onFailure?.(error);
      }
    });
  }

  #overloaded(): GatewayError {
    const pauseMs = this.#lastTry?.pauseMs ?? FIRST_BACKOFF_MS;
    const passed = this.#options.now() - (this.#lastTry?.at ?? 0);
    const seconds = Math.ceil(Math.min(pauseMs, Math.max(1000, pauseMs - passed)) / 1000);
    return new GatewayError(
      'overloaded',
      `The keys of ${this.#options.issuer} cannot be fetched, so this token cannot be checked now. Try again in ${seconds} s.`,
      { retryAfterSeconds: seconds },
    );
  }
}

/** Finds a key by the header of a token. A key that is broken fails as one that the library refuses. */
function finderIn(keys: readonly PublishedKey[]): FindKey {
  const find = createLocalJWKSet({ keys: [...keys] });
  return async (header) => {
    try {
      return await find(header);
    } catch (error) {
      if (error instanceof errors.JOSEError) throw error;
      throw new errors.JWKInvalid('the key cannot be read');
    }
  };
}
