import type { ChatEventBatch } from '../translate/events/chat-event.ts';
import type { ChatCompletionRequest } from '../wire/openai/request.ts';

/** Something that answers chat requests: the embedded engine, Gemini, a model server. */
export interface Backend {
  /** The upstream's name in the configuration; sent as `x-parlance-upstream`. */
  readonly name: string;
  readonly kind: BackendKind;

  /**
   * Answers one request. Resolves once the answer is certain to start, so that every failure before
   * that is still an HTTP status; fails later through the iterator.
   *
   * @param signal aborts the work at once when the client leaves or the deadline passes
   * @throws {GatewayError} when the request cannot be served
   */
  chat(call: ChatCall, signal: AbortSignal): Promise<ChatReply>;

  /** Longest time for one answer, waiting included, in milliseconds; then 504. */
  readonly answerTimeoutMs: number;

  /** Models this backend serves under their own names. */
  models(): readonly BackendModel[];

  /** Whether a request sent now would be served. */
  readiness(): Readiness;

  /** Stops all work and frees what the backend holds. */
  close(): Promise<void>;
}

export type BackendKind = 'embedded' | 'vertex' | 'gemini';

/** One request on its way to a backend. Frozen: an attempt never changes what the next one sees. */
export interface ChatCall {
  readonly request: ChatCompletionRequest;
  /** The model name without publisher or `models/` prefix; empty on endpoint routes without a model. */
  readonly model: string;
  /** What to do with a field the backend cannot honour. Contract section 0. */
  readonly unsupported: 'reject' | 'ignore';
  readonly requestId: string;
  /** Whom what is kept between requests belongs to. Tenants never see each other's. */
  readonly tenant: string;
}

export interface ChatReply {
  readonly events: AsyncIterable<ChatEventBatch>;
  /** The exact model that answers; sent as `x-parlance-model-version`. */
  readonly modelVersion: string;
  /** JSON paths of fields that were accepted and had no effect; sent as `x-parlance-ignored`. */
  readonly ignored: readonly string[];
  /** Where thought signatures came from that the client did not send; sent as `x-parlance-signature`. */
  readonly signature?: string;
}

export interface BackendModel {
  readonly id: string;
  /** Unix time in seconds. */
  readonly created: number;
  readonly ownedBy: string;
}

export type Readiness =
  | { readonly ready: true }
  | { readonly ready: false; readonly reason: string; readonly retryAfterSeconds: number };
