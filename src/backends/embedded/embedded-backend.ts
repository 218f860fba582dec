import { GatewayError } from '../../errors.ts';
import { NOTHING_LIFTED } from '../../media/lifted-base64.ts';
import type { MediaResolver } from '../../media/media-resolver.ts';
import { inlineMedia, remoteReferences } from '../../translate/media-references.ts';
import type { ChatCompletionRequest } from '../../wire/openai/request.ts';
import type { Backend, BackendModel, ChatCall, ChatReply, Readiness } from '../backend.ts';
import { ChoiceReader, readChoices } from './choice-reader.ts';
import type { EngineModel, EngineOptions, MediaModel } from './engine/protocol.ts';
import { EngineSupervisor, type SupervisorLog } from './engine-supervisor.ts';
import { planRequest } from './plan-request.ts';
import { ChatTemplate } from './prompt/chat-template.ts';
import { MEDIA_ENGINE } from './spawn-engine.ts';

export interface EmbeddedBackendOptions {
  /** The upstream's name. */
  readonly name: string;
  /** Name of the model in lists and headers. */
  readonly modelName: string;
  readonly engine: Omit<EngineOptions, 'modelPath'>;
  readonly media: MediaResolver;
  readonly queueSize: number;
  /** Pixels of the longer side that images are scaled down to. @default 512 */
  readonly imageSide?: number;
  /** Longest time for one answer, in milliseconds. */
  readonly answerTimeoutMs: number;
  /** Jinja template instead of the model's own. */
  readonly chatTemplate?: string;
  readonly log: SupervisorLog;
  /** Unix time in seconds. */
  readonly created: number;
}

/** How long a client should wait before it asks again while the model is being fetched, in seconds. */
const FETCH_RETRY_AFTER = 5;

/** Images are cut into pieces of about this size by many projectors, and every piece takes long. */
const DEFAULT_IMAGE_SIDE = 512;

/** Reading an image cannot be interrupted: an engine whose client has left is ended instead, in milliseconds. */
const MEDIA_CANCEL_TIMEOUT = 2000;

interface LoadedModel {
  model: EngineModel;
  template: ChatTemplate;
}

/**
 * A llama.cpp model in a child process. Until {@link EmbeddedBackend.start} is called with a model file it reports why
 * it is not ready.
 */
export class EmbeddedBackend implements Backend {
  readonly name: string;
  readonly kind = 'embedded';
  readonly input = 'request';
  readonly answerTimeoutMs: number;
  readonly #options: EmbeddedBackendOptions;
  #supervisor: EngineSupervisor | undefined;
  #projectorPath: string | undefined;
  /** Answers requests with images or audio, one at a time, once the engine for text has told what the model is. */
  #mediaSupervisor: EngineSupervisor<MediaModel> | undefined;
  #loaded: LoadedModel | undefined;
  #notReady = 'the model file is being looked for';

  constructor(options: EmbeddedBackendOptions) {
    this.name = options.name;
    this.answerTimeoutMs = options.answerTimeoutMs;
    this.#options = options;
  }

  /**
   * The model's files are there: starts the engine.
   *
   * @param projectorPath makes the model take images or audio
   */
  start(modelPath: string, projectorPath?: string): void {
    this.#projectorPath = projectorPath;
    this.#supervisor = new EngineSupervisor({
      engine: { ...this.#options.engine, modelPath },
      queueSize: this.#options.queueSize,
      log: this.#options.log,
      onLoaded: (model) => {
        this.#load(model);
        if (projectorPath !== undefined) this.#startMedia(model, { modelPath, projectorPath });
      },
    });
    this.#supervisor.start();
  }

  /** The two engines share the model's file in memory; each has its own context. */
  #startMedia(model: EngineModel, paths: { modelPath: string; projectorPath: string }): void {
    this.#mediaSupervisor ??= new EngineSupervisor<MediaModel>({
      entry: MEDIA_ENGINE,
      engine: {
        ...paths,
        slots: 1,
        contextSize: model.contextSize,
        threads: model.threads,
        gpu: this.#options.engine.gpu,
        imageSide: this.#options.imageSide ?? DEFAULT_IMAGE_SIDE,
      },
      queueSize: this.#options.queueSize,
      log: this.#options.log,
      cancelTimeoutMs: MEDIA_CANCEL_TIMEOUT,
    });
    this.#mediaSupervisor.start();
  }

  /** Says why there is no model file yet; shown by `/readyz` and in 503 answers. */
  reportNotReady(reason: string): void {
    this.#notReady = reason;
  }

  /** Process id of the engine; `undefined` while there is none. */
  get enginePid(): number | undefined {
    return this.#supervisor?.pid;
  }

  /** Process id of the engine for images and audio; `undefined` while there is none. */
  get mediaEnginePid(): number | undefined {
    return this.#mediaSupervisor?.pid;
  }

  get load(): { running: number; queued: number } {
    return this.#supervisor?.load ?? { running: 0, queued: 0 };
  }

  models(): readonly BackendModel[] {
    return [{ id: this.#options.modelName, created: this.#options.created, ownedBy: 'parlance' }];
  }

  readiness(): Readiness {
    if (this.#supervisor === undefined) {
      return { ready: false, reason: this.#notReady, retryAfterSeconds: FETCH_RETRY_AFTER };
    }
    const readiness = this.#supervisor.readiness();
    if (readiness.ready && this.#loaded === undefined) {
      return { ready: false, reason: this.#notReady, retryAfterSeconds: FETCH_RETRY_AFTER };
    }
    return readiness;
  }

  async chat(call: ChatCall, signal: AbortSignal): Promise<ChatReply> {
    const { supervisor, loaded } = this.#require();
    const request = await this.#requestOf(call, signal);
    const { generations, output, ignored } = planRequest(request, {
      model: loaded.model,
      template: loaded.template,
      unsupported: call.unsupported,
      media: () => this.#mediaSupport(),
      randomSeed: crypto.getRandomValues(new Uint32Array(1))[0] ?? 0,
    });
    const hasMedia = generations.some(({ media }) => media !== undefined);
    const streams = (hasMedia ? (this.#mediaSupervisor ?? supervisor) : supervisor).generate(generations);
    const cancel = (): void => {
      for (const stream of streams) stream.cancel();
    };
    if (signal.aborted) cancel();
    else signal.addEventListener('abort', cancel, { once: true });
    // Nothing has been sent yet: what fails before an answer starts is still an HTTP status.
    const choices = streams.map((stream, choice) => new ChoiceReader(stream, { ...output, choice }));
    // One choice is enough: all have the same prompt, and later ones may wait for a slot of this very request.
    try {
      await choices[0]?.begin();
    } catch (error) {
      cancel();
      throw error;
    }
    return {
      events: readChoices(choices, { cancel, signal }),
      modelVersion: this.#options.modelName,
      ignored,
    };
  }

  /** The request with what it refers to in it, for a model that takes media; others refuse the reference. */
  async #requestOf(
    { body, lifted = NOTHING_LIFTED, tenant, accessToken }: ChatCall,
    signal: AbortSignal,
  ): Promise<ChatCompletionRequest> {
    const request = lifted.restore(body.request());
    const { media } = this.#options;
    if (this.#projectorPath === undefined) return request;
    const wanted = remoteReferences(request);
    if (wanted.length === 0) return request;
    // Nothing is fetched for an engine that is not there.
    this.#mediaSupport();
    const held = await media.fetch(wanted, { tenant, accessToken }, { signal });
    try {
      return inlineMedia(request, await held.inFull());
    } finally {
      held.release();
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#supervisor?.close(), this.#mediaSupervisor?.close()]);
  }

  #load(model: EngineModel): void {
    const source = this.#options.chatTemplate ?? model.chatTemplate;
    try {
      const template = new ChatTemplate({ source, bosToken: model.bosToken, eosToken: model.eosToken });
      this.#loaded = { model, template };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#notReady = `the chat template is not valid Jinja: ${reason}`;
      this.#options.log.warn({ reason }, 'chat template refused');
    }
  }

  #mediaSupport(): MediaModel | undefined {
    if (this.#projectorPath === undefined) return undefined;
    const support = this.#mediaSupervisor?.model;
    if (support !== undefined) return support;
    const readiness = this.#mediaSupervisor?.readiness();
    throw new GatewayError(
      'model_not_ready',
      `The embedded engine for images and audio is not ready: ${readiness?.ready === false ? readiness.reason : 'it is starting'}.`,
      { retryAfterSeconds: readiness?.ready === false ? readiness.retryAfterSeconds : FETCH_RETRY_AFTER },
    );
  }

  #require(): { supervisor: EngineSupervisor; loaded: LoadedModel } {
    if (this.#supervisor !== undefined && this.#loaded !== undefined) {
      return { supervisor: this.#supervisor, loaded: this.#loaded };
    }
    const readiness = this.readiness();
    const { reason, retryAfterSeconds } = readiness.ready
      ? { reason: this.#notReady, retryAfterSeconds: FETCH_RETRY_AFTER }
      : readiness;
    throw new GatewayError(
      'model_not_ready',
      `The embedded model is not ready: ${reason.replace(/\.$/, '')}.`,
      {
        retryAfterSeconds,
      },
    );
  }
}
