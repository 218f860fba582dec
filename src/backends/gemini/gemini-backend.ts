import type { Dispatcher } from 'undici';
import { createClientSource, isGoogleApiKey } from '../../auth/outbound/client-source.ts';
import type { TokenSource } from '../../auth/outbound/token-source.ts';
import { GatewayError } from '../../errors.ts';
import { newCallId } from '../../ids.ts';
import type { ToolCallStart } from '../../translate/events/chat-event.ts';
import {
  type GeminiTranslation,
  toGeminiRequest,
  type TranslateOptions,
} from '../../translate/request/to-gemini-request.ts';
import { type InlinedMedia, inlineMedia } from '../../translate/media-references.ts';
import type { HeldMedia } from '../../media/held-media.ts';
import type { MediaResolver } from '../../media/media-resolver.ts';
import { judgeFailure } from '../../upstream/judge-failure.ts';
import { RetryBudget, type RetryOptions, withRetries } from '../../upstream/retry.ts';
import { toGatewayFailure } from '../../upstream/to-gateway-failure.ts';
import type { ChatCompletionRequest } from '../../wire/openai/request.ts';
import type { Backend, BackendModel, ChatCall, ChatReply, Readiness } from '../backend.ts';
import { callGemini, type GeminiAnswer } from './call-gemini.ts';
import { emulateCandidates } from './emulate-candidates.ts';
import { GeminiMedia } from './gemini-media.ts';
import type { GeminiPlace } from './gemini-url.ts';
import type { SignatureVault } from './signature-vault.ts';

export interface GeminiBackendOptions {
  /** The upstream's name. */
  readonly name: string;
  readonly place: GeminiPlace;
  readonly credentials: TokenSource;
  readonly dispatcher: Dispatcher;
  readonly vault: SignatureVault;
  readonly media: MediaResolver;
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

interface GeminiAccess {
  readonly place: GeminiPlace;
  readonly credentials: TokenSource;
  /** Whether the credential is the client's own. */
  readonly isClients: boolean;
}

/** What all attempts for one request share. */
interface GeminiWork {
  readonly call: ChatCall;
  readonly access: GeminiAccess;
  readonly signal: AbortSignal;
  /** What stands in the request for its media until it is sent. */
  readonly media: HeldMedia;
  /** What is sent in place of references to media. */
  readonly inlined: InlinedMedia;
}

/** Gemini through its native API, on Vertex AI or the Developer API. */
export class GeminiBackend implements Backend {
  readonly name: string;
  readonly kind;
  readonly input = 'request';
  readonly answerTimeoutMs: number;
  readonly #options: GeminiBackendOptions;
  readonly #budget = new RetryBudget();
  readonly #media: GeminiMedia;
  #place: GeminiPlace;

  constructor(options: GeminiBackendOptions) {
    this.name = options.name;
    this.kind = options.place.upstream;
    this.answerTimeoutMs = options.timeouts.answerMs;
    this.#options = options;
    this.#place = options.place;
    const { media: resolver, place, dispatcher, timeouts } = options;
    this.#media = new GeminiMedia({ resolver, place, dispatcher, idleMs: timeouts.firstByteMs });
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
    const access = await this.#accessFor(call, signal);
    const media = await this.#media.fetch(call, signal);
    const { answer, translation: sent } = await this.#ask(call, { access, signal, media }).finally(() => {
      media.release();
    });
    return {
      events: answer.events,
      modelVersion: answer.modelVersion ?? call.model,
      ignored: sent.ignored,
      ...(sent.signatures === 'none' ? {} : { signature: sent.signatures }),
    };
  }

  async #ask(
    call: ChatCall,
    context: Omit<GeminiWork, 'call' | 'inlined'>,
  ): Promise<{ answer: GeminiAnswer; translation: GeminiTranslation }> {
    const { access, signal, media } = context;
    const send = async (): Promise<{ answer: GeminiAnswer; translation: GeminiTranslation }> => {
      const inlined = await this.#media.inline(call, media, { credentials: access.credentials, signal });
      const work = { ...context, call, inlined };
      return await this.#withRewrites(this.#translate(work), work);
    };
    try {
      return await send().catch((error: unknown) => {
        if (this.#media.hasLostFiles(error)) return send();
        throw error;
      });
    } catch (error) {
      throw toGatewayFailure(error, 'Gemini');
    }
  }

  /** Where and as whom this call is made: as the server, or as the client where its own credential goes upstream. */
  async #accessFor({ clientCredential, place }: ChatCall, signal: AbortSignal): Promise<GeminiAccess> {
    if (clientCredential === undefined) {
      await this.#findProject(signal);
      return { place: this.#place, credentials: this.#options.credentials, isClients: false };
    }
    const credentials = createClientSource(clientCredential);
    if (this.#place.upstream !== 'vertex') return { place: this.#place, credentials, isClients: true };
    const isExpress = isGoogleApiKey(clientCredential);
    return { place: { ...this.#place, ...place, isExpress }, credentials, isClients: true };
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

  #translate(
    { call, media, inlined }: Pick<GeminiWork, 'call' | 'media' | 'inlined'>,
    override: Partial<TranslateOptions> = {},
  ): GeminiTranslation {
    const { place, translate, vault } = this.#options;
    const request = call.body.request();
    return toGeminiRequest(
      media.isEmpty && inlined === media ? request : inlineMedia(request, inlined),
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
    work: GeminiWork,
  ): Promise<{ answer: GeminiAnswer; translation: GeminiTranslation }> {
    const { call } = work;
    try {
      return { answer: await this.#answer(translation, work), translation };
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      if (namesJsonSchemaField(error) && this.#options.translate.schemaMode !== 'openapi') {
        const rewritten = this.#translate(work, { schemaMode: 'openapi' });
        return { answer: await this.#answer(rewritten, work), translation: rewritten };
      }
      const candidates = call.body.request().n ?? 1;
      if (candidates > 1 && this.#options.emulateCandidates && refusesCandidates(error)) {
        const single = withoutCandidates(translation);
        const send = (signal: AbortSignal): Promise<GeminiAnswer> =>
          this.#answer(single, { ...work, signal });
        return { answer: await emulateCandidates(candidates, send, work.signal), translation };
      }
      throw error;
    }
  }

  /** One answer, with retries until its first output. */
  #answer(
    translation: GeminiTranslation,
    { call, access, signal, media }: GeminiWork,
  ): Promise<GeminiAnswer> {
    const { credentials } = access;
    const { dispatcher, timeouts, retry, malformedRetries } = this.#options;
    const request = call.body.request();
    const body = media.compose(JSON.stringify(translation.body));
    let malformed = 0;
    let at = access.place;
    const context = { budget: this.#budget, signal, options: retry };
    return withRetries(
      async () => {
        const attempt = {
          place: at,
          model: call.model,
          body,
          stream: request.stream === true,
          headers: translation.headers,
          toolNames: translation.toolNames,
          topLogprobs: logprobsOf(request),
          keepCall: (event: ToolCallStart) => this.#keepCall(event, call.tenant),
          timeouts,
        };
        try {
          return await callGemini(attempt, { credentials, dispatcher, signal });
        } catch (error) {
          const next = access.isClients ? undefined : this.#globalPlace(at, call.model, error);
          if (next === undefined) throw error;
          at = next;
          return callGemini({ ...attempt, place: at }, { credentials, dispatcher, signal });
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
