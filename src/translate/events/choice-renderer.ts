import { parseJson } from '../../wire/json-text/parse-json.ts';
import type { ExtraContent, GoogleExtraContent } from '../../wire/openai/google-extras.ts';
import type {
  Annotation,
  Delta,
  DeltaToolCall,
  FinishReason,
  TokenLogprob,
} from '../../wire/openai/response.ts';
import { isJsonObject } from '../../wire/validation/structure-checks.ts';
import type {
  ChatEvent,
  ChoiceFinish,
  ToolArgumentsDelta,
  ToolCallEnd,
  ToolCallStart,
} from './chat-event.ts';
import { JsonFence } from './json-fence.ts';
import { MediaOutput } from './media-output.ts';
import type { RenderOptions } from './render-options.ts';
import { TextPlacement } from './text-placement.ts';

/** A delta and the log probabilities that belong to its content. */
export interface DeltaPiece {
  delta: Delta;
  logprobs?: TokenLogprob[];
}

export interface ChoiceEnd {
  /** What still had to be said: a closing tag, held-back text, the refusal. */
  pieces: DeltaPiece[];
  finishReason: FinishReason;
  /** Indices of tool calls whose arguments were cut off. */
  unfinishedCalls: ReadonlySet<number>;
  /** For `choices[].extra_content`. */
  extra?: ExtraContent;
}

/** An event of one choice. */
export type ChoiceEventOf = Exclude<ChatEvent, { type: 'response-start' | 'usage-update' }>;

interface CallState {
  /** Position in `tool_calls`. */
  index: number;
  kind: 'function' | 'custom' | 'deprecated' | 'dropped';
  /** Arguments of a custom call, which can only be unpacked once whole. */
  heldArguments: string;
  hasArguments: boolean;
  finished: boolean;
}

/**
 * Turns the events of one choice into OpenAI deltas. It owns the rules that both answer modes share: thought tags,
 * tool-call indices, fences around JSON, the finish reason. Contract sections 4.3, 7.5, 9 and 10.
 *
 * The chunk assembler sends the deltas; the fold joins them into a message. So the two modes cannot disagree.
 */
export class ChoiceRenderer {
  readonly #options: RenderOptions;
  readonly #fence: JsonFence | undefined;
  readonly #media: MediaOutput;
  readonly #calls = new Map<number, CallState>();
  /** Where the text of the model stands in `content`. */
  readonly #placement = new TextPlacement();
  readonly #annotations: Annotation[] = [];
  #nextCallIndex = 0;
  #tagIsOpen = false;
  #finish: ChoiceFinish | undefined;

  constructor(options: RenderOptions) {
    this.#options = options;
    this.#fence = options.jsonOutput ? new JsonFence() : undefined;
    this.#media = new MediaOutput({
      id: `audio_${options.id}`,
      created: options.created,
      asWav: options.wavAudio === true,
    });
  }

  push(event: ChoiceEventOf): DeltaPiece[] {
    switch (event.type) {
      case 'text-delta':
        return this.#text(event.text, event.extra, event.logprobs);
      case 'thought-delta':
        return this.#thought(event.text, event.extra);
      case 'signature':
        return [{ delta: { extra_content: { google: event.extra } } }];
      case 'tool-call-start':
        return [...this.#closeTag(), ...this.#startCall(event)];
      case 'tool-arguments-delta':
        return this.#callArguments(event);
      case 'tool-call-end':
        return this.#endCall(event);
      case 'media-part':
        return [...this.#closeTag(), { delta: this.#media.push(event.mimeType, event.data) }];
      case 'annotations':
        // Where they stand in `content` is certain only once all of it has been written.
        this.#annotations.push(...event.annotations);
        return [];
      case 'choice-finish':
        this.#finish = event;
        return [];
    }
  }

  end(): ChoiceEnd {
    const pieces = this.#closeTag();
    const held = this.#fence?.end() ?? '';
    this.#placement.place(held.length);
    if (held !== '') pieces.push({ delta: { content: held } });
    const media = this.#media.end();
    if (media !== undefined) pieces.push({ delta: media });
    if (this.#finish?.refusal !== undefined) pieces.push({ delta: { refusal: this.#finish.refusal } });
    if (this.#annotations.length > 0) {
      pieces.push({
        delta: { annotations: this.#annotations.map((annotation) => this.#placed(annotation)) },
      });
    }
    const calls = [...this.#calls.values()].filter((call) => call.kind !== 'dropped');
    return {
      pieces,
      finishReason: this.#finishReason(calls.length > 0),
      unfinishedCalls: new Set(calls.filter((call) => !call.finished).map((call) => call.index)),
      ...(this.#finish?.extra === undefined ? {} : { extra: this.#finish.extra }),
    };
  }

  /** A choice without a finish ended with its stream: `stop`. Contract sections 9.3 and 10.7. */
  #finishReason(hasCalls: boolean): FinishReason {
    const reason = this.#finish?.reason ?? 'stop';
    if (reason !== 'stop' || !hasCalls) return reason;
    return this.#options.deprecatedFunctions ? 'function_call' : 'tool_calls';
  }

  #text(
    text: string,
    extra: GoogleExtraContent | undefined,
    logprobs: TokenLogprob[] | undefined,
  ): DeltaPiece[] {
    const closing = this.#closingTag();
    const answer = this.#fence?.push(text) ?? text;
    this.#placement.place(answer.length);
    const content = closing + answer;
    if (content === '' && extra === undefined && logprobs === undefined) return [];
    return [
      {
        delta: {
          ...(content === '' ? {} : { content }),
          ...(extra === undefined ? {} : { extra_content: { google: extra } }),
        },
        ...(logprobs === undefined ? {} : { logprobs }),
      },
    ];
  }

  #thought(text: string, extra: GoogleExtraContent | undefined): DeltaPiece[] {
    const { inContent, inReasoningContent, tag } = this.#options.thoughts;
    const delta: Delta = {};
    if (inReasoningContent) delta.reasoning_content = text;
    if (inContent) {
      delta.content = tag === undefined || this.#tagIsOpen ? text : `<${tag}>${text}`;
      this.#placement.insert(delta.content.length);
      delta.extra_content = { google: { thought: true, ...extra } };
      this.#tagIsOpen = tag !== undefined;
    } else if (extra !== undefined) {
      delta.extra_content = { google: extra };
    }
    return [{ delta }];
  }

  #closingTag(): string {
    if (!this.#tagIsOpen) return '';
    this.#tagIsOpen = false;
    const tag = `</${this.#options.thoughts.tag}>`;
    this.#placement.insert(tag.length);
    return tag;
  }

  /** An annotation of the model's text as one of `content`. */
  #placed({ type, url_citation: citation }: Annotation): Annotation {
    const opening = this.#fence?.openingLength ?? 0;
    const { start, end } = this.#placement.range({
      start: citation.start_index - opening,
      end: citation.end_index - opening,
    });
    return { type, url_citation: { ...citation, start_index: start, end_index: end } };
  }

  #closeTag(): DeltaPiece[] {
    const content = this.#closingTag();
    return content === '' ? [] : [{ delta: { content } }];
  }

  #startCall({ call, id, name, extra }: ToolCallStart): DeltaPiece[] {
    const { parallelToolCalls, deprecatedFunctions, customTools, newCallId } = this.#options;
    const isExtraCall = this.#nextCallIndex > 0 && (!parallelToolCalls || deprecatedFunctions);
    if (isExtraCall) {
      this.#calls.set(call, {
        index: -1,
        kind: 'dropped',
        heldArguments: '',
        hasArguments: false,
        finished: true,
      });
      return [];
    }
    const index = this.#nextCallIndex++;
    const kind = deprecatedFunctions ? 'deprecated' : customTools.has(name) ? 'custom' : 'function';
    this.#calls.set(call, { index, kind, heldArguments: '', hasArguments: false, finished: false });
    if (kind === 'deprecated') return [{ delta: { function_call: { name, arguments: '' } } }];
    const entry: DeltaToolCall = { index, id: id === undefined || id === '' ? newCallId() : id, type: kind };
    if (kind === 'custom') entry.custom = { name, input: '' };
    else entry.function = { name, arguments: '' };
    if (extra !== undefined) entry.extra_content = { google: extra };
    return [{ delta: { tool_calls: [entry] } }];
  }

  #callArguments({ call, delta }: ToolArgumentsDelta): DeltaPiece[] {
    const state = this.#calls.get(call);
    if (state === undefined || state.kind === 'dropped' || delta === '') return [];
    state.hasArguments = true;
    if (state.kind === 'custom') {
      state.heldArguments += delta;
      return [];
    }
    return [{ delta: argumentsDelta(state, delta) }];
  }

  #endCall({ call }: ToolCallEnd): DeltaPiece[] {
    const state = this.#calls.get(call);
    if (state === undefined || state.finished) return [];
    state.finished = true;
    if (state.kind === 'custom') {
      const input = customInput(state.heldArguments);
      return [{ delta: { tool_calls: [{ index: state.index, custom: { input } }] } }];
    }
    // A call without arguments still has an arguments object.
    return state.hasArguments ? [] : [{ delta: argumentsDelta(state, '{}') }];
  }
}

function argumentsDelta({ kind, index }: CallState, text: string): Delta {
  if (kind === 'deprecated') return { function_call: { arguments: text } };
  return { tool_calls: [{ index, function: { arguments: text } }] };
}

/** A custom tool was declared as a function with one string property `input`. Contract section 7.1. */
function customInput(callArguments: string): string {
  const parsed = parseJson(callArguments);
  const input = isJsonObject(parsed) ? parsed['input'] : undefined;
  // Where it is none, the model wrote the input bare.
  return typeof input === 'string' ? input : callArguments;
}
