import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ErrorCode } from '../errors.ts';
import type { Meter, MeteredCall } from '../state/meter.ts';
import type { UsageOutcome } from '../state/usage/usage-entry.ts';
import { estimateTokens } from './estimate-tokens.ts';
import type { Dispatch } from './handle-chat.ts';

export interface AccountingOptions {
  readonly meter: Pick<Meter, 'admit'>;
}

/** Failures that leave it open how much a model that was asked has generated. */
const UNKNOWN_USE: ReadonlySet<ErrorCode> = new Set(['cancelled', 'timeout', 'upstream_disconnected']);

/** One chat request in the books: from before it is dispatched until its answer is over. */
export class RequestAccount {
  readonly #request: FastifyRequest;
  readonly #reply: FastifyReply;
  readonly #options: AccountingOptions;
  #call: MeteredCall | undefined;
  #isSettled = false;

  constructor(request: FastifyRequest, reply: FastifyReply, options: AccountingOptions) {
    this.#request = request;
    this.#reply = reply;
    this.#options = options;
  }

  /**
   * Reserves what the request may use, and has the answer tell how the caller's limits stand.
   *
   * @throws {GatewayError} when it is more than the caller may, or when that cannot be found out
   */
  readonly open = async ({ body, upstream, model }: Dispatch): Promise<void> => {
    const { id, policy } = this.#request.principal!;
    const admission = await this.#options.meter.admit({
      requestId: this.#request.id,
      principal: id,
      limits: policy?.limits,
      upstream,
      model,
      endpoint: 'chat.completions',
      ...estimateTokens(body),
    });
    this.#request.limitHeaders = admission.headers;
    this.#reply.headers(admission.headers);
    if (!admission.granted) throw admission.error;
    this.#call = admission.call;
    // The client left meanwhile: nobody will dispatch it.
    if (this.#isSettled) void admission.call.end({ status: 'cancelled', totalTokens: 0 });
  };

  /**
   * To be waited for before the first byte of the answer is sent.
   *
   * @throws {GatewayError} when the request cannot be accounted for; then nothing may be sent
   */
  async written(): Promise<void> {
    await this.#call?.written();
  }

  /** Puts what was used in the place of what was reserved, by what is known of the request. To be called at its end, always. */
  settle(): void {
    this.#isSettled = true;
    const { facts } = this.#request;
    void this.#call?.end(outcomeOf(this.#request), facts && { upstream: facts.upstream });
  }
}

function outcomeOf({
  failure,
  usage,
  facts,
}: Pick<FastifyRequest, 'failure' | 'usage' | 'facts'>): UsageOutcome {
  if (usage !== undefined) {
    return {
      status: statusOf(failure?.code),
      promptTokens: usage.prompt_tokens,
      completionTokens: usage.completion_tokens,
      totalTokens: usage.total_tokens,
    };
  }
  const isUnused = failure !== undefined && facts === undefined && !UNKNOWN_USE.has(failure.code);
  return { status: statusOf(failure?.code), ...(isUnused && { totalTokens: 0 }) };
}

function statusOf(failure: ErrorCode | undefined): UsageOutcome['status'] {
  if (failure === undefined) return 'completed';
  return failure === 'cancelled' ? 'cancelled' : 'failed';
}
