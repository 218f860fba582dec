/**
 * What the server and the engine process say to each other over the IPC channel.
 *
 * The engine process knows tokens, slots and grammars; it knows nothing of chat, tools or HTTP. So a native crash
 * takes away only text generation, and everything that can be tested without a model stays on the server's side.
 */

export type ToEngine =
  | { type: 'load'; options: EngineOptions | MediaEngineOptions }
  | { type: 'generate'; job: number; plan: GenerationPlan }
  | { type: 'cancel'; job: number }
  /** The client reads more slowly than the model writes. */
  | { type: 'pause'; job: number }
  | { type: 'resume'; job: number };

/** @typeParam Model what the kind of engine reports about a model */
export type FromEngine<Model = EngineModel> =
  | { type: 'loaded'; model: Model }
  | { type: 'load-failed'; message: string }
  /** The prompt fits and generation begins. */
  | { type: 'started'; job: number; promptTokens: number; cachedTokens: number }
  | { type: 'tokens'; job: number; tokens: GeneratedToken[] }
  | { type: 'finished'; job: number; reason: GenerationEnd; generatedTokens: number; thoughtTokens: number }
  | { type: 'failed'; job: number; failure: GenerationFailure };

export interface EngineOptions {
  /** Path of a GGUF file. */
  modelPath: string;
  /** Requests that generate at the same time. */
  slots: number;
  /** Tokens a slot can hold, prompt and answer together; `undefined`: the model's own limit, at most 4096. */
  contextSize?: number;
  /** CPU threads; `undefined`: all cores but one. */
  threads?: number;
  /** Use a GPU if the installation has one. */
  gpu: boolean;
}

/** What the media engine is told beyond {@link EngineOptions}. */
export interface MediaEngineOptions extends EngineOptions {
  contextSize: number;
  /** Path of a GGUF file with the model's projector. */
  projectorPath: string;
  /** Pixels of the longer side that images are scaled down to. */
  imageSide: number;
}

/** What a model's projector takes. */
export interface MediaModel {
  /** File name of the projector. */
  name: string;
  images: boolean;
  audio: boolean;
}

/** Facts about the loaded model. */
export interface EngineModel {
  /** `general.name` of the file, or its file name. */
  name: string;
  /** Jinja source of the model's chat template. */
  chatTemplate?: string;
  bosToken: string;
  eosToken: string;
  /** The tokenizer expects the BOS token in front of every prompt. */
  prependBos: boolean;
  /** Texts of all control tokens. Client text must never be read as one of these. */
  controlTokens: string[];
  vocabularySize: number;
  /** Tokens a slot holds. */
  contextSize: number;
  threads: number;
}

/** A piece of prompt; `trusted` text may contain control tokens, client text may not. */
export interface PromptPiece {
  text: string;
  trusted: boolean;
}

export interface GenerationPlan {
  prompt: PromptPiece[];
  /** Upper bound of generated tokens; `undefined`: until the slot is full. */
  maxTokens?: number;
  sampling: Sampling;
  /** Generation ends before the first of these; the text itself is not reported. */
  stop: string[];
  /** Constrains what is generated. */
  grammar?: GrammarPlan;
  /** How many alternatives to report for each token; `undefined`: no log probabilities. */
  topLogprobs?: number;
  thoughts?: ThoughtPlan;
  /** What stands where the prompt has {@link MEDIA_MARKER}, in that order; for the media engine only. */
  media?: Medium[];
}

/** Stands in the prompt, in a trusted piece, where a medium belongs. llama.cpp's own spelling. */
export const MEDIA_MARKER = '<__media__>';

/** An image or a sound, its type and size checked. */
export interface Medium {
  kind: 'image' | 'audio';
  mimeType: string;
  /** Base64. */
  data: string;
  /** Where the request has it, for error messages. */
  path: string;
}

export interface Sampling {
  /** 0 takes the likeliest token. */
  temperature: number;
  /** 1 switches it off. */
  topP: number;
  /** 0 switches it off. */
  topK: number;
  /** Unsigned 32 bit. */
  seed: number;
  presencePenalty: number;
  frequencyPenalty: number;
  /** Added to the logits of token ids. */
  logitBias: [token: number, bias: number][];
}

export interface GrammarPlan {
  /** GBNF with the start rule `root`. */
  text: string;
  /** The grammar holds only for what follows this text; `undefined`: from the first token. */
  after?: string;
}

/** How the model marks its reasoning. */
export interface ThoughtPlan {
  startTag: string;
  endTag: string;
  /** The prompt ends inside the reasoning. */
  isOpen: boolean;
  /** Tokens after which the reasoning is closed from outside; `undefined`: never. */
  budget?: number;
}

export interface GeneratedToken {
  /** Text this token completes; empty while a character is still incomplete or may belong to a stop sequence. */
  text: string;
  logprob?: TokenAlternative & { top: TokenAlternative[] };
}

export interface TokenAlternative {
  text: string;
  /** UTF-8. */
  bytes: number[];
  /** Natural logarithm of the probability before temperature and truncation. */
  logprob: number;
}

export type GenerationEnd = 'stop' | 'length' | 'cancelled';

export type GenerationFailure =
  | { kind: 'context-overflow'; promptTokens: number; contextSize: number }
  | { kind: 'invalid-grammar'; message: string }
  | { kind: 'unknown-token'; token: number }
  | { kind: 'unreadable-media'; path: string; message: string }
  | { kind: 'internal'; message: string };
