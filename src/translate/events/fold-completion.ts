import type { GoogleExtraContent } from '../../wire/openai/google-extras.ts';
import type {
  ChatCompletion,
  Choice,
  Delta,
  DeltaToolCall,
  ResponseMessage,
  ResponseToolCall,
  TokenLogprob,
} from '../../wire/openai/response.ts';
import { mergeToolCalls } from './assemble-chunks.ts';
import type { ChatEventBatch, TokenCounts } from './chat-event.ts';
import { ChoiceRenderer, type DeltaPiece } from './choice-renderer.ts';
import { joinBase64 } from './media-output.ts';
import type { RenderOptions } from './render-options.ts';
import { toUsage } from './usage.ts';
import { withWavLength } from './wav.ts';

/** Makes the non-streamed answer from the same batches a stream is made of. Contract section 9. */
export class CompletionFold {
  readonly #options: RenderOptions;
  readonly #choices = new Map<number, FoldedChoice>();
  #id: string;
  #created: number;
  #counts: TokenCounts | undefined;

  constructor(options: RenderOptions) {
    this.#options = options;
    this.#id = options.id;
    this.#created = options.created;
  }

  push(batch: ChatEventBatch): void {
    for (const event of batch) {
      if (event.type === 'response-start') {
        this.#id = event.id ?? this.#id;
        this.#created = event.created ?? this.#created;
      } else if (event.type === 'usage-update') {
        this.#counts = event.usage;
      } else {
        const choice = this.#choice(event.choice);
        for (const piece of choice.renderer.push(event)) choice.add(piece);
      }
    }
  }

  end(): ChatCompletion {
    this.#choice(0);
    const choices = [...this.#choices]
      .toSorted(([left], [right]) => left - right)
      .map(([index, choice]) => choice.finish(index, this.#options.topLogprobs !== undefined));
    return {
      id: this.#id,
      object: 'chat.completion',
      created: this.#created,
      model: this.#options.model,
      system_fingerprint: '',
      ...(this.#options.serviceTier === undefined ? {} : { service_tier: this.#options.serviceTier }),
      choices,
      usage: toUsage(this.#counts ?? { prompt: 0, answer: 0 }, this.#options.usageMode),
    };
  }

  #choice(index: number): FoldedChoice {
    let choice = this.#choices.get(index);
    if (choice === undefined) {
      choice = new FoldedChoice(new ChoiceRenderer(this.#options));
      this.#choices.set(index, choice);
    }
    return choice;
  }
}

class FoldedChoice {
  readonly renderer: ChoiceRenderer;
  readonly #message: ResponseMessage = { role: 'assistant', content: null, refusal: null };
  readonly #calls: Delta = {};
  readonly #audioPieces: string[] = [];
  #logprobs: TokenLogprob[] | undefined;

  constructor(renderer: ChoiceRenderer) {
    this.renderer = renderer;
  }

  add({ delta, logprobs }: DeltaPiece): void {
    const message = this.#message;
    if (delta.content !== undefined) message.content = (message.content ?? '') + delta.content;
    if (delta.refusal !== undefined) message.refusal = (message.refusal ?? '') + delta.refusal;
    if (delta.reasoning_content !== undefined) {
      message.reasoning_content = (message.reasoning_content ?? '') + delta.reasoning_content;
    }
    if (delta.tool_calls !== undefined) mergeToolCalls(this.#calls, delta);
    if (delta.function_call !== undefined) {
      const call = (message.function_call ??= { name: delta.function_call.name ?? '', arguments: '' });
      call.arguments += delta.function_call.arguments ?? '';
    }
    if (delta.annotations !== undefined) (message.annotations ??= []).push(...delta.annotations);
    if (delta.images !== undefined) (message.images ??= []).push(...delta.images);
    if (delta.audio !== undefined) {
      const { data, ...rest } = delta.audio;
      message.audio = { ...message.audio, ...rest };
      if (data !== undefined) this.#audioPieces.push(data);
    }
    const signature = delta.extra_content?.google?.thought_signature;
    if (signature !== undefined) {
      const google: GoogleExtraContent = { thought_signature: signature };
      message.extra_content = { google };
    }
    if (logprobs !== undefined) (this.#logprobs ??= []).push(...logprobs);
  }

  finish(index: number, wantsLogprobs: boolean): Choice {
    const { pieces, finishReason, unfinishedCalls, extra } = this.renderer.end();
    for (const piece of pieces) this.add(piece);
    const message = this.#message;
    // A call that was cut off has no arguments a client could parse.
    const calls = (this.#calls.tool_calls ?? []).filter((call) => !unfinishedCalls.has(call.index));
    if (calls.length > 0) message.tool_calls = calls.map(toResponseToolCall);
    if (message.function_call !== undefined && unfinishedCalls.has(0)) delete message.function_call;
    if (message.audio !== undefined && this.#audioPieces.length > 0) {
      const data = joinBase64(this.#audioPieces);
      const isWav = message.audio.extra_content?.google?.['mime_type'] === 'audio/wav';
      message.audio.data = isWav ? withWavLength(data) : data;
    }
    const hasOtherContent =
      message.tool_calls !== undefined ||
      message.function_call !== undefined ||
      message.audio !== undefined ||
      message.refusal !== null;
    if (message.content === null && !hasOtherContent) message.content = '';
    if (message.content === '' && hasOtherContent) message.content = null;
    return {
      index,
      message,
      logprobs:
        wantsLogprobs && this.#logprobs !== undefined ? { content: this.#logprobs, refusal: null } : null,
      finish_reason: finishReason,
      ...(extra === undefined ? {} : { extra_content: extra }),
    };
  }
}

function toResponseToolCall(entry: DeltaToolCall): ResponseToolCall {
  const id = entry.id ?? '';
  const extra = entry.extra_content === undefined ? {} : { extra_content: entry.extra_content };
  if (entry.custom !== undefined) {
    const { name = '', input = '' } = entry.custom;
    return { id, type: 'custom', custom: { name, input }, ...extra };
  }
  const { name = '', arguments: text = '' } = entry.function ?? {};
  return { id, type: 'function', function: { name, arguments: text }, ...extra };
}
