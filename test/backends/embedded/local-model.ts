/** The default model behind the real response pipeline, without HTTP. */
import { resolve } from 'node:path';
import { vi } from 'vitest';
import {
  EmbeddedBackend,
  type EmbeddedBackendOptions,
} from '../../../src/backends/embedded/embedded-backend.ts';
import { DEFAULT_MODEL_NAME } from '../../../src/model-store/catalogue.ts';
import { openModelStore } from '../../../src/model-store/model-store.ts';
import { ModelRouter } from '../../../src/routing/model-router.ts';
import { type ChatAnswer, type ChatInput, handleChat } from '../../../src/server/handle-chat.ts';
import { readJsonBody } from '../../../src/server/read-json-body.ts';
import { ChatRequestBody } from '../../../src/wire/openai/request-body.ts';
import type { ChatCompletionRequest } from '../../../src/wire/openai/request.ts';
import type {
  ChatCompletion,
  ChatCompletionChunk,
  Choice,
  TokenLogprob,
} from '../../../src/wire/openai/response.ts';
import type { MediaResolver } from '../../../src/media/media-resolver.ts';
import { OFFLINE_MEDIA } from '../../support/offline-media.ts';

// Kept from run to run, so that the 93 MB are downloaded once per checkout.
const HOME = process.env['PARLANCE_TEST_HOME'] ?? resolve(import.meta.dirname, '../../../.cache/test-home');

/** Path of the default model's file; fetches it on a fresh machine. */
export async function defaultModelPath(): Promise<string> {
  return (await openModelStore({ home: HOME }).pull(DEFAULT_MODEL_NAME)).path;
}

export interface LocalModelOptions {
  readonly slots?: number;
  readonly queueSize?: number;
  readonly contextSize?: number;
  readonly chatTemplate?: string;
  /** Makes the model take images or audio. */
  readonly projectorPath?: string;
  /** Fetches what requests refer to. @default nothing is fetched */
  readonly media?: MediaResolver;
}

/** A request without the fields a test does not care about. `ask` stands for one user message. */
export type Fields = Partial<ChatCompletionRequest> & { ask?: string };

export interface CallOptions extends Partial<Pick<ChatInput, 'family' | 'signal'>> {
  readonly unsupported?: 'reject' | 'ignore';
}

const NEVER = new AbortController().signal;

export class LocalModel {
  readonly backend: EmbeddedBackend;
  readonly warnings: object[] = [];
  readonly #router: ModelRouter;

  constructor({
    slots = 2,
    queueSize = 16,
    contextSize = 512,
    chatTemplate,
    media = OFFLINE_MEDIA,
  }: LocalModelOptions = {}) {
    const options: EmbeddedBackendOptions = {
      name: 'local',
      modelName: DEFAULT_MODEL_NAME,
      engine: { slots, contextSize, threads: 1, gpu: false },
      media,
      queueSize,
      answerTimeoutMs: 60_000,
      ...(chatTemplate === undefined ? {} : { chatTemplate }),
      log: { info: () => {}, debug: () => {}, warn: (fields) => this.warnings.push(fields) },
      created: 0,
    };
    this.backend = new EmbeddedBackend(options);
    this.#router = new ModelRouter({
      backends: new Map([['local', this.backend]]),
      models: [{ match: '*', upstream: 'local' }],
      endpoints: {},
    });
  }

  /** Starts the engine and waits until it answers. */
  static async start(options?: LocalModelOptions): Promise<LocalModel> {
    const model = new LocalModel(options);
    model.backend.start(await defaultModelPath(), options?.projectorPath);
    await model.untilReady();
    return model;
  }

  async untilReady(): Promise<void> {
    await vi.waitUntil(() => this.backend.readiness().ready, { timeout: 60_000, interval: 20 });
  }

  answer(
    { ask, ...fields }: Fields,
    { family = 'plain', signal = NEVER, unsupported = 'reject' }: CallOptions = {},
  ): Promise<ChatAnswer> {
    const messages = ask === undefined ? [] : [{ role: 'user', content: ask }];
    const text = JSON.stringify({ model: 'local', messages, ...fields });
    const { json, lifted } = readJsonBody(Buffer.from(text));
    return handleChat(
      {
        body: new ChatRequestBody(json),
        lifted,
        family,
        requestId: 'test',
        principal: { kind: 'anonymous', id: 'anonymous', tenant: 'test' },
        signal,
        onDeadline: () => {},
      },
      { router: this.#router, unsupported, usageMode: 'openai' },
    );
  }

  async complete(fields: Fields, options?: CallOptions): Promise<ChatCompletion> {
    const answer = await this.answer({ ...fields, stream: false }, options);
    if (answer.mode === 'completion') return answer.completion;
    throw new Error('the answer is a stream');
  }

  async chunks(fields: Fields, options?: CallOptions): Promise<ChatCompletionChunk[]> {
    const answer = await this.answer({ ...fields, stream: true }, options);
    if (answer.mode !== 'stream') throw new Error('the answer is no stream');
    const chunks: ChatCompletionChunk[] = [];
    for await (const batch of answer.chunks) chunks.push(...batch.chunks);
    return chunks;
  }

  /** The only choice of an answer. */
  async choice(fields: Fields, options?: CallOptions): Promise<Choice> {
    const { choices } = await this.complete(fields, options);
    const [choice] = choices;
    if (choice === undefined || choices.length !== 1) throw new Error(`${choices.length} choices, not one`);
    return choice;
  }

  async text(fields: Fields, options?: CallOptions): Promise<string> {
    return (await this.choice(fields, options)).message.content ?? '';
  }

  async logprobs(fields: Fields): Promise<TokenLogprob[]> {
    const { logprobs } = await this.choice({ logprobs: true, ...fields });
    return logprobs?.content ?? [];
  }

  async close(): Promise<void> {
    await this.backend.close();
  }
}
