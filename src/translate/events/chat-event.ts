/**
 * The vocabulary every backend speaks: what happened in an answer, in the order it happened.
 *
 * A backend yields *batches*: the events of one upstream message (one SSE event, one token of the local engine).
 * Both answer modes are made from the same batches, by {@link file://./assemble-chunks.ts} and
 * {@link file://./fold-completion.ts}. Each event names its choice, so that answers with `n > 1` keep apart.
 */
import type { ExtraContent, GoogleExtraContent } from '../../wire/openai/google-extras.ts';
import type { Annotation, TokenLogprob } from '../../wire/openai/response.ts';

export type ChatEvent =
  | ResponseStart
  | TextDelta
  | ThoughtDelta
  | SignatureEvent
  | ToolCallStart
  | ToolArgumentsDelta
  | ToolCallEnd
  | MediaPartEvent
  | AnnotationsEvent
  | ChoiceFinish
  | UsageUpdate;

export type ChatEventBatch = readonly ChatEvent[];

/** First facts about the answer. Optional; later ones fill what earlier ones left out. */
export interface ResponseStart {
  type: 'response-start';
  /** The upstream's own response id. */
  id?: string;
  /** Unix time in seconds. */
  created?: number;
}

interface ChoiceEvent {
  /** Index of the choice, from 0. */
  choice: number;
}

export interface TextDelta extends ChoiceEvent {
  type: 'text-delta';
  text: string;
  /** Signature or other Google data that came with this very part. */
  extra?: GoogleExtraContent;
  /** Log probabilities of the tokens in `text`. */
  logprobs?: TokenLogprob[];
}

/** Text of the model's reasoning. */
export interface ThoughtDelta extends ChoiceEvent {
  type: 'thought-delta';
  text: string;
  extra?: GoogleExtraContent;
}

/** A part that carries nothing but a signature. */
export interface SignatureEvent extends ChoiceEvent {
  type: 'signature';
  extra: GoogleExtraContent;
}

/** A call begins. `call` counts from 0 within the choice and names the call in later events. */
export interface ToolCallStart extends ChoiceEvent {
  type: 'tool-call-start';
  call: number;
  /** The upstream's id; generated when absent or empty. */
  id?: string;
  name: string;
  extra?: GoogleExtraContent;
}

/** More of a call's arguments, as JSON text. All deltas of a call concatenate to one JSON document. */
export interface ToolArgumentsDelta extends ChoiceEvent {
  type: 'tool-arguments-delta';
  call: number;
  delta: string;
}

/** The call's arguments are complete. A call without this event was cut off. */
export interface ToolCallEnd extends ChoiceEvent {
  type: 'tool-call-end';
  call: number;
}

/** An image or a piece of audio in the answer. */
export interface MediaPartEvent extends ChoiceEvent {
  type: 'media-part';
  mimeType: string;
  /** Base64. */
  data: string;
}

/**
 * Sources of the answer. Offsets are UTF-16 code units within all text deltas of the choice joined; rendering moves
 * them to where the text stands in `content`, between thoughts and tags.
 */
export interface AnnotationsEvent extends ChoiceEvent {
  type: 'annotations';
  annotations: Annotation[];
}

/**
 * Why a choice ended, before OpenAI's rules are applied: calls turn `stop` into `tool_calls` later.
 * A second finish of the same choice replaces the first; Gemini may say STOP early and go on.
 */
export interface ChoiceFinish extends ChoiceEvent {
  type: 'choice-finish';
  reason: 'stop' | 'length' | 'content_filter';
  /** Set when the prompt or the answer was blocked. */
  refusal?: string;
  /** Goes to `choices[].extra_content`. */
  extra?: ExtraContent;
}

/** Token counts so far. A later update replaces an earlier one. */
export interface UsageUpdate {
  type: 'usage-update';
  usage: TokenCounts;
}

/** Neutral token counts; how they become OpenAI's `usage` is decided in `usage.ts`. */
export interface TokenCounts {
  /** Tokens of the prompt, cached ones included. */
  prompt: number;
  /** Tokens of the visible answer, without reasoning. */
  answer: number;
  /** Tokens of reasoning. @default 0 */
  thoughts?: number;
  /** Tokens of tool results that a server-side tool put into the prompt. @default 0 */
  toolUsePrompt?: number;
  /** Part of `prompt` that was read from a cache. @default 0 */
  cached?: number;
  /** The upstream's own total; the sum when absent. */
  total?: number;
  promptByModality?: Partial<Record<Modality, number>>;
  answerByModality?: Partial<Record<Modality, number>>;
  /** Google's billing class, such as `ON_DEMAND`. */
  trafficType?: string;
}

export type Modality = 'text' | 'image' | 'audio' | 'video' | 'document';
