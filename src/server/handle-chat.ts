import { errorFromProblems, GatewayError } from '../errors.ts';
import { newCallId, randomBase62 } from '../ids.ts';
import { readRenderOptions } from '../translate/events/read-render-options.ts';
import type { ChatReply } from '../backends/backend.ts';
import type { ModelRouter, Target } from '../routing/model-router.ts';
import type { ChatEventBatch } from '../translate/events/chat-event.ts';
import { ChunkAssembler } from '../translate/events/assemble-chunks.ts';
import { CompletionFold } from '../translate/events/fold-completion.ts';
import type { RenderOptions, RouteFamily, ThoughtsDelivery } from '../translate/events/render-options.ts';
import type { UsageMode } from '../translate/events/usage.ts';
import type { ChatCompletionRequest } from '../wire/openai/request.ts';
import type { ChatCompletion, ChatCompletionChunk, Usage } from '../wire/openai/response.ts';
import { parseChatRequest } from '../wire/openai/validate-request.ts';

export interface ChatHandlerOptions {
  readonly router: ModelRouter;
  readonly unsupported: 'reject' | 'ignore';
  readonly thoughtsDelivery?: ThoughtsDelivery | undefined;
  readonly usageMode: UsageMode;
}

export interface ChatInput {
  /** The parsed body, not yet validated. */
  readonly body: unknown;
  readonly family: RouteFamily;
  /** Set on `/endpoints/{id}` routes. */
  readonly endpoint?: string | undefined;
  readonly requestId: string;
  /** Whom the request belongs to. */
  readonly tenant: string;
  /** Aborted when the client leaves. */
  readonly signal: AbortSignal;
  /** Called once the backend is known, with the time an answer may take. */
  readonly onDeadline: (milliseconds: number) => void;
}

/** What an answer's headers and the log say about it. */
export interface ChatFacts {
  readonly upstream: string;
  readonly modelVersion: string;
  readonly ignored: readonly string[];
  readonly signature: string | undefined;
  /** Milliseconds from the upstream call to its first sign of life. */
  readonly upstreamMs: number;
}

export type ChatAnswer =
  | { readonly mode: 'completion'; readonly facts: ChatFacts; readonly completion: ChatCompletion }
  | { readonly mode: 'stream'; readonly facts: ChatFacts; readonly chunks: AsyncIterable<ChunkBatch> };

/** Chunks to be sent together, and the token counts once they are known. */
export interface ChunkBatch {
  readonly chunks: readonly ChatCompletionChunk[];
  readonly usage?: Usage;
}

/**
 * Answers one chat request, knowing nothing of HTTP: validates it, finds the backend, runs the one response pipeline.
 *
 * @throws {GatewayError} for every failure before the answer begins
 */
export async function handleChat(input: ChatInput, options: ChatHandlerOptions): Promise<ChatAnswer> {
  const { request, problems } = parseChatRequest(input.body, { modelRequired: input.endpoint === undefined });
  if (problems !== undefined) throw errorFromProblems(problems);
  const target = findTarget(request, input, options.router);
  input.onDeadline(target.backend.answerTimeoutMs);
  const started = performance.now();
  const reply = await target.backend.chat(
    {
      request: Object.freeze(request),
      model: target.model,
      unsupported: options.unsupported,
      requestId: input.requestId,
      tenant: input.tenant,
    },
    input.signal,
  );
  const facts: ChatFacts = {
    upstream: target.backend.name,
    modelVersion: reply.modelVersion,
    ignored: reply.ignored,
    signature: reply.signature,
    upstreamMs: performance.now() - started,
  };
  const asked = request.model == null || request.model === '' ? reply.modelVersion : request.model;
  const render = readRenderOptions(request, {
    ...options,
    family: input.family,
    now: Date.now(),
    model: asked,
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

function findTarget(request: ChatCompletionRequest, input: ChatInput, router: ModelRouter): Target {
  const model = request.model ?? '';
  if (input.endpoint !== undefined) {
    const target = router.forEndpoint(input.endpoint, model);
    if (target !== undefined) return target;
    throw new GatewayError(
      'endpoint_not_found',
      `The endpoint ${input.endpoint} is not configured. Add it under endpoints in the configuration.`,
    );
  }
  const target = router.forModel(model);
  if (target !== undefined) return target;
  throw new GatewayError(
    'model_not_found',
    `The model ${JSON.stringify(model)} does not exist here: no rule under models in the configuration matches it.`,
    { param: 'model' },
  );
}

async function foldReply(
  reply: ChatReply,
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
class ChunkStream implements AsyncIterableIterator<ChunkBatch, void, void> {
  readonly #events: AsyncIterator<ChatEventBatch>;
  readonly #assembler: ChunkAssembler;
  #isOver = false;

  constructor(events: AsyncIterable<ChatEventBatch>, render: RenderOptions) {
    this.#events = events[Symbol.asyncIterator]();
    this.#assembler = new ChunkAssembler(render);
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
      const chunks = this.#assembler.end();
      const { usage } = this.#assembler;
      return { value: usage === undefined ? { chunks } : { chunks, usage }, done: false };
    }
    const chunks = this.#assembler.push(result.value);
    return chunks.length === 0 ? this.next() : { value: { chunks }, done: false };
  };
}
