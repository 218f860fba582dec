/**
 * The only file that knows the native binding, node-llama-cpp. See docs/decisions/0003-engine-binding.md.
 *
 * Everything here is about one loaded model and its sequences; scheduling and text rules live beside it.
 */
import { basename } from 'node:path';
import {
  type BatchItem,
  type ControlledEvaluateIndexOutput,
  type EvaluationPriority,
  getLlama,
  type LlamaContextSequence,
  LlamaGrammarEvaluationState,
  LlamaLogLevel,
  type LlamaModel,
  type Llama,
  type PrioritizedBatchItem,
  TokenBias,
  type Token,
} from 'node-llama-cpp';
import { Lockstep } from './lockstep.ts';
import type { EngineModel, EngineOptions, PromptPiece, Sampling, TokenAlternative } from './protocol.ts';

/** Context of a slot unless configured: enough for a long chat, and little memory. */
const DEFAULT_CONTEXT_SIZE = 4096;

/**
 * Prompt tokens evaluated at once. Small, for two reasons: a cancelled request gives its slot back quickly, and up
 * to 32 tokens llama.cpp's CPU kernels give the same bits whatever the division of the prompt, so that the same
 * seed gives the same text.
 */
export const PROMPT_CHUNK = 32;

/** llama.cpp takes this seed as a wish for a random one. */
const RANDOM_SEED = 0xffff_ffff;
/** What that seed is replaced by: any other number will do. */
const SEED_INSTEAD = 0x9e37_79b9;

/** A loaded model and what can be done with it. */
export class LlamaBinding {
  readonly facts: EngineModel;
  /** All answers of this model take their steps together. */
  readonly lockstep = new Lockstep();
  readonly #llama: Llama;
  readonly #model: LlamaModel;
  readonly #sequences: LlamaContextSequence[];

  private constructor(parts: {
    llama: Llama;
    model: LlamaModel;
    sequences: LlamaContextSequence[];
    facts: EngineModel;
  }) {
    this.#llama = parts.llama;
    this.#model = parts.model;
    this.#sequences = parts.sequences;
    this.facts = parts.facts;
  }

  /** Loads a GGUF file. @throws {Error} with the native message when the file cannot be used */
  static async load(options: EngineOptions): Promise<LlamaBinding> {
    const llama = await getLlama({
      gpu: options.gpu ? 'auto' : false,
      // Only binaries that came with the package: nothing is built or downloaded at run time.
      build: 'never',
      skipDownload: true,
      progressLogs: false,
      logLevel: LlamaLogLevel.warn,
    });
    const threads = options.threads ?? Math.max(1, llama.cpuMathCores - 1);
    llama.maxThreads = threads;
    const model = await llama.loadModel({
      modelPath: options.modelPath,
      gpuLayers: options.gpu ? 'auto' : 0,
    });
    const wanted = options.contextSize ?? Math.min(model.trainContextSize, DEFAULT_CONTEXT_SIZE);
    const context = await model.createContext({
      sequences: options.slots,
      contextSize: Math.min(wanted, model.trainContextSize),
      batchSize: Math.max(PROMPT_CHUNK * options.slots, 64),
      threads,
      batching: { itemPrioritizationStrategy: inSequenceOrder },
      // One cache per slot, whole: an answer that starts like an earlier one re-uses its beginning.
      swaFullCache: true,
    });
    const sequences = Array.from({ length: options.slots }, () => context.getSequence());
    // The engine rounds up to its own steps; the configured number holds.
    const contextSize = Math.min(sequences[0]?.contextSize ?? context.contextSize, wanted);
    return new LlamaBinding({
      llama,
      model,
      sequences,
      facts: { ...factsOf(model), name: modelName(model, options.modelPath), contextSize, threads },
    });
  }

  get sequences(): readonly LlamaContextSequence[] {
    return this.#sequences;
  }

  /** Options that give a sequence its place in a batch; see {@link inSequenceOrder}. */
  batchPlace(sequence: LlamaContextSequence): { evaluationPriority: EvaluationPriority } {
    return { evaluationPriority: this.#sequences.indexOf(sequence) as EvaluationPriority };
  }

  /** Tokens of a prompt. Control tokens are read in trusted pieces only. */
  tokenize(prompt: readonly PromptPiece[]): Token[] {
    const tokens: Token[] = [];
    for (const { text, trusted } of prompt) {
      // Only the first piece may get the tokenizer's leading space: the others continue a text.
      tokens.push(
        ...this.#model.tokenize(text, trusted, tokens.length === 0 ? undefined : 'trimLeadingSpace'),
      );
    }
    const { bos } = this.#model.tokens;
    if (this.facts.prependBos && bos !== null && tokens[0] !== bos) tokens.unshift(bos);
    return tokens;
  }

  /** Tokens of trusted text that continues a text. */
  tokenizeMore(text: string): Token[] {
    return this.#model.tokenize(text, true, 'trimLeadingSpace');
  }

  /** Text of tokens; `before` are the tokens in front of them, which decide about a leading space. */
  detokenize(tokens: readonly Token[], before: readonly Token[]): string {
    return this.#model.detokenize(tokens, false, before);
  }

  isEndOfGeneration(token: Token): boolean {
    return this.#model.isEogToken(token);
  }

  isKnownToken(token: number): boolean {
    return Number.isInteger(token) && token >= 0 && token < this.facts.vocabularySize;
  }

  /** A grammar ready to constrain one answer. @throws {Error} when the engine refuses the text */
  async grammar(text: string): Promise<LlamaGrammarEvaluationState> {
    const grammar = await this.#llama.createGrammar({ grammar: text });
    return new LlamaGrammarEvaluationState({ model: this.#model, grammar });
  }

  /** Options of the native sampler. `generated` is read before each token, for the penalties. */
  samplerOptions(
    { temperature, topP, topK, seed, presencePenalty, frequencyPenalty, logitBias }: Sampling,
    generated: readonly Token[],
  ): SamplerOptions {
    const options: SamplerOptions = {
      temperature,
      topP,
      topK,
      seed: seed === RANDOM_SEED ? SEED_INSTEAD : seed,
      minP: 0,
    };
    if (presencePenalty !== 0 || frequencyPenalty !== 0) {
      options.repeatPenalty = {
        punishTokens: () => [...generated],
        maxPunishTokens: this.facts.contextSize,
        penalty: 1,
        presencePenalty,
        frequencyPenalty,
      };
    }
    if (logitBias.length > 0) {
      const bias = TokenBias.for(this.#model);
      // Not `bias.set`, which leaves out the tokens that end an answer: clients may keep a model talking.
      const biases = Reflect.get(bias, '_biases') as Map<Token, number>;
      for (const [token, value] of logitBias) biases.set(token as Token, value);
      options.tokenBias = bias;
    }
    return options;
  }

  /**
   * Log probabilities of the token that followed `last`, and of the likeliest alternatives, before temperature and
   * truncation. `last` must be the last token in the sequence; it is evaluated once more, which doubles the cost of
   * a token but leaves sampling, and so the text, exactly as it is without log probabilities.
   */
  async logprobs(
    sequence: LlamaContextSequence,
    last: Token,
    chosen: Token,
    count: number,
  ): Promise<{ chosen: TokenAlternative; top: TokenAlternative[] }> {
    const end = sequence.nextTokenIndex;
    await sequence.eraseContextTokenRanges([{ start: end - 1, end }]);
    const [output] = await sequence.controlledEvaluate(
      [
        [
          last,
          {
            generateNext: {
              logits: { filter: { tokens: [chosen], includeTop: Math.max(1, count) } },
              totalLogitWeight: true,
              options: { temperature: 0 },
            },
          },
        ],
      ],
      this.batchPlace(sequence),
    );
    const next = requireLogits(output);
    const ranked = [...next.logits].toSorted(([, left], [, right]) => right - left);
    // log softmax: the weight is the sum of exp(logit - largest logit).
    const normaliser = (ranked[0]?.[1] ?? 0) + Math.log(next.totalLogitWeight);
    const alternative = ([token, logit]: [Token, number]): TokenAlternative => ({
      ...this.#tokenText(token, last),
      logprob: Math.min(0, logit - normaliser),
    });
    return {
      chosen: alternative([chosen, next.logits.get(chosen) ?? Number.NEGATIVE_INFINITY]),
      top: ranked.slice(0, count).map(alternative),
    };
  }

  /** @param before the token in front, without which some vocabularies swallow a leading space */
  #tokenText(token: Token, before: Token): { text: string; bytes: number[] } {
    const alone = this.#model.detokenize([token], true);
    // A token may be a piece of a character; its own spelling in the vocabulary still has the exact bytes.
    const bytes = alone.includes('\uFFFD') ? vocabularyBytes(this.#model, token) : undefined;
    if (bytes !== undefined) return { text: alone, bytes };
    const text = this.#model.detokenize([token], true, [before]);
    return { text, bytes: [...new TextEncoder().encode(text)] };
  }
}

/**
 * The whole queue as one batch, sequences in ascending order: llama.cpp computes neighbouring sequences in one pass
 * and begins another wherever the next token does not belong to the sequence that follows. The binding hands over
 * no sequence numbers, so they travel as the priority, which nothing else reads once this function is set.
 */
function inSequenceOrder({ items }: { items: readonly BatchItem[] }): PrioritizedBatchItem[] {
  return items
    .toSorted((left, right) => left.evaluationPriority - right.evaluationPriority)
    .map((item) => ({ item, processAmount: item.tokens.length }));
}

export type SamplerOptions = NonNullable<Parameters<LlamaContextSequence['evaluate']>[1]>;
export type { LlamaContextSequence, LlamaGrammarEvaluationState, Token };

function requireLogits(output: ControlledEvaluateIndexOutput | undefined): {
  logits: Map<Token, number>;
  totalLogitWeight: number;
} {
  const { logits, totalLogitWeight } = output?.next ?? {};
  if (logits === undefined || totalLogitWeight === undefined)
    throw new Error('the engine reported no logits');
  return { logits, totalLogitWeight };
}

function modelName(model: LlamaModel, path: string): string {
  return model.fileInfo.metadata.general.name ?? basename(path);
}

function factsOf(model: LlamaModel): Omit<EngineModel, 'name' | 'contextSize' | 'threads'> {
  const { metadata } = model.fileInfo;
  const vocabulary = metadata.tokenizer.ggml.tokens;
  const controlTokens: string[] = [];
  for (let token = 0; token < vocabulary.length; token++) {
    const attributes = model.getTokenAttributes(token as Token);
    if (attributes.control || attributes.unknown)
      controlTokens.push(model.detokenize([token as Token], true));
  }
  const { bosString, eosString, shouldPrependBosToken } = model.tokens;
  const chatTemplate = metadata.tokenizer.chat_template;
  return {
    ...(chatTemplate === undefined ? {} : { chatTemplate }),
    bosToken: bosString ?? '',
    eosToken: eosString ?? '',
    prependBos: shouldPrependBosToken,
    controlTokens: controlTokens.filter((text) => text !== ''),
    vocabularySize: vocabulary.length,
  };
}

const BYTE_TOKEN = /^<0x([0-9A-F]{2})>$/;

/** The bytes of a token from its spelling in the vocabulary: byte-level BPE letters, or `<0xE2>`. */
function vocabularyBytes(model: LlamaModel, token: Token): number[] | undefined {
  const { tokens, model: tokenizer } = model.fileInfo.metadata.tokenizer.ggml;
  const spelling = tokens[token];
  if (spelling === undefined) return undefined;
  const byteToken = BYTE_TOKEN.exec(spelling);
  if (byteToken?.[1] !== undefined) return [Number.parseInt(byteToken[1], 16)];
  if (tokenizer !== 'gpt2') return undefined;
  const bytes = Array.from(spelling, (letter) => BYTE_OF_LETTER.get(letter));
  return bytes.includes(undefined) ? undefined : (bytes as number[]);
}

/**
 * Byte-level BPE spells each byte as one letter: printable Latin-1 as itself, the other 68 bytes as U+0100 and up,
 * in order.
 */
const BYTE_OF_LETTER: ReadonlyMap<string, number> = (() => {
  const letters = new Map<string, number>();
  let next = 0x100;
  for (let byte = 0; byte < 256; byte++) {
    const isPrintable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    letters.set(String.fromCodePoint(isPrintable ? byte : next++), byte);
  }
  return letters;
})();
