import { isUtf8 } from 'node:buffer';
import { GatewayError } from '../../../errors.ts';
import { membersOf, startOfValue } from '../../../wire/json-text/json-spans.ts';
import { parseJson } from '../../../wire/json-text/parse-json.ts';
import type { TokenUsage } from '../../../wire/openai/response.ts';
import { isJsonObject, type JsonObject } from '../../../wire/validation/structure-checks.ts';
import { editAnswer } from './answer-edits.ts';
import { CallIndices } from './call-indices.ts';
import { endOfEvent, EventBlocks } from './event-blocks.ts';
import { ModelExchange } from './model-exchange.ts';
import { PlainRuns } from './plain-runs.ts';
import { readEvent, withJson } from './read-event.ts';
import { failureIn, isChunk, isForeignEvent, noAnswer } from './stream-failure.ts';
import { StreamTail } from './stream-tail.ts';

export interface StreamEditorOptions {
  /** The upstream's name, for errors. */
  readonly upstream: string;
  /** The model name as the client wrote it; `undefined` leaves the server's. */
  readonly asked: string | undefined;
  /** Sees every chunk. Each is then parsed, which costs ten times the time. */
  readonly watch?: ((chunk: JsonObject) => void) | undefined;
  /** Whether the chunk with nothing but token counts is kept from the client. @default false */
  readonly hidesUsage?: boolean;
}

/** Largest event, in bytes: audio and images come in single ones. */
const MAX_EVENT_BYTES = 32 * 1024 * 1024;

export const DONE = Buffer.from('data: [DONE]\n\n');

const NOTHING = Buffer.alloc(0);
const EVENT_END = Buffer.from('\n\n');
const BYTE_ORDER_MARK = Buffer.from('\uFEFF');

/** The end of a member's name; begins with a byte that is rarer in JSON than a quote. */
const MODEL_MEMBER = Buffer.from('odel"');

/**
 * A model server's stream as the client is to see it. Contract section 12: relayed event by event, with the model name
 * as the client wrote it.
 *
 * Only the first chunk is parsed. It shows how this server writes the model's name; in the others those very bytes are
 * exchanged where they differ from what the client wrote, and nothing is touched where they do not. Chunks with calls,
 * reasoning or errors are looked at more closely.
 */
export class StreamEditor {
  readonly #options: StreamEditorOptions;
  readonly #blocks = new EventBlocks({ maxEventBytes: MAX_EVENT_BYTES });
  readonly #tail = new StreamTail();
  readonly #calls = new CallIndices();
  #model: string | undefined;
  #isAtStart = true;
  #hasBegun = false;
  #isDone = false;
  #failure: unknown;
  /** What is to be done with plain chunks; `undefined` while not known. A server that names the model as asked goes on so. */
  #naming: ModelExchange | 'keep' | undefined;

  constructor(options: StreamEditorOptions) {
    this.#options = options;
    if (options.asked === undefined) this.#naming = 'keep';
  }

  /** Whether a chunk has come, so that this is certain to be an answer. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** Whether `[DONE]` has come. It is not among the bytes: who writes them says when the answer is complete. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /**
   * What has ended the stream before its time: a {@link GatewayError} for an error among the events, and for what is no
   * event of an answer. What came before it is among the bytes; nothing comes behind it.
   */
  get failure(): unknown {
    return this.#failure;
  }

  /** The model as the server names it. */
  get model(): string | undefined {
    return this.#model;
  }

  /** The server's token counts among the last chunks. */
  usage(): TokenUsage | undefined {
    return this.#tail.usage();
  }

  /** @returns what can go to the client; {@link failure} tells whether anything may follow */
  push(chunk: Buffer): Buffer {
    if (this.#isDone || this.#failure !== undefined) return NOTHING;
    const edited: Buffer[] = [];
    try {
      this.#edit(this.#blocks.push(chunk), edited);
    } catch (error) {
      this.#failure = error;
    }
    return joined(edited);
  }

  /**
   * The server has ended its stream.
   *
   * @returns what is still to be sent before `[DONE]`
   * @throws {GatewayError} `upstream_disconnected` when the answer is not complete
   */
  end(): Buffer {
    if (this.#isDone) return NOTHING;
    const last: Buffer[] = [];
    if (this.#failure === undefined) this.#editRest(this.#blocks.rest(), last);
    if (this.#failure !== undefined) throw this.#failure;
    if (!this.isComplete()) {
      throw new GatewayError(
        'upstream_disconnected',
        `The upstream ${this.#options.upstream} ended its stream before the answer was complete.`,
      );
    }
    this.#isDone = true;
    return joined(last);
  }

  /** Whether nothing is missing but `[DONE]`. */
  isComplete(): boolean {
    return this.#isDone || (this.#failure === undefined && this.#tail.isFinished());
  }

  /** Nothing more will come, and nothing is missing but `[DONE]`. */
  complete(): Buffer {
    this.#isDone = true;
    return NOTHING;
  }

  /** The last event, if only its empty line is missing. A piece of one is dropped. */
  #editRest(rest: Buffer, edited: Buffer[]): void {
    const read = readEvent(rest.toString('utf8'));
    const { data, type, loose } = read;
    if (data?.trim() === '[DONE]' || type === 'error' || parseJson(data ?? '') !== undefined) {
      edited.push(this.push(rest.at(-1) === EVENT_END[0] ? EVENT_END.subarray(1) : EVENT_END));
      return;
    }
    const { upstream } = this.#options;
    this.#failure = failureIn({ ...read, data: undefined }, undefined, upstream);
    if (data === undefined && loose !== '' && !this.#hasBegun) this.#failure ??= noAnswer(loose, upstream);
  }

  /** @param bytes complete events @param edited takes what they become, as far as there is no failure */
  #edit(bytes: Buffer, edited: Buffer[]): void {
    if (bytes.length === 0) return;
    // A character is never divided between events, so bytes that are no characters are the server's mistake.
    const block = this.#withoutMark(isUtf8(bytes) ? bytes : Buffer.from(bytes.toString('utf8')));
    this.#tail.push(block);
    const { hidesUsage = false } = this.#options;
    const runs = new PlainRuns(block, { counts: hidesUsage });
    let start = 0;
    /** Where what stays as it is begins. */
    let kept = 0;
    /** Up to here events are plain, and do not all look like those before. */
    let singly = 0;
    try {
      while (start < block.length && !this.#isDone) {
        // The first chunk shows what is to be done with the others.
        const mayPass = this.#hasBegun && this.#options.watch === undefined;
        let end = start < singly || !mayPass ? start : runs.endFrom(start);
        let part = sliceOf(block, start, end);
        let shown = end > start ? this.#exchangeModel(part) : undefined;
        if (shown === undefined) {
          if (end > start) singly = end;
          const isPlain = start < singly;
          end = isPlain ? Math.min(endOfEvent(block, start), singly) : endOfEvent(block, start);
          part = sliceOf(block, start, end);
          shown = isPlain ? this.#editPlain(part) : this.#editClosely(part);
        }
        if (shown !== part) {
          edited.push(sliceOf(block, kept, start), shown);
          kept = end;
        }
        start = end;
      }
    } finally {
      edited.push(sliceOf(block, kept, Math.max(kept, start)));
    }
  }

  #withoutMark(block: Buffer): Buffer {
    if (!this.#isAtStart) return block;
    this.#isAtStart = false;
    const { length } = BYTE_ORDER_MARK;
    return block.subarray(0, length).equals(BYTE_ORDER_MARK) ? block.subarray(length) : block;
  }

  /** Edits an event that needs no more than another model name. */
  #editPlain(event: Buffer): Buffer {
    if (event.indexOf(MODEL_MEMBER) === -1) return event;
    return this.#exchangeModel(event) ?? this.#editClosely(event);
  }

  /** @returns `undefined` where an event does not look like those before */
  #exchangeModel(events: Buffer): Buffer | undefined {
    return this.#naming === 'keep' ? events : this.#naming?.apply(events);
  }

  #editClosely(event: Buffer): Buffer {
    const { upstream, asked, watch, hidesUsage } = this.#options;
    const read = readEvent(event.toString('utf8'));
    const { data, loose } = read;
    const isDone = data?.trim() === '[DONE]';
    const value = data === undefined || isDone ? undefined : parseJson(data);
    const failure = failureIn(read, value, upstream);
    if (failure !== undefined) throw failure;
    if (data === undefined) {
      if (loose !== '' && !this.#hasBegun) throw noAnswer(loose, upstream);
      return event;
    }
    if (isDone) return this.#readDone();
    const chunk = this.#checkChunk(data, value);
    this.#learn(data, chunk);
    watch?.(chunk);
    if (hidesUsage === true && isUsageOnly(chunk)) return NOTHING;
    const edited = editAnswer({ text: data, value: chunk }, asked, this.#calls.read(chunk));
    return edited === data ? event : Buffer.from(withJson(read, edited));
  }

  #readDone(): Buffer {
    const { upstream, asked } = this.#options;
    if (!this.#hasBegun) {
      throw new GatewayError(
        'bad_upstream_response',
        `The upstream ${upstream} ended its stream without an answer.`,
      );
    }
    this.#isDone = true;
    const chunk = this.#tail.missingFinish((choice) => this.#calls.has(choice));
    if (chunk === undefined) return NOTHING;
    const text = editAnswer({ text: JSON.stringify(chunk), value: chunk }, asked);
    return Buffer.from(`data: ${text}\n\n`);
  }

  #checkChunk(data: string, value: unknown): JsonObject {
    const { upstream } = this.#options;
    if (isChunk(value)) {
      this.#hasBegun = true;
      return value;
    }
    if (!this.#hasBegun && !isForeignEvent(value)) throw noAnswer(data, upstream);
    if (isJsonObject(value)) return value;
    throw new GatewayError(
      'bad_upstream_response',
      `The upstream ${upstream} sent an event that is not a JSON object.`,
    );
  }

  /** Learns how the server writes the model's name. */
  #learn(data: string, { model }: JsonObject): void {
    const { asked } = this.#options;
    if (typeof model !== 'string' || model === '') return;
    this.#model ??= model;
    if (asked === undefined || this.#naming === 'keep') return;
    const [member, ...others] = membersOf(data, startOfValue(data)).filter(({ name }) => name === 'model');
    if (member === undefined || others.length > 0) return;
    if (model === asked) {
      this.#naming ??= 'keep';
      return;
    }
    const { start, valueStart, valueEnd } = member;
    const name = data.slice(start, valueStart);
    this.#naming = new ModelExchange(data.slice(start, valueEnd), name + JSON.stringify(asked));
  }
}

/** The last chunk of a stream whose client asks for `include_usage`. Contract section 10. */
function isUsageOnly({ choices, usage }: JsonObject): boolean {
  return Array.isArray(choices) && choices.length === 0 && isJsonObject(usage);
}

function sliceOf(block: Buffer, start: number, end: number): Buffer {
  if (start === end) return NOTHING;
  return start === 0 && end === block.length ? block : block.subarray(start, end);
}

function joined(pieces: readonly Buffer[]): Buffer {
  const [only = NOTHING, ...others] = pieces.filter(({ length }) => length > 0);
  return others.length === 0 ? only : Buffer.concat([only, ...others]);
}
