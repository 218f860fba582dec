import type { LiftedBase64 } from '../media/lifted-base64.ts';
import type { ChatEventBatch } from '../translate/events/chat-event.ts';
import type { ServerKind } from '../translate/relay/server-kinds.ts';
import type { ChatRequestBody } from '../wire/openai/request-body.ts';
import type { RelayedAnswer } from './relayed-answer.ts';

/** Something that answers chat requests: the embedded engine, Gemini, a model server. */
export interface Backend {
  /** The upstream's name in the configuration; sent as `x-parlance-upstream`. */
  readonly name: string;
  readonly kind: BackendKind;
  /**
   * What it works with. `request`: the valid request. `text`: the client's JSON goes on as it is; what it holds is for
   * the server behind to judge, and only what Parlance itself reads of it is checked. `request-or-text`: the valid
   * request, of which the text may be needed too.
   */
  readonly input: 'request' | 'text' | 'request-or-text';

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

export type BackendKind = 'embedded' | 'vertex' | 'gemini' | ServerKind;

/** One request on its way to a backend. */
export interface ChatCall {
  readonly body: ChatRequestBody;
  /** What the body holds marks of. @default nothing */
  readonly lifted?: LiftedBase64 | undefined;
  /** The model as the client wrote it; empty where it named none. */
  readonly asked: string;
  /** The model name without publisher or `models/` prefix, or that of the endpoint; empty where there is neither. */
  readonly model: string;
  /** Whether the configuration names {@link model} for this endpoint, whatever the client asked for. */
  readonly isModelFixed: boolean;
  /** What to do with a field the backend cannot honour. Contract section 0. */
  readonly unsupported: 'reject' | 'ignore';
  readonly requestId: string;
  /** Whom what is kept between requests belongs to. Tenants never see each other's. */
  readonly tenant: string;
  /** Whether it matters how many tokens the answer takes, even if the client does not ask. @default false */
  readonly isMetered?: boolean;
  /** The client's own Google access token, where media are fetched with its rights. */
  readonly accessToken?: string;
  /** The client's own credential, where it takes the place of the server's. */
  readonly clientCredential?: string;
  /** Project and location of the client's URL; they count with its own credential. */
  readonly place?: { readonly project: string; readonly location: string };
}

/** An answer that is certain to begin: events to make OpenAI's objects of, or bytes that are such objects already. */
export type ChatReply = EventReply | RelayReply;

export interface EventReply extends ReplyFacts {
  readonly events: AsyncIterable<ChatEventBatch>;
}

export interface RelayReply extends ReplyFacts {
  readonly relayed: RelayedAnswer;
}

interface ReplyFacts {
  /** The exact model that answers; sent as `x-parlance-model-version`. */
  readonly modelVersion: string;
  /** JSON paths of fields that were accepted and had no effect; sent as `x-parlance-ignored`. */
  readonly ignored: readonly string[];
  /** Where thought signatures came from that the client did not send; sent as `x-parlance-signature`. */
  readonly signature?: string;
  /** Who answers, where it is another upstream than the one that was asked. */
  readonly upstream?: string;
  /** Which of several servers answers; sent as `x-parlance-replica`. */
  readonly replica?: string;
  /** Who was asked before, or would have been, and why it does not answer; sent as `x-parlance-passed-over`. */
  readonly passedOver?: readonly string[];
}

export interface BackendModel {
  readonly id: string;
  /** Unix time in seconds. */
  readonly created: number;
  readonly ownedBy: string;
}

export type Readiness =
  | { readonly ready: true }
  | {
      readonly ready: false;
      readonly reason: string;
      readonly retryAfterSeconds: number;
      /** Others go on without it: it is a server of somebody else's that is down. @default false */
      readonly isOutage?: boolean;
    };
