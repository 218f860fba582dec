import { LongAnswer } from '../../src/backends/openai-compatible/answer/long-answer.ts';
import { RelayedStream } from '../../src/backends/openai-compatible/answer/relayed-stream.ts';
import { StreamEditor } from '../../src/backends/openai-compatible/answer/stream-editor.ts';
import type { Backend, BackendModel, ChatCall, Readiness, RelayReply } from '../../src/backends/backend.ts';
import type { RelayedAnswer } from '../../src/backends/relayed-answer.ts';
import { ScriptedExchange } from '../upstream/scripted-exchange.ts';

export interface RelayBackendOptions extends Partial<Omit<RelayReply, 'relayed'>> {
  name?: string;
  answerTimeoutMs?: number;
  /** What it answers. `stream` and `json` are answers that the test sends through {@link RelayBackend.upstream}. */
  answer: 'stream' | 'json' | (() => RelayedAnswer);
}

/** A backend inside the test whose answers are bytes that the test sends. */
export class RelayBackend implements Backend {
  readonly name: string;
  readonly kind = 'vllm';
  readonly input = 'text';
  readonly answerTimeoutMs: number;
  readonly signals: AbortSignal[] = [];
  /** How each answer that flowed was over: `undefined`, or what broke it. */
  readonly overs: unknown[] = [];
  readonly #options: RelayBackendOptions;
  readonly #opened = Promise.withResolvers<ScriptedExchange>();

  constructor(options: RelayBackendOptions) {
    this.#options = options;
    this.name = options.name ?? 'relay';
    this.answerTimeoutMs = options.answerTimeoutMs ?? 10_000;
  }

  /** The connection to the server behind, once a request has come. */
  get upstream(): Promise<ScriptedExchange> {
    return this.#opened.promise;
  }

  async chat({ asked }: ChatCall, signal: AbortSignal): Promise<RelayReply> {
    this.signals.push(signal);
    const { name: _, answerTimeoutMs: __, answer, ...facts } = this.#options;
    const relayed = typeof answer === 'function' ? answer() : await this.#open(answer, asked, signal);
    return { modelVersion: 'served', ignored: [], ...facts, relayed };
  }

  models(): readonly BackendModel[] {
    return [];
  }

  readiness(): Readiness {
    return { ready: true };
  }

  async close(): Promise<void> {}

  async #open(format: 'stream' | 'json', asked: string, signal: AbortSignal): Promise<RelayedAnswer> {
    const upstream = await ScriptedExchange.open(signal);
    this.#opened.resolve(upstream);
    const options = {
      upstream: this.name,
      asked,
      onOver: (failure?: unknown) => {
        this.overs.push(failure);
      },
    };
    if (format === 'json') return new LongAnswer(Buffer.from('{'), upstream.body, options);
    return RelayedStream.begin(upstream.body, {
      ...options,
      editor: new StreamEditor(options),
      explain: (failure) => failure,
      firstByteMs: 10_000,
    });
  }
}
