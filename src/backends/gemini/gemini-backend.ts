import type { Dispatcher } from 'undici';
import type { TokenSource } from '../../auth/outbound/token-source.ts';
import { GatewayError } from '../../errors.ts';
import { newCallId } from '../../ids.ts';
import type {
  ChatEvent,
  ChatEventBatch,
  TokenCounts,
  ToolCallStart,
} from '../../translate/events/chat-event.ts';
import {
  type GeminiTranslation,
  toGeminiRequest,
  type TranslateOptions,
} from '../../translate/request/to-gemini-request.ts';
import { RetryBudget, type RetryOptions, withRetries } from '../../upstream/retry.ts';
import type { ChatCompletionRequest } from '../../wire/openai/request.ts';
import type { Backend, BackendModel, ChatCall, ChatReply, Readiness } from '../backend.ts';
import { mergeBatches } from '../merge-batches.ts';
import { callGemini, type GeminiAnswer, judgeFailure } from './call-gemini.ts';
import type { GeminiPlace } from './gemini-url.ts';
import type { SignatureVault } from './signature-vault.ts';

export interface GeminiBackendOptions {
  /** The upstream's name. */
  readonly name: string;
  readonly place: GeminiPlace;
  readonly credentials: TokenSource;
  readonly dispatcher: Dispatcher;
  readonly vault: SignatureVault;
  readonly translate: Omit<TranslateOptions, 'unsupported' | 'findSignature'>;
  readonly timeouts: {
    /** Longest time for one answer, in milliseconds. */
    readonly answerMs: number;
    /** Longest wait for the head of a response, in milliseconds. */
    readonly firstByteMs: number;
    /** Longest silence within a stream, in milliseconds. */
    readonly idleMs: number;
  };
  readonly retry: RetryOptions;
  /** Answer `n` above 1 with parallel requests where the model allows one candidate only. */
  readonly emulateCandidates: boolean;
  /** Ask once more at `global` when a region does not know a Gemini 3 model. */
  readonly globalFallback: boolean;
  /** Upstream attempts when the model wrote a call that cannot be read, before anything was sent on. */
  readonly malformedRetries: number;
}

/** Gemini through its native API, on Vertex AI or the Developer API. */
export class GeminiBackend implements Backend {
  readonly name: string;
  readonly kind;
  readonly answerTimeoutMs: number;
  readonly #options: GeminiBackendOptions;
  readonly #budget = new RetryBudget();
  #place: GeminiPlace;

  constructor(options: GeminiBackendOptions) {
    this.name = options.name;
    this.kind = options.place.upstream;
    this.answerTimeoutMs = options.timeouts.answerMs;
    this.#options = options;
    this.#place = options.place;
  }

  /** Gemini has no list that a server could hold; names come from the configuration's rules. */
  models(): readonly BackendModel[] {
    return [];
  }

  readiness(): Readiness {
    return { ready: true };
  }

  async close(): Promise<void> {
    this.#options.credentials.close();
  }

  async chat(call: ChatCall, signal: AbortSignal): Promise<ChatReply> {
    await this.#findProject(signal);
    const translation = this.#translate(call);
    const single = (part: GeminiTranslation): Promise<GeminiAnswer> => this.#answer(part, call, signal);
    const { answer, translation: sent } = await this.#withRewrites(translation, call, single);
    return {
      events: this.#keepSignatures(answer.events, call.tenant),
      modelVersion: answer.modelVersion ?? call.model,
      ignored: sent.ignored,
      ...(sent.signatures === 'none' ? {} : { signature: sent.signatures }),
    };
  }

  /** Without a configured project, that of the credentials counts. */
  async #findProject(signal: AbortSignal): Promise<void> {
    const place = this.#place;
    if (place.upstream !== 'vertex' || place.isExpress || place.project !== undefined) return;
    const project = await this.#options.credentials.projectId(signal);
    if (project === undefined) {
      throw new GatewayError(
        'upstream_credentials',
        `The credentials of the upstream ${this.name} name no project. Set project in its configuration, or GOOGLE_CLOUD_PROJECT.`,
      );
    }
    this.#place = { ...place, project };
  }

  #translate(call: ChatCall, override: Partial<TranslateOptions> = {}): GeminiTranslation {
    const { place, translate, vault } = this.#options;
    return toGeminiRequest(
      call.request,
      { upstream: place.upstream, model: call.model },
      {
        ...translate,
        ...override,
        unsupported: call.unsupported,
        findSignature: (callId) => vault.get(call.tenant, callId),
      },
    );
  }

  /**
   * Sends a request, and once more in another form where the answer says that this model needs it: with OpenAPI schemas,
   * or with one candidate at a time.
   */
  async #withRewrites(
    translation: GeminiTranslation,
    call: ChatCall,
    send: (translation: GeminiTranslation) => Promise<GeminiAnswer>,
  ): Promise<{ answer: GeminiAnswer; translation: GeminiTranslation }> {
    try {
      return { answer: await send(translation), translation };
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      if (namesJsonSchemaField(error) && this.#options.translate.schemaMode !== 'openapi') {
        const rewritten = this.#translate(call, { schemaMode: 'openapi' });
        return { answer: await send(rewritten), translation: rewritten };
      }
      const candidates = call.request.n ?? 1;
      if (candidates > 1 && this.#options.emulateCandidates && refusesCandidates(error)) {
        return {
          answer: await emulateCandidates(candidates, withoutCandidates(translation), send),
          translation,
        };
      }
      throw error;
    }
  }

  /** One answer, with retries until its first output. */
  #answer(translation: GeminiTranslation, call: ChatCall, signal: AbortSignal): Promise<GeminiAnswer> {
    const { credentials, dispatcher, timeouts, retry, malformedRetries } = this.#options;
    const body = JSON.stringify(translation.body);
    let malformed = 0;
    let at = this.#place;
    const context = { budget: this.#budget, signal, options: retry };
    return withRetries(
      async () => {
        const request = {
          place: at,
          model: call.model,
          body,
          stream: call.request.stream === true,
          toolNames: translation.toolNames,
          topLogprobs: logprobsOf(call.request),
          timeouts,
        };
        try {
          return await callGemini(request, { credentials, dispatcher, signal });
        } catch (error) {
          const next = this.#globalPlace(at, call.model, error);
          if (next === undefined) throw error;
          at = next;
          return callGemini({ ...request, place: at }, { credentials, dispatcher, signal });
        }
      },
      (error) => {
        if (error instanceof GatewayError && error.code === 'malformed_function_call') {
          return { retryable: malformed++ < malformedRetries };
        }
        return judgeFailure(error);
      },
      context,
    );
  }

  /** Preview models are often served at `global` only. Contract section 1.1. */
  #globalPlace(place: GeminiPlace, model: string, error: unknown): GeminiPlace | undefined {
    const isMissing = error instanceof GatewayError && error.status === 404;
    if (!isMissing || !this.#options.globalFallback || !model.startsWith('gemini-3')) return undefined;
    if (place.upstream !== 'vertex' || place.location === 'global' || place.baseUrl !== undefined)
      return undefined;
    return { ...place, location: 'global' };
  }

  /** Gives every call its id here, so that its signature can be found again under it. Contract section 5.1. */
  async *#keepSignatures(
    batches: AsyncIterable<ChatEventBatch>,
    tenant: string,
  ): AsyncGenerator<ChatEventBatch> {
    for await (const batch of batches) {
      yield batch.map((event) => (event.type === 'tool-call-start' ? this.#keepCall(event, tenant) : event));
    }
  }

  #keepCall(event: ToolCallStart, tenant: string): ToolCallStart {
    const id = event.id === undefined || event.id === '' ? newCallId() : event.id;
    const signature = event.extra?.thought_signature;
    if (signature !== undefined) this.#options.vault.set(tenant, id, signature);
    return { ...event, id };
  }
}

function logprobsOf({ logprobs, top_logprobs: top }: ChatCompletionRequest): number | undefined {
  return logprobs === true ? (top ?? 0) : undefined;
}

function namesJsonSchemaField({ status, message }: GatewayError): boolean {
  return status === 400 && /(?:parameters|response)_?json_?schema/i.test(message);
}

function refusesCandidates({ status, message }: GatewayError): boolean {
  return status === 400 && /multiple candidates/i.test(message);
}

function withoutCandidates(translation: GeminiTranslation): GeminiTranslation {
  const { candidateCount: _, ...generationConfig } = translation.body.generationConfig ?? {};
  return { ...translation, body: { ...translation.body, generationConfig } };
}

/** Several one-candidate answers as one answer with several candidates. Contract section 2, defect B14. */
async function emulateCandidates(
  count: number,
  translation: GeminiTranslation,
  send: (translation: GeminiTranslation) => Promise<GeminiAnswer>,
): Promise<GeminiAnswer> {
  const answers = await Promise.all(Array.from({ length: count }, () => send(translation)));
  const counts: TokenCounts[] = [];
  const renumbered = answers.map(async function* ({ events }, choice) {
    for await (const batch of events) {
      const kept: ChatEvent[] = [];
      for (const event of batch) {
        if (event.type === 'usage-update') counts[choice] = event.usage;
        else if (event.type === 'response-start') {
          if (choice === 0) kept.push(event);
        } else kept.push({ ...event, choice });
      }
      if (kept.length > 0) yield kept;
    }
  });
  const modelVersion = answers[0]?.modelVersion;
  return {
    ...(modelVersion === undefined ? {} : { modelVersion }),
    events: withUsage(mergeBatches(renumbered.map((start) => start)), counts),
  };
}

async function* withUsage(
  batches: AsyncIterable<ChatEventBatch>,
  counts: TokenCounts[],
): AsyncGenerator<ChatEventBatch> {
  yield* batches;
  yield [{ type: 'usage-update', usage: sumCounts(counts) }];
}

/** Every candidate was a request of its own, and was charged as one. */
function sumCounts(counts: readonly TokenCounts[]): TokenCounts {
  const sum = (pick: (count: TokenCounts) => number | undefined): number =>
    counts.reduce((total, count) => total + (pick(count) ?? 0), 0);
  return {
    prompt: sum(({ prompt }) => prompt),
    answer: sum(({ answer }) => answer),
    thoughts: sum(({ thoughts }) => thoughts),
    toolUsePrompt: sum(({ toolUsePrompt }) => toolUsePrompt),
    cached: sum(({ cached }) => cached),
    total: sum(({ total, prompt, answer, thoughts }) => total ?? prompt + answer + (thoughts ?? 0)),
  };
}
