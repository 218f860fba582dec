import type { ChatCompletionChunk, ChunkChoice, Delta, Logprobs, Usage } from '../../wire/openai/response.ts';
import type { ChatEventBatch, TokenCounts } from './chat-event.ts';
import { ChoiceRenderer, type DeltaPiece } from './choice-renderer.ts';
import type { RenderOptions } from './render-options.ts';
import { toUsage } from './usage.ts';

/**
 * Makes the chunks of a stream from event batches. Contract section 10: role once per choice, one delta per kind and
 * batch, finish chunks at the very end (an early STOP may be followed by more), usage where the route wants it.
 */
export class ChunkAssembler {
  readonly #options: RenderOptions;
  readonly #choices = new Map<number, ChoiceRenderer>();
  #id: string;
  #created: number;
  #counts: TokenCounts | undefined;

  constructor(options: RenderOptions) {
    this.#options = options;
    this.#id = options.id;
    this.#created = options.created;
  }

  /** The chunks of one upstream message. */
  push(batch: ChatEventBatch): ChatCompletionChunk[] {
    for (const event of batch) {
      if (event.type !== 'response-start') continue;
      this.#id = event.id ?? this.#id;
      this.#created = event.created ?? this.#created;
    }
    const chunks: ChatCompletionChunk[] = [];
    // Something arrived: the client learns at once that the answer has begun. Choice 0 must exist: OpenAI's Node
    // client fails on a stream that has only later ones.
    if (this.#choices.size === 0) this.#open(0, chunks);
    const pieces = new Map<number, DeltaPiece[]>();
    for (const event of batch) {
      if (event.type === 'response-start') continue;
      if (event.type === 'usage-update') {
        this.#counts = event.usage;
        continue;
      }
      const rendered = this.#open(event.choice, chunks).push(event);
      const ofChoice = pieces.get(event.choice);
      if (ofChoice === undefined) pieces.set(event.choice, rendered);
      else ofChoice.push(...rendered);
    }
    for (const [choice, ofChoice] of pieces) {
      for (const piece of mergePieces(ofChoice)) chunks.push(this.#chunk(choice, piece));
    }
    return chunks;
  }

  /** The closing chunks: what was held back, the finish of every choice, usage. */
  end(): ChatCompletionChunk[] {
    const chunks: ChatCompletionChunk[] = [];
    if (this.#choices.size === 0) this.#open(0, chunks);
    const finishes: ChatCompletionChunk[] = [];
    for (const [index, renderer] of this.#choices) {
      const { pieces, finishReason, extra } = renderer.end();
      for (const piece of mergePieces(pieces)) chunks.push(this.#chunk(index, piece));
      const choice: ChunkChoice = { index, delta: {}, logprobs: null, finish_reason: finishReason };
      if (extra !== undefined) choice.extra_content = extra;
      finishes.push(this.#envelope([choice]));
    }
    chunks.push(...finishes);
    const usage = toUsage(this.#counts ?? { prompt: 0, answer: 0 }, this.#options.usageMode);
    const last = finishes.at(-1);
    if (this.#options.streamUsage === 'on-finish' && last !== undefined) last.usage = usage;
    if (this.#options.streamUsage === 'own-chunk') chunks.push(this.#envelope([], usage));
    return chunks;
  }

  /** Token counts so far, also where the stream does not report them; `undefined` until the upstream sent some. */
  get usage(): Usage | undefined {
    return this.#counts === undefined ? undefined : toUsage(this.#counts, this.#options.usageMode);
  }

  #open(index: number, chunks: ChatCompletionChunk[]): ChoiceRenderer {
    const known = this.#choices.get(index);
    if (known !== undefined) return known;
    const renderer = new ChoiceRenderer(this.#options);
    this.#choices.set(index, renderer);
    chunks.push(this.#chunk(index, { delta: { role: 'assistant', content: '' } }));
    return renderer;
  }

  #chunk(index: number, { delta, logprobs }: DeltaPiece): ChatCompletionChunk {
    const list: Logprobs | null = logprobs === undefined ? null : { content: logprobs, refusal: null };
    return this.#envelope([{ index, delta, logprobs: list, finish_reason: null }]);
  }

  #envelope(choices: ChunkChoice[], usage: Usage | null = null): ChatCompletionChunk {
    const chunk: ChatCompletionChunk = {
      id: this.#id,
      object: 'chat.completion.chunk',
      created: this.#created,
      model: this.#options.model,
      system_fingerprint: '',
      choices,
    };
    if (this.#options.serviceTier !== undefined) chunk.service_tier = this.#options.serviceTier;
    if (this.#options.streamUsage === 'own-chunk') chunk.usage = usage;
    return chunk;
  }
}

/**
 * Joins neighbours of the same kind, and all tool calls into one delta behind the text: Gemini sends parallel calls
 * as parts of one message, and clients expect them together.
 */
function mergePieces(pieces: readonly DeltaPiece[]): DeltaPiece[] {
  if (pieces.length < 2) return [...pieces];
  const merged: DeltaPiece[] = [];
  let calls: DeltaPiece | undefined;
  for (const piece of pieces) {
    if (piece.delta.tool_calls !== undefined) {
      if (calls === undefined) calls = { delta: { tool_calls: [] } };
      mergeToolCalls(calls.delta, piece.delta);
      continue;
    }
    const last = merged.at(-1);
    if (last !== undefined && canJoin(last.delta, piece.delta)) join(last, piece);
    else merged.push({ ...piece, delta: { ...piece.delta } });
  }
  if (calls !== undefined) merged.push(calls);
  return merged;
}

/** Text joins text, thoughts join thoughts; whatever carries more than that stays alone. */
function canJoin(left: Delta, right: Delta): boolean {
  return kindOf(left) !== undefined && kindOf(left) === kindOf(right);
}

function kindOf(delta: Delta): string | undefined {
  const google = delta.extra_content?.google;
  const isThought = google?.thought === true;
  if (google !== undefined && Object.keys(google).length > (isThought ? 1 : 0)) return undefined;
  const keys = Object.keys(delta).filter((key) => key !== 'extra_content');
  if (keys.some((key) => key !== 'content' && key !== 'reasoning_content')) return undefined;
  return `${keys.toSorted().join()}${isThought ? ' thought' : ''}`;
}

function join(target: DeltaPiece, piece: DeltaPiece): void {
  const { content, reasoning_content: reasoning } = piece.delta;
  if (content !== undefined) target.delta.content = (target.delta.content ?? '') + content;
  if (reasoning !== undefined)
    target.delta.reasoning_content = (target.delta.reasoning_content ?? '') + reasoning;
  if (piece.logprobs !== undefined) target.logprobs = [...(target.logprobs ?? []), ...piece.logprobs];
}

/** Adds the entries of one delta to another, joining those of the same call. */
export function mergeToolCalls(target: Delta, source: Delta): void {
  const entries = (target.tool_calls ??= []);
  for (const entry of source.tool_calls ?? []) {
    const known = entries.find(({ index }) => index === entry.index);
    if (known === undefined) {
      entries.push(structuredClone(entry));
      continue;
    }
    if (known.function !== undefined && entry.function?.arguments !== undefined) {
      known.function.arguments = (known.function.arguments ?? '') + entry.function.arguments;
    } else if (known.custom !== undefined && entry.custom?.input !== undefined) {
      known.custom.input = (known.custom.input ?? '') + entry.custom.input;
    } else if (known.function === undefined && entry.function !== undefined) {
      known.function = { ...entry.function };
    }
  }
}
