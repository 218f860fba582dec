import { hash } from 'node:crypto';
import { GatewayError } from '../../errors.ts';
import { CircuitBreaker } from '../../upstream/replicas/circuit-breaker.ts';
import { EndpointFailure } from './identity-endpoint.ts';
import { LruMap } from '../../lru-map.ts';
import { SingleFlight, unlessAborted } from '../../single-flight.ts';

export interface IntrospectionCacheOptions<T> {
  /** Asks the issuer; `undefined` for a token that is not valid. Throws {@link EndpointFailure}. */
  readonly introspect: (token: string, signal: AbortSignal) => Promise<T | undefined>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Who is asked, for messages. */
  readonly issuer: string;
  /** Tokens that are remembered as valid, and as many as not valid. */
  readonly maxTokens: number;
  readonly onFailure?: ((error: unknown) => void) | undefined;
}

interface KnownToken<T> {
  readonly facts: T;
  /** From then on it is asked again while the old answer serves. */
  readonly recheckAt: number;
  /** From then on the old answer serves only when there is no new one. */
  readonly staleAt: number;
}

/**
 * How long an answer counts. A token can be withdrawn before it expires, so five minutes bound how long that goes
 * unnoticed; the fifth minute is for asking again without anyone waiting.
 */
const RECHECK_MS = 240_000;
const STALE_MS = 300_000;
/** Until the next question after one that failed. */
const RETRY_MS = 30_000;
/** How long a token that is not valid is not asked about again. */
const REFUSED_MS = 30_000;

/** Questions under way; above it somebody is trying tokens out. */
const MAX_QUESTIONS = 200;

/** One failure may be chance, and the endpoint is large: it is back soon. */
const CIRCUIT = { failures: 3, openMs: 5000, maxOpenMs: 60_000 };
const RETRY_AFTER_SECONDS = 5;

/**
 * Remembers what an issuer said about its tokens, by the hash of the whole token. While the issuer does not answer, a
 * known token stays good until it expires.
 */
export class IntrospectionCache<T extends { readonly expiresAt: number }> {
  readonly #options: IntrospectionCacheOptions<T>;
  /** Two maps, so that a flood of wrong tokens does not push out the right ones. */
  readonly #known: LruMap<KnownToken<T>>;
  /** Until when each is not asked about. */
  readonly #refused: LruMap<number>;
  readonly #flights = new SingleFlight<T | undefined>();
  readonly #circuit = new CircuitBreaker(CIRCUIT);
  readonly #closed = new AbortController();

  constructor(options: IntrospectionCacheOptions<T>) {
    this.#options = options;
    this.#known = new LruMap({ maxEntries: options.maxTokens });
    this.#refused = new LruMap({ maxEntries: options.maxTokens });
  }

  /** Tokens remembered. */
  get size(): number {
    return this.#known.size + this.#refused.size;
  }

  /**
   * @returns `undefined` for a token that is not valid
   * @throws {GatewayError} `overloaded` when that cannot be known now; the signal's reason when it aborted
   */
  async get(token: string, signal: AbortSignal): Promise<T | undefined> {
    signal.throwIfAborted();
    const key = hash('sha256', token, 'base64url');
    const now = this.#options.now();
    const known = this.#known.get(key);
    if (known === undefined) return this.#getUnknown(key, token, signal);
    if (now >= known.facts.expiresAt) {
      this.#refuse(key);
      return undefined;
    }
    if (now < known.recheckAt) return known.facts;
    const recheck = this.#recheck(key, token, known);
    return now < known.staleAt ? known.facts : unlessAborted(recheck, signal);
  }

  /** Gives up what is under way. */
  close(): void {
    this.#closed.abort(new Error('the introspection is closed'));
  }

  async #getUnknown(key: string, token: string, signal: AbortSignal): Promise<T | undefined> {
    if (this.#options.now() < (this.#refused.get(key) ?? 0)) return undefined;
    try {
      return await unlessAborted(this.#ask(key, token), signal);
    } catch (error) {
      if (!(error instanceof EndpointFailure)) throw error;
      throw this.#overloaded(error);
    }
  }

  /** The new answer, or the old one where there is none. */
  async #recheck(key: string, token: string, known: KnownToken<T>): Promise<T | undefined> {
    try {
      return await this.#ask(key, token);
    } catch {
      const next = this.#options.now() + RETRY_MS;
      this.#known.set(key, { facts: known.facts, recheckAt: next, staleAt: next });
      return known.facts;
    }
  }

  #ask(key: string, token: string): Promise<T | undefined> {
    return this.#flights.run(key, async () => {
      const facts = await this.#askOnce(token);
      const now = this.#options.now();
      if (facts === undefined) this.#refuse(key);
      else {
        this.#known.set(key, { facts, recheckAt: now + RECHECK_MS, staleAt: now + STALE_MS });
        this.#refused.delete(key);
      }
      return facts;
    });
  }

  #refuse(key: string): void {
    this.#known.delete(key);
    this.#refused.set(key, this.#options.now() + REFUSED_MS);
  }

  async #askOnce(token: string): Promise<T | undefined> {
    const { introspect, now, onFailure } = this.#options;
    const circuit = this.#circuit;
    if (!circuit.allows(now()) || this.#flights.size >= MAX_QUESTIONS) throw this.#overloaded();
    const { epoch } = circuit;
    const isTrial = circuit.isOpen;
    if (isTrial) circuit.beginTrial();
    try {
      const facts = await introspect(token, this.#closed.signal);
      if (circuit.epoch === epoch) circuit.requestSucceeded();
      return facts;
    } catch (error) {
      if (error instanceof EndpointFailure) {
        if (circuit.epoch === epoch) circuit.requestFailed(now(), error.isUnreachable);
        onFailure?.(error);
      } else if (isTrial && circuit.epoch === epoch) circuit.endTrial();
      throw error;
    }
  }

  #overloaded(cause?: unknown): GatewayError {
    return new GatewayError(
      'overloaded',
      `${this.#options.issuer} does not answer, so this token cannot be checked now. Try again in ${RETRY_AFTER_SECONDS} seconds.`,
      { retryAfterSeconds: RETRY_AFTER_SECONDS, cause },
    );
  }
}
