import { errorFromProblems, GatewayError } from '../errors.ts';
import { newCallId, randomBase62 } from '../ids.ts';
import { readRenderOptions } from '../translate/events/read-render-options.ts';
import type { Backend, ChatCall, EventReply } from '../backends/backend.ts';
import { isGoogleApiKey } from '../auth/outbound/client-source.ts';
import type { LiftedBase64 } from '../media/lifted-base64.ts';
import type { Principal } from '../auth/inbound/principal.ts';
import type { RelayedAnswer } from '../backends/relayed-answer.ts';
import { assertAllowed } from '../routing/access-policy.ts';
import type { ModelRouter, Target } from '../routing/model-router.ts';
import type { ChatEventBatch } from '../translate/events/chat-event.ts';
import type { UrlPlace } from './resolve-route.ts';
import { ChunkAssembler } from '../translate/events/assemble-chunks.ts';
import { CompletionFold } from '../translate/events/fold-completion.ts';
import type { RenderOptions, RouteFamily, ThoughtsDelivery } from '../translate/events/render-options.ts';
import type { UsageMode } from '../translate/events/usage.ts';
import type { ChatRequestBody } from '../wire/openai/request-body.ts';
import type { ChatCompletion, ChatCompletionChunk, Usage } from '../wire/openai/response.ts';
import { validateEnvelope } from '../wire/openai/validate-envelope.ts';
import { isJsonObject } from '../wire/validation/structure-checks.ts';

export interface ChatHandlerOptions {
  readonly router: ModelRouter;
  readonly unsupported: 'reject' | 'ignore';
  readonly thoughtsDelivery?: ThoughtsDelivery | undefined;
  readonly usageMode: UsageMode;
}

export interface ChatInput {
  readonly body: ChatRequestBody;
  /** What the body holds marks of. @default nothing */
  readonly lifted?: LiftedBase64 | undefined;
  readonly family: RouteFamily;
  /** Set on `/endpoints/{id}` routes. */
  readonly endpoint?: string | undefined;
  /** Project and location of a URL of Vertex AI. */
  readonly place?: UrlPlace | undefined;
  readonly requestId: string;
  /** Who calls. */
  readonly principal: Principal;
  /** Aborted when the client leaves. */
  readonly signal: AbortSignal;
  /** Called once the backend is known, with the time an answer may take. */
  readonly onDeadline: (milliseconds: number) => void;
  /** Asked before the backend is. What it throws is why the request is refused. */
  readonly admit?: ((dispatch: Dispatch) => Promise<void>) | undefined;
}

/** A request that can be served, on its way to a backend. */
export interface Dispatch {
  readonly body: unknown;
  /** The backend's name. */
  readonly upstream: string;
  /** The model it is asked for; empty where neither the client nor the configuration names one. */
  readonly model: string;
}

/** What an answer's headers and the log say about it. */
export interface ChatFacts {
  readonly upstream: string;
  readonly replica: string | undefined;
  readonly passedOver: readonly string[];
  readonly modelVersion: string;
  readonly ignored: readonly string[];
  readonly signature: string | undefined;
  /** Milliseconds from the upstream call to its first sign of life. */
  readonly upstreamMs: number;
}

export type ChatAnswer =
  | { readonly mode: 'completion'; readonly facts: ChatFacts; readonly completion: ChatCompletion }
  | { readonly mode: 'stream'; readonly facts: ChatFacts; readonly chunks: ChunkStream }
  | { readonly mode: 'relay'; readonly facts: ChatFacts; readonly relayed: RelayedAnswer };

/** Chunks to be sent together. */
export interface ChunkBatch {
  readonly chunks: readonly ChatCompletionChunk[];
}

/**
 * Answers one chat request, knowing nothing of HTTP: finds the backend, validates as far as that backend needs it, runs
 * the one response pipeline or passes the backend's own bytes on.
 *
 * @throws {GatewayError} for every failure before the answer begins
 */
export async function handleChat(input: ChatInput, options: ChatHandlerOptions): Promise<ChatAnswer> {
  const { body } = input;
  const asked = modelOf(body.value);
  assertAllowed(input.principal, { model: asked, endpoint: input.endpoint, project: input.place?.project });
  const target = findTarget(asked, input, options.router);
  check(body, target?.backend.input ?? 'request', { modelRequired: input.endpoint === undefined });
  if (target === undefined) throw noTarget(asked, input.endpoint);
  const { backend, model, isModelFixed } = target;
  if (backend.input === 'request') body.forgetText();
  input.onDeadline(backend.answerTimeoutMs);
  if (input.admit !== undefined) {
    await input.admit({ body: body.value, upstream: backend.name, model });
    input.signal.throwIfAborted();
  }
  const started = performance.now();
  const reply = await backend.chat(
    {
      body,
      lifted: input.lifted,
      asked,
      model,
      isModelFixed,
      unsupported: options.unsupported,
      requestId: input.requestId,
      tenant: input.principal.tenant,
      isMetered: input.admit !== undefined,
      ...clientCredential(input),
      ...accessToken(input.principal),
    },
    input.signal,
  );
  const facts: ChatFacts = {
    upstream: reply.upstream ?? backend.name,
    replica: reply.replica,
    passedOver: reply.passedOver ?? [],
    modelVersion: reply.modelVersion,
    ignored: reply.ignored,
    signature: reply.signature,
    upstreamMs: performance.now() - started,
  };
  if ('relayed' in reply) return { mode: 'relay', facts, relayed: reply.relayed };
  const request = body.request();
  const render = readRenderOptions(request, {
    ...options,
    family: input.family,
    now: Date.now(),
    model: asked === '' ? reply.modelVersion : asked,
    id: `chatcmpl-${randomBase62()}`,
    newCallId,
  });
  if (request.stream === true)
    return { mode: 'stream', facts, chunks: new ChunkStream(reply.events, render) };
  return {
    mode: 'completion',
    completion: await foldReply(reply, render, input.signal),
    facts: { ...facts, upstreamMs: performance.now() - started },
  };
}

/** What goes upstream in place of the server's own credential, and with it the project the client means. */
function clientCredential({ principal, place }: ChatInput): Pick<ChatCall, 'clientCredential' | 'place'> {
  const { credential } = principal;
  return credential === undefined ? {} : { clientCredential: credential, ...(place && { place }) };
}

/** With whose rights media may be fetched: a credential that goes upstream is one, unless it is an API key. */
function accessToken({ accessToken: own, credential }: Principal): Pick<ChatCall, 'accessToken'> {
  const token = own ?? (credential === undefined || isGoogleApiKey(credential) ? undefined : credential);
  return token === undefined ? {} : { accessToken: token };
}

/** The model a body names, as far as it names one. */
function modelOf(body: unknown): string {
  const model = isJsonObject(body) ? body['model'] : undefined;
  return typeof model === 'string' ? model : '';
}

/** @throws {GatewayError} with every problem */
function check(
  body: ChatRequestBody,
  input: Backend['input'],
  options: { readonly modelRequired: boolean },
): void {
  if (input !== 'text') {
    body.request(options);
    return;
  }
  const problems = validateEnvelope(body.value, options);
  if (problems.length > 0) throw errorFromProblems(problems);
}

function findTarget(asked: string, { endpoint }: ChatInput, router: ModelRouter): Target | undefined {
  return endpoint === undefined ? router.forModel(asked) : router.forEndpoint(endpoint, asked);
}

function noTarget(asked: string, endpoint: string | undefined): GatewayError {
  if (endpoint !== undefined) {
    return new GatewayError(
      'endpoint_not_found',
      `The endpoint ${endpoint} is not configured. Add it under endpoints in the configuration.`,
    );
  }
  return new GatewayError(
    'model_not_found',
    `The model ${JSON.stringify(asked)} does not exist here: no rule under models in the configuration matches it.`,
    { param: 'model' },
  );
}

async function foldReply(
  reply: EventReply,
  render: RenderOptions,
  signal: AbortSignal,
): Promise<ChatCompletion> {
  const fold = new CompletionFold(render);
  for await (const batch of reply.events) {
    // Leaving the loop tells a backend to stop that takes no notice of the signal.
    signal.throwIfAborted();
    fold.push(batch);
  }
  return fold.end();
}

/**
 * The chunks of a reply. An iterator written by hand: it runs for every piece of every stream, where an async generator
 * takes three turns of the microtask queue more.
 */
export class ChunkStream implements AsyncIterableIterator<ChunkBatch, void, void> {
  readonly #events: AsyncIterator<ChatEventBatch>;
  readonly #assembler: ChunkAssembler;
  #isOver = false;

  constructor(events: AsyncIterable<ChatEventBatch>, render: RenderOptions) {
    this.#events = events[Symbol.asyncIterator]();
    this.#assembler = new ChunkAssembler(render);
  }

  /** The token counts, as far as they are known. */
  get usage(): Usage | undefined {
    return this.#assembler.usage;
  }

  next(): Promise<IteratorResult<ChunkBatch, void>> {
    if (this.#isOver) return Promise.resolve({ value: undefined, done: true });
    return this.#events.next().then(this.#render);
  }

  async return(): Promise<IteratorResult<ChunkBatch, void>> {
    this.#isOver = true;
    await this.#events.return?.();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  readonly #render = (
    result: IteratorResult<ChatEventBatch>,
  ): IteratorResult<ChunkBatch, void> | Promise<IteratorResult<ChunkBatch, void>> => {
    if (result.done === true) {
      this.#isOver = true;
      return { value: { chunks: this.#assembler.end() }, done: false };
    }
    const chunks = this.#assembler.push(result.value);
    return chunks.length === 0 ? this.next() : { value: { chunks }, done: false };
  };
}
