/**
 * The only file that knows the native binding with a multimodal projector, `@fugood/node-llama-*`. See
 * docs/decisions/0010-local-media.md.
 *
 * It reads one prompt at a time: text with markers, and the media that belong there.
 */
import { createRequire } from 'node:module';
import { basename } from 'node:path';
import type { MediaEngineOptions, MediaModel, Sampling } from '../engine/protocol.ts';

/** All layers of any model. */
const ALL_LAYERS = 999;

export interface MediaPrompt {
  /** Has a marker for each medium. */
  readonly text: string;
  /** Data URIs. */
  readonly media: readonly string[];
}

export interface MediaCompletionOptions {
  readonly maxTokens: number;
  readonly sampling: Sampling;
  readonly stop: readonly string[];
  /** GBNF; with a trigger it holds from that text on, and begins with it. */
  readonly grammar?: { readonly text: string; readonly trigger?: string };
}

export interface MediaCompletion {
  /** All of it; {@link MediaBinding.complete} may have told less. */
  readonly text: string;
  readonly tokens: number;
  readonly reason: 'stop' | 'length' | 'cancelled';
}

/** A loaded model with its projector. */
export class MediaBinding {
  readonly facts: MediaModel;
  /** Tokens of prompt and answer together. */
  readonly contextSize: number;
  readonly #context: NativeContext;

  /**
   * Loads a model and its projector.
   *
   * @throws {Error} when there is no binding for this machine, or a file cannot be used
   */
  constructor(options: MediaEngineOptions) {
    const { LlamaContext } = loadNative();
    this.contextSize = options.contextSize;
    this.#context = new LlamaContext({
      model: options.modelPath,
      n_ctx: this.contextSize,
      n_parallel: 1,
      ...(options.threads === undefined ? {} : { n_threads: options.threads }),
      n_gpu_layers: options.gpu ? ALL_LAYERS : 0,
      ctx_shift: false,
      state_cache_budget_mb: 0,
    });
    if (!this.#context.initMultimodal({ path: options.projectorPath, use_gpu: options.gpu })) {
      throw new Error('the projector does not fit the model');
    }
    const { vision: images, audio } = this.#context.getMultimodalSupport();
    this.facts = { name: basename(options.projectorPath), images, audio };
  }

  /**
   * Tokens a prompt takes, media included.
   *
   * @throws {Error} when a medium cannot be decoded
   */
  async countTokens({ text, media }: MediaPrompt): Promise<number> {
    const { tokens } = await this.#context.tokenize(text, [...media]);
    return tokens.length;
  }

  /**
   * Writes an answer.
   *
   * @param onText told as the text comes
   * @throws {Error} from native code; the binding cannot be used any more then
   */
  async complete(
    { text, media }: MediaPrompt,
    { maxTokens, sampling, stop, grammar }: MediaCompletionOptions,
    onText: (text: string) => void,
  ): Promise<MediaCompletion> {
    // What is kept of earlier prompts would save little, and change the last digits of what is computed.
    this.#context.clearCache();
    const result = await this.#context.completion(
      {
        prompt: text,
        media_paths: [...media],
        n_predict: maxTokens,
        temperature: sampling.temperature,
        top_p: sampling.topP,
        top_k: sampling.topK,
        min_p: 0,
        // On by default in this binding, even at temperature 0: they leave the likeliest words out.
        xtc_probability: 0,
        dry_multiplier: 0,
        // The binding reads 32 bits with a sign.
        seed: sampling.seed | 0,
        penalty_last_n: this.contextSize,
        penalty_present: sampling.presencePenalty,
        penalty_freq: sampling.frequencyPenalty,
        stop: [...stop],
        ...nativeGrammar(grammar),
      },
      ({ token }) => {
        onText(token);
      },
    );
    const ended = result.stopped_eos || result.stopped_words ? 'stop' : 'length';
    return {
      text: result.text,
      tokens: result.tokens_predicted,
      reason: result.interrupted ? 'cancelled' : ended,
    };
  }

  /** Ends {@link complete} at the next token. A prompt that is being read is read to its end. */
  stop(): void {
    this.#context.stopCompletion();
  }
}

/** Number of llama.cpp for a trigger that is a text. */
const TRIGGER_WORD = 1;

function nativeGrammar(grammar: MediaCompletionOptions['grammar']): object {
  if (grammar === undefined) return {};
  const { text, trigger } = grammar;
  if (trigger === undefined) return { grammar: text };
  return {
    grammar: text,
    grammar_lazy: true,
    grammar_triggers: [{ type: TRIGGER_WORD, value: trigger }],
    preserved_tokens: [trigger],
  };
}

/** What is used of the native interface. */
interface NativeContext {
  initMultimodal(options: { path: string; use_gpu: boolean }): boolean;
  getMultimodalSupport(): { vision: boolean; audio: boolean };
  tokenize(text: string, media: string[]): Promise<{ tokens: Int32Array }>;
  completion(options: object, onToken: (token: { token: string }) => void): Promise<NativeResult>;
  stopCompletion(): void;
  clearCache(): void;
}

interface NativeResult {
  readonly text: string;
  readonly tokens_predicted: number;
  readonly interrupted: boolean;
  readonly stopped_eos: boolean;
  readonly stopped_words: boolean;
}

interface NativeModule {
  readonly LlamaContext: new (options: object) => NativeContext;
}

/** The package of this machine: the one around it would bring the source of llama.cpp and all GPU variants. */
function loadNative(): NativeModule {
  const name = `@fugood/node-llama-${process.platform}-${process.arch}`;
  try {
    return createRequire(import.meta.url)(name) as NativeModule;
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    throw new Error(`images and audio need the optional package ${name}: ${reason}`, { cause: error });
  }
}
