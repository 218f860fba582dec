import type { Candidate, Part, PromptFeedback } from '../../wire/gemini/response.ts';
import type { ExtraContent, GoogleExtraContent } from '../../wire/openai/google-extras.ts';
import type { TokenLogprob } from '../../wire/openai/response.ts';
import type { JsonObject } from '../../wire/validation/structure-checks.ts';
import type { ChatEvent, ChoiceFinish, TextDelta } from './chat-event.ts';
import { fencedBlock } from './fenced-block.ts';
import { GeminiCalls, type GeminiCallsOptions } from './gemini-calls.ts';
import { type FinishKind, finishKind, refusalText } from './gemini-finish.ts';
import { decodeLogprobs } from './gemini-logprobs.ts';
import { GroundingCollector } from './grounding.ts';
import { toStandardBase64 } from './standard-base64.ts';

export interface GeminiChoiceOptions extends GeminiCallsOptions {
  /** Alternatives to keep for each token; `undefined` when log probabilities were not asked for. */
  readonly topLogprobs: number | undefined;
}

/** Members of a part that say something about its data and are no data themselves. */
const MODIFIERS: ReadonlySet<string> = new Set([
  'thought',
  'thoughtSignature',
  'videoMetadata',
  'mediaResolution',
  'partMetadata',
]);

/** Metadata of a candidate that comes in pieces, and its name in `extra_content.google`. */
const MERGED_METADATA = [
  ['citationMetadata', 'citation_metadata'],
  ['groundingMetadata', 'grounding_metadata'],
  ['urlContextMetadata', 'url_context_metadata'],
] as const;

/** One candidate over all messages of an answer, as events. Contract sections 7.5, 7.6 and 9. */
export class GeminiChoice {
  readonly #choice: number;
  readonly #topLogprobs: number | undefined;
  readonly #calls: GeminiCalls;
  readonly #grounding = new GroundingCollector();
  readonly #merged = new Map<string, Map<string, unknown>>();
  /** Parts that no field of a message can hold. */
  readonly #keptParts: JsonObject[] = [];
  #partIndex = -1;
  #lastPartKind: 'text' | 'thought' | 'other' = 'other';
  #hasOutput = false;
  #hasText = false;
  #isAtLineStart = true;
  #finishReason: string | undefined;
  #finishMessage: string | undefined;
  #safetyRatings: unknown[] | undefined;
  #avgLogprobs: number | undefined;

  constructor(options: GeminiChoiceOptions) {
    this.#choice = options.choice;
    this.#topLogprobs = options.topLogprobs;
    this.#calls = new GeminiCalls(options);
  }

  /** Whether anything was emitted that a client would see. */
  get hasOutput(): boolean {
    return this.#hasOutput;
  }

  get finishReason(): string | undefined {
    return this.#finishReason;
  }

  get finishMessage(): string | undefined {
    return this.#finishMessage;
  }

  /** The model failed to write what it wanted to, and there is no text that could stand for an answer. */
  get isMalformed(): boolean {
    return this.#kind === 'malformed' && !this.#hasText;
  }

  get #kind(): FinishKind {
    return finishKind(this.#finishReason);
  }

  push(candidate: Candidate): ChatEvent[] {
    this.#finishReason = candidate.finishReason ?? this.#finishReason;
    this.#finishMessage = candidate.finishMessage ?? this.#finishMessage;
    this.#safetyRatings = candidate.safetyRatings ?? this.#safetyRatings;
    this.#avgLogprobs = candidate.avgLogprobs ?? this.#avgLogprobs;
    const events: ChatEvent[] = [];
    let visible = '';
    for (const [position, part] of candidate.parts.entries()) {
      this.#countPart(part, position === 0);
      if (isVisibleText(part)) visible += part.text ?? '';
      events.push(...this.#part(part));
    }
    this.#addLogprobs(candidate, visible, events);
    this.#mergeMetadata(candidate);
    return events;
  }

  /**
   * The closing events. A call whose arguments still run is complete only if the answer came to an ordinary end.
   *
   * @param block why the prompt was blocked, if it was
   */
  end(cleanly: boolean, block: PromptFeedback | undefined): ChatEvent[] {
    const events: ChatEvent[] = [];
    const isBlocked = block !== undefined && this.#finishReason === undefined;
    const isOver = this.#finishReason !== undefined || cleanly;
    if (isOver && !isBlocked && this.#kind === 'stop') events.push(...this.#calls.close());
    const annotations = this.#grounding.annotations();
    if (annotations.length > 0) events.push({ type: 'annotations', choice: this.#choice, annotations });
    if (isBlocked) events.push(blockedFinish(this.#choice, block));
    else if (isOver) events.push(this.#finish());
    return events;
  }

  #part(part: Part): ChatEvent[] {
    const { functionCall, inlineData, executableCode, codeExecutionResult } = part;
    if (functionCall !== undefined) return this.#call(part);
    if (inlineData !== undefined) return this.#media(part);
    if (executableCode !== undefined) {
      const language = executableCode.language.toLowerCase();
      return this.#block(
        fencedBlock(language === 'language_unspecified' ? '' : language, executableCode.code),
        part,
      );
    }
    if (codeExecutionResult !== undefined) {
      const { outcome, output } = codeExecutionResult;
      const body = output === '' && outcome !== 'OUTCOME_OK' ? outcome : output;
      return this.#block(fencedBlock('output', body), part);
    }
    if (part.text !== undefined) return this.#text(part.text, part);
    if (Object.entries(part.raw).some(([name, value]) => value != null && !MODIFIERS.has(name))) {
      this.#keptParts.push(part.raw);
      return this.#calls.close();
    }
    return this.#signature(part);
  }

  #call(part: Part): ChatEvent[] {
    // The finish reason wins over a call that stands beside it: the function was not declared, or is broken.
    if (part.functionCall === undefined || this.#kind === 'malformed') return [];
    this.#hasOutput = true;
    return this.#calls.push(part.functionCall, part.thoughtSignature);
  }

  #text(text: string, part: Part): ChatEvent[] {
    if (text === '') return this.#signature(part);
    const events = this.#calls.close();
    const extra = extraOf(part);
    this.#hasOutput = true;
    if (part.thought) {
      this.#isAtLineStart = false;
      return [...events, { type: 'thought-delta', choice: this.#choice, text, ...extra }];
    }
    this.#grounding.addText(this.#partIndex, text);
    if (text.trim() !== '') this.#hasText = true;
    this.#isAtLineStart = text.endsWith('\n');
    return [...events, { type: 'text-delta', choice: this.#choice, text, ...extra }];
  }

  /** A code block, which has to begin on a line of its own. */
  #block(block: string, part: Part): ChatEvent[] {
    const text = this.#isAtLineStart ? block : `\n${block}`;
    this.#isAtLineStart = true;
    this.#hasOutput = true;
    this.#hasText = true;
    this.#grounding.addOther(text.length);
    return [...this.#calls.close(), { type: 'text-delta', choice: this.#choice, text, ...extraOf(part) }];
  }

  #media(part: Part): ChatEvent[] {
    const { mimeType = '', data = '' } = part.inlineData ?? {};
    const events = this.#calls.close();
    const base64 = toStandardBase64(data);
    if (base64 === undefined || base64 === '') {
      this.#keptParts.push(part.raw);
      return events;
    }
    // Drafts of an image the model is still thinking about are not part of the answer.
    if (!part.thought) {
      this.#hasOutput = true;
      this.#hasText = true;
      events.push({
        type: 'media-part',
        choice: this.#choice,
        mimeType: mimeType === '' ? 'application/octet-stream' : mimeType,
        data: base64,
      });
    }
    return [...events, ...this.#signature(part)];
  }

  #signature(part: Part): ChatEvent[] {
    const { extra } = extraOf(part);
    return extra === undefined ? [] : [{ type: 'signature', choice: this.#choice, extra }];
  }

  /** Text that goes on in the next message belongs to the same part of the whole answer. */
  #countPart(part: Part, isFirst: boolean): void {
    const kind = isVisibleText(part) ? 'text' : isText(part) ? 'thought' : 'other';
    if (!isFirst || kind === 'other' || kind !== this.#lastPartKind) this.#partIndex++;
    this.#lastPartKind = kind;
  }

  #addLogprobs({ logprobsResult }: Candidate, visible: string, events: ChatEvent[]): void {
    if (this.#topLogprobs === undefined || logprobsResult === undefined) return;
    const logprobs: TokenLogprob[] = decodeLogprobs(logprobsResult, visible, this.#topLogprobs);
    if (logprobs.length === 0) return;
    const last = events.findLast((event): event is TextDelta => event.type === 'text-delta');
    if (last !== undefined) last.logprobs = logprobs;
  }

  #mergeMetadata(candidate: Candidate): void {
    const { groundingMetadata, citationMetadata } = candidate;
    if (groundingMetadata !== undefined) this.#grounding.addGrounding(groundingMetadata);
    if (citationMetadata !== undefined) this.#grounding.addCitations(citationMetadata);
    for (const [native, name] of MERGED_METADATA) {
      const source = candidate[native];
      if (source === undefined) continue;
      const target = this.#merged.get(name) ?? new Map<string, unknown>();
      this.#merged.set(name, target);
      for (const [key, value] of Object.entries(source)) {
        const known = target.get(key);
        target.set(key, Array.isArray(known) && Array.isArray(value) ? [...known, ...value] : value);
      }
    }
  }

  #finish(): ChoiceFinish {
    const kind = this.#kind;
    const extra = this.#extra();
    return {
      type: 'choice-finish',
      choice: this.#choice,
      // Too late for another attempt, or text stands beside the broken call: then it is an ordinary end.
      reason: kind === 'malformed' ? 'stop' : kind,
      ...(kind === 'content_filter'
        ? { refusal: refusalText('Response', this.#finishReason ?? '', this.#finishMessage) }
        : {}),
      ...(extra === undefined ? {} : { extra }),
    };
  }

  /** What Google says beyond OpenAI's fields. Contract section 9.2. */
  #extra(): ExtraContent | undefined {
    const google: GoogleExtraContent = {};
    const reason = this.#finishReason;
    if (reason !== undefined && reason !== 'STOP' && reason !== 'MAX_TOKENS')
      google['finish_reason'] = reason;
    if (this.#finishMessage !== undefined) google['finish_message'] = this.#finishMessage;
    if (this.#safetyRatings !== undefined) google['safety_ratings'] = this.#safetyRatings;
    for (const [name, members] of this.#merged) {
      if (members.size > 0) google[name] = Object.fromEntries(members);
    }
    if (this.#avgLogprobs !== undefined) google['avg_logprobs'] = this.#avgLogprobs;
    if (this.#keptParts.length > 0) google['parts'] = this.#keptParts;
    return Object.keys(google).length === 0 ? undefined : { google };
  }
}

/** The finish of a choice whose prompt was blocked. Contract section 9.4. */
export function blockedFinish(choice: number, block: PromptFeedback): ChoiceFinish {
  const { blockReason = '', blockReasonMessage, safetyRatings } = block;
  const google: GoogleExtraContent = { block_reason: blockReason };
  if (blockReasonMessage !== undefined) google['block_reason_message'] = blockReasonMessage;
  if (safetyRatings !== undefined) google['safety_ratings'] = safetyRatings;
  return {
    type: 'choice-finish',
    choice,
    reason: 'content_filter',
    refusal: refusalText('Prompt', blockReason, blockReasonMessage),
    extra: { google },
  };
}

function isText(part: Part): boolean {
  const hasOtherData =
    part.functionCall !== undefined ||
    part.inlineData !== undefined ||
    part.executableCode !== undefined ||
    part.codeExecutionResult !== undefined;
  return part.text !== undefined && !hasOtherData;
}

function isVisibleText(part: Part): boolean {
  return isText(part) && !part.thought;
}

function extraOf({ thoughtSignature }: Part): { extra?: GoogleExtraContent } {
  return thoughtSignature === undefined ? {} : { extra: { thought_signature: thoughtSignature } };
}
