import {
  type GenerateContentResponse,
  type PromptFeedback,
  readGenerateContentResponse,
  type UsageMetadata,
} from '../../wire/gemini/response.ts';
import { isJsonObject, type JsonObject } from '../../wire/validation/structure-checks.ts';
import type { ChatEvent, ResponseStart } from './chat-event.ts';
import { blockedFinish, GeminiChoice } from './gemini-choice.ts';
import { GeminiUsage } from './gemini-usage.ts';

export interface GeminiDecoderOptions {
  /** Native function name to the client's, where the request had to change it. @default none */
  readonly toolNames?: ReadonlyMap<string, string>;
  /** Alternatives to keep for each token; absent when log probabilities were not asked for. */
  readonly topLogprobs?: number;
  /** `false`: arguments that come in pieces are passed on when they are whole. @default true */
  readonly streamedArguments?: boolean;
}

/**
 * How an answer ended.
 * - `complete`: with an answer, a blocked prompt included
 * - `empty`: nothing came, not even a reason; contract section 9.4
 * - `malformed`: a call or an answer that cannot be read, and no text beside it; contract section 9.3
 * - `disconnected`: the upstream broke off before it gave a finish reason; contract section 10.7
 */
export type GeminiOutcome =
  | { readonly kind: 'complete' }
  | { readonly kind: 'empty' }
  | { readonly kind: 'malformed'; readonly finishReason: string; readonly finishMessage: string | undefined }
  | { readonly kind: 'disconnected' };

/**
 * Turns Gemini's answer, whole or message by message, into events. Whatever the messages hold, it does not throw; an
 * `{"error": …}` among them is for the caller to recognise, with `readGoogleError`.
 *
 * The finish of every choice is emitted by {@link end}: Gemini may say STOP early and go on.
 */
export class GeminiDecoder {
  readonly #toolNames: ReadonlyMap<string, string>;
  readonly #topLogprobs: number | undefined;
  readonly #streamedArguments: boolean;
  readonly #choices = new Map<number, GeminiChoice>();
  readonly #usage = new GeminiUsage();
  readonly #usedIds = new Set<string>();
  #hasStarted = false;
  #modelVersion: string | undefined;
  #block: PromptFeedback | undefined;
  #outcome: GeminiOutcome | undefined;

  constructor({ toolNames, topLogprobs, streamedArguments }: GeminiDecoderOptions = {}) {
    this.#toolNames = toolNames ?? new Map<string, string>();
    this.#topLogprobs = topLogprobs;
    this.#streamedArguments = streamedArguments ?? true;
  }

  /** The exact model, once the upstream has said it. */
  get modelVersion(): string | undefined {
    return this.#modelVersion;
  }

  /** Whether an event was emitted that a client would see: text, thoughts, a call, media. */
  get hasOutput(): boolean {
    return [...this.#choices.values()].some((choice) => choice.hasOutput);
  }

  /** Whether every candidate has given its finish reason, or the prompt was blocked. More may follow all the same. */
  get sawFinish(): boolean {
    if (this.#block !== undefined) return true;
    const choices = [...this.#choices.values()];
    return choices.length > 0 && choices.every((choice) => choice.finishReason !== undefined);
  }

  /** How the answer ended; `undefined` before {@link end}. */
  get outcome(): GeminiOutcome | undefined {
    return this.#outcome;
  }

  /** The events of one message: a `GenerateContentResponse` as parsed from JSON. */
  push(message: unknown): ChatEvent[] {
    const response = this.#readText(message) ?? readGenerateContentResponse(message);
    const events: ChatEvent[] = [];
    // Later messages repeat id and time; a stream keeps the ones it began with.
    if (!this.#hasStarted) events.push(responseStart(response));
    this.#hasStarted = true;
    this.#modelVersion ??= response.modelVersion;
    if (response.promptFeedback?.blockReason !== undefined) this.#block = response.promptFeedback;
    for (const candidate of response.candidates) {
      for (const event of this.#choice(candidate.index).push(candidate)) events.push(event);
    }
    if (response.usageMetadata !== undefined) {
      events.push({ type: 'usage-update', usage: this.#usage.push(response.usageMetadata) });
    }
    return events;
  }

  /**
   * The closing events; then {@link outcome} is known.
   *
   * @param cleanly whether the response ended as a whole, rather than by a lost connection
   */
  end(cleanly: boolean): ChatEvent[] {
    this.#outcome = this.#judge(cleanly);
    if (this.#block !== undefined && this.#choices.size === 0) return [blockedFinish(0, this.#block)];
    return [...this.#choices.values()].flatMap((choice) => choice.end(cleanly, this.#block));
  }

  /**
   * A message that does nothing but go on with the text of the only candidate: all but the first and the last of most
   * streams. Reading it this way takes a tenth of the time that looking for every member takes.
   */
  #readText(message: unknown): GenerateContentResponse | undefined {
    if (this.#modelVersion === undefined) return undefined;
    const part = onlyTextPart(message);
    if (part === undefined) return undefined;
    const { usageMetadata } = message as { usageMetadata?: UsageMetadata };
    const response: GenerateContentResponse = {
      candidates: [{ index: 0, parts: [{ thought: false, raw: part, text: part.text }] }],
    };
    if (usageMetadata !== undefined) response.usageMetadata = usageMetadata;
    return response;
  }

  #choice(index: number): GeminiChoice {
    const known = this.#choices.get(index);
    if (known !== undefined) return known;
    const choice = new GeminiChoice({
      choice: index,
      toolNames: this.#toolNames,
      topLogprobs: this.#topLogprobs,
      streamedArguments: this.#streamedArguments,
      usedIds: this.#usedIds,
    });
    this.#choices.set(index, choice);
    return choice;
  }

  #judge(cleanly: boolean): GeminiOutcome {
    if (!cleanly && !this.sawFinish) return { kind: 'disconnected' };
    if (this.#block !== undefined) return { kind: 'complete' };
    const choices = [...this.#choices.values()];
    if (choices.every((choice) => !choice.hasOutput && choice.finishReason === undefined))
      return { kind: 'empty' };
    const [first] = choices;
    if (first !== undefined && choices.every((choice) => choice.isMalformed)) {
      return {
        kind: 'malformed',
        finishReason: first.finishReason ?? '',
        finishMessage: first.finishMessage,
      };
    }
    return { kind: 'complete' };
  }
}

/** Members of later messages that say nothing new. */
const REPEATED: ReadonlySet<string> = new Set(['modelVersion', 'responseId', 'createTime']);

/** The text part of a message that holds no more than one, and the traffic type; `undefined` for any other message. */
function onlyTextPart(message: unknown): (JsonObject & { text: string }) | undefined {
  if (!isJsonObject(message)) return undefined;
  for (const name in message) {
    if (name === 'candidates' || REPEATED.has(name)) continue;
    const traffic = name === 'usageMetadata' ? onlyMember(message[name], 'trafficType') : undefined;
    if (typeof traffic !== 'string' || traffic === '') return undefined;
  }
  const candidate = onlyItem(message['candidates']);
  const content = onlyMember(candidate, 'content');
  if (!isJsonObject(content)) return undefined;
  for (const name in content) if (name !== 'parts' && name !== 'role') return undefined;
  const part = onlyItem(content['parts']);
  const text = onlyMember(part, 'text');
  return typeof text === 'string' ? (part as JsonObject & { text: string }) : undefined;
}

function onlyItem(value: unknown): unknown {
  return Array.isArray(value) && value.length === 1 ? value[0] : undefined;
}

/** The value of an object's one member, if that is its name. */
function onlyMember(value: unknown, name: string): unknown {
  if (!isJsonObject(value)) return undefined;
  for (const other in value) if (other !== name) return undefined;
  return value[name];
}

function responseStart({ responseId, createTime }: GenerateContentResponse): ResponseStart {
  const milliseconds = createTime === undefined ? Number.NaN : Date.parse(createTime);
  return {
    type: 'response-start',
    ...(responseId === undefined ? {} : { id: responseId }),
    ...(Number.isNaN(milliseconds) ? {} : { created: Math.floor(milliseconds / 1000) }),
  };
}
