import type { GatewayError } from '../errors.ts';
import { randomBase62 } from '../ids.ts';
import type { CallerLimits } from '../caller-policy.ts';
import { toLimitError } from './limits/limit-errors.ts';
import type { Limiter, Reservation } from './limits/limiter.ts';
import { rateLimitHeaders } from './limits/rate-limit-headers.ts';
import type { UsageEntry, UsageOutcome } from './usage/usage-entry.ts';
import type { UsageLedger } from './usage/usage-ledger.ts';

export interface MeteredRequest {
  /** `x-request-id` of the answer. */
  readonly requestId: string;
  readonly principal: string;
  readonly limits?: CallerLimits | undefined;
  /** Where it is expected to go. What it was in the end is said with the outcome. */
  readonly upstream: string;
  readonly model: string;
  /** The kind of request, such as `chat.completions`. */
  readonly endpoint: string;
  /** The most tokens its prompt may have. */
  readonly promptTokens: number;
  /** The most tokens each choice of its answer may have; `undefined` where the request does not say. */
  readonly completionTokens?: number | undefined;
  /** @default 1 */
  readonly choices?: number;
}

export type Admission =
  | { readonly granted: true; readonly call: MeteredCall; readonly headers: Readonly<Record<string, string>> }
  | {
      readonly granted: false;
      readonly error: GatewayError;
      readonly headers: Readonly<Record<string, string>>;
    };

/** Where a request went in the end. */
export type Served = Partial<Pick<UsageEntry, 'upstream' | 'model'>>;

export interface MeterOptions {
  readonly limiter: Limiter;
  /** Absent: nothing is written. */
  readonly ledger?: Pick<UsageLedger, 'open' | 'settle'> | undefined;
  /** Hold for callers where they have no limits of their own, one by one. @default none */
  readonly defaults?: CallerLimits | undefined;
  /**
   * Tokens that are reserved for the answer to a request that does not say how long it may be, where limits do not call
   * for less.
   */
  readonly assumedCompletionTokens: number;
  /** Told of outcomes that could not be written; they count as reserved. */
  readonly onError: (error: unknown) => void;
}

/** Limits and ledger together, in the order that their guarantees need. */
export class Meter {
  readonly #options: MeterOptions;

  constructor(options: MeterOptions) {
    this.#options = options;
  }

  /**
   * To be called before the request is dispatched. Its caller sends `headers` with the answer either way.
   *
   * @throws {GatewayError} `overloaded` when the limits cannot be checked
   */
  async admit(request: MeteredRequest): Promise<Admission> {
    const { principal } = request;
    const { limiter, defaults, assumedCompletionTokens } = this.#options;
    const limits = { ...defaults, ...request.limits };
    const tokens = reservedTokens(request, limits, assumedCompletionTokens);
    const isLimited = Object.values(limits).some((limit) => limit !== undefined);
    const decision = isLimited ? await limiter.reserve(principal, limits, tokens) : undefined;
    const headers = rateLimitHeaders(decision?.rates ?? {});
    if (decision?.granted === false)
      return { granted: false, error: toLimitError(decision.refusal), headers };
    return {
      granted: true,
      call: new MeteredCall(this.#options, { ...request, tokens, reservation: decision?.reservation }),
      headers,
    };
  }
}

/** A request with a small budget is not refused for an answer whose length nobody named: it may have this share of it. */
const ASSUMED_SHARE = 0.1;

function reservedTokens(
  { promptTokens, completionTokens, choices = 1 }: MeteredRequest,
  { tokensPerMinute, tokensPerDay, tokensPerMonth }: CallerLimits,
  assumed: number,
): number {
  const smallest = Math.min(
    tokensPerMinute ?? Infinity,
    tokensPerDay ?? Infinity,
    tokensPerMonth ?? Infinity,
  );
  const stated = completionTokens === undefined ? undefined : completionTokens * choices;
  return promptTokens + (stated ?? Math.ceil(Math.min(assumed * choices, smallest * ASSUMED_SHARE)));
}

interface AdmittedRequest extends MeteredRequest {
  readonly tokens: number;
  readonly reservation: Reservation | undefined;
}

/** A request that was let through. It has to be ended, whatever becomes of it. */
export class MeteredCall {
  readonly #options: MeterOptions;
  readonly #entry: UsageEntry;
  readonly #reservation: Reservation | undefined;
  /** `undefined` where nothing is written. */
  readonly #opened: Promise<void> | undefined;
  #ended: Promise<void> | undefined;

  constructor(options: MeterOptions, request: AdmittedRequest) {
    const { requestId, principal, upstream, model, endpoint, tokens, reservation } = request;
    this.#options = options;
    this.#reservation = reservation;
    this.#entry = {
      id: randomBase62(),
      requestId,
      at: new Date(reservation?.at ?? Date.now()),
      principal,
      upstream,
      model,
      endpoint,
      reservedTokens: reservation?.tokens ?? tokens,
    };
    this.#opened = options.ledger?.open(this.#entry);
    // Looked at when the answer begins.
    this.#opened?.catch(() => {});
  }

  /**
   * To be waited for before the first byte of an answer is sent: from then on the request counts, even if the server is
   * killed. It runs side by side with the upstream and is usually over first.
   *
   * @throws {GatewayError} `overloaded`; then nothing may be sent, and the call is to be ended
   */
  async written(): Promise<void> {
    await this.#opened;
  }

  /**
   * Settles limits and ledger, once: what is said later changes nothing. Without `totalTokens` the request counts as it
   * was reserved; say 0 when no model was asked.
   *
   * @returns once the row is written. Nobody has to wait for it.
   */
  async end(outcome: UsageOutcome, served: Served = {}): Promise<void> {
    this.#ended ??= this.#settle(outcome, served);
    await this.#ended;
  }

  async #settle(outcome: UsageOutcome, served: Served): Promise<void> {
    const { limiter, ledger, onError } = this.#options;
    const tokens = outcome.totalTokens ?? this.#entry.reservedTokens;
    const settled: Promise<void>[] = [];
    if (ledger !== undefined) settled.push(ledger.settle({ ...this.#entry, ...served }, outcome));
    if (this.#reservation !== undefined) settled.push(limiter.settle(this.#reservation, tokens));
    for (const result of await Promise.allSettled(settled)) {
      if (result.status === 'rejected') onError(result.reason);
    }
  }
}
