import { isUtf8 } from 'node:buffer';
import { GatewayError } from '../../../errors.ts';
import { fromServerError, readStreamError } from '../../../translate/error/from-server-error.ts';
import { membersOf, startOfValue } from '../../../wire/json-text/json-spans.ts';
import type { TokenUsage } from '../../../wire/openai/response.ts';
import { isJsonObject, type JsonObject } from '../../../wire/validation/structure-checks.ts';
import { editAnswer } from './answer-edits.ts';
import { endOfEvent, EventBlocks } from './event-blocks.ts';
import { readEvent, withData } from './read-event.ts';
import { StreamTail } from './stream-tail.ts';

export interface StreamEditorOptions {
  /** The upstream's name, for errors. */
  readonly upstream: string;
  /** The model name as the client wrote it; `undefined` leaves the server's. */
  readonly asked: string | undefined;
  /** Sees every chunk. Each is then parsed, which costs ten times the time. */
  readonly watch?: ((chunk: JsonObject) => void) | undefined;
}

/** Largest event, in bytes: audio and images come in single ones. */
const MAX_EVENT_BYTES = 32 * 1024 * 1024;

export const DONE = Buffer.from('data: [DONE]\n\n');

const NOTHING = Buffer.alloc(0);
const CLOSING_BRACKET = 0x5d;

/**
 * Words that stand in chunks which may need more than another model name. Quotes inside of strings are escaped, so that
 * text of a model never looks like one of them.
 */
const SPECIAL_MEMBERS = ['"tool_calls"', '"reasoning"', '"error"'];

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
  #model: string | undefined;
  #hasBegun = false;
  #isDone = false;
  /** The bytes of the member `model`, to be exchanged for the second; `undefined` while not known, or not needed. */
  #exchange: readonly [written: Buffer, wanted: Buffer] | undefined;

  constructor(options: StreamEditorOptions) {
    this.#options = options;
  }

  /** Whether a chunk has come, so that this is certain to be an answer. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** Whether `[DONE]` has come. It is not among the bytes: who writes them says when the answer is complete. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** The model as the server names it. */
  get model(): string | undefined {
    return this.#model;
  }

  /** The server's token counts among the last chunks. */
  usage(): TokenUsage | undefined {
    return this.#tail.usage();
  }

  /**
   * @returns what can go to the client
   * @throws {GatewayError} for an error among the events, and for what is no event of an answer
   */
  push(chunk: Buffer): Buffer {
    return this.#isDone ? NOTHING : this.#edit(this.#blocks.push(chunk));
  }

  /**
   * The server has ended its stream.
   *
   * @returns what is still to be sent before `[DONE]`
   * @throws {GatewayError} `upstream_disconnected` when the answer is not complete
   */
  end(): Buffer {
    if (this.#isDone) return NOTHING;
    const rest = this.#blocks.rest();
    const last = rest.length === 0 ? NOTHING : this.#edit(terminated(rest));
    if (this.#isDone || this.isComplete()) return last;
    throw new GatewayError(
      'upstream_disconnected',
      `The upstream ${this.#options.upstream} ended its stream before the answer was complete.`,
    );
  }

  /** Whether nothing is missing but `[DONE]`. */
  isComplete(): boolean {
    return this.#isDone || this.#tail.hasFinish();
  }

  #edit(bytes: Buffer): Buffer {
    if (bytes.length === 0) return NOTHING;
    // A character is never divided between events, so bytes that are no characters are the server's mistake.
    const block = isUtf8(bytes) ? bytes : Buffer.from(bytes.toString('utf8'));
    this.#tail.push(block);
    const isPlain =
      this.#hasBegun &&
      this.#options.watch === undefined &&
      SPECIAL_MEMBERS.every((member) => block.indexOf(member) === -1);
    if (isPlain && this.#exchange === undefined && !endsWithBracket(block)) return block;
    const edited: Buffer[] = [];
    for (let start = 0; start < block.length && !this.#isDone;) {
      const end = endOfEvent(block, start);
      const event = start === 0 && end === block.length ? block : block.subarray(start, end);
      const quick = isPlain ? this.#exchangeModel(event) : undefined;
      edited.push(quick ?? this.#editClosely(event));
      start = end;
    }
    return edited.length === 1 ? edited[0]! : Buffer.concat(edited);
  }

  /** @returns `undefined` for an event that does not look like those before */
  #exchangeModel(event: Buffer): Buffer | undefined {
    if (endsWithBracket(event)) return undefined;
    if (this.#exchange === undefined) return event;
    const [written, wanted] = this.#exchange;
    const at = event.indexOf(written);
    if (at === -1) return undefined;
    return Buffer.concat([event.subarray(0, at), wanted, event.subarray(at + written.length)]);
  }

  #editClosely(event: Buffer): Buffer {
    const text = event.toString('utf8');
    const { data, loose } = readEvent(text);
    if (loose !== '') this.#readLoose(loose);
    if (data === undefined) return event;
    if (data.trim() === '[DONE]') {
      this.#isDone = true;
      return this.#missingFinish();
    }
    const chunk = this.#parse(data);
    const failure = readStreamError(chunk, this.#options.upstream);
    if (failure !== undefined) throw failure;
    if (!this.#hasBegun) this.#learn(data, chunk);
    this.#options.watch?.(chunk);
    const edited = editAnswer({ text: data, value: chunk }, this.#options.asked);
    return edited === data ? event : Buffer.from(withData(text, edited));
  }

  #missingFinish(): Buffer {
    const chunk = this.#tail.missingFinish();
    if (chunk === undefined) return NOTHING;
    const text = editAnswer({ text: JSON.stringify(chunk), value: chunk }, this.#options.asked);
    return Buffer.from(`data: ${text}\n\n`);
  }

  /** Text outside of events: an error, or a stream that is none. */
  #readLoose(loose: string): void {
    const error = parseObject(loose.replace(/^error:\s*/, ''));
    const failure = error === undefined ? undefined : readStreamError(error, this.#options.upstream);
    if (failure !== undefined) throw failure;
    if (!this.#hasBegun) {
      throw fromServerError({ status: 200, body: loose, upstream: this.#options.upstream });
    }
  }

  #parse(data: string): JsonObject {
    const chunk = parseObject(data);
    if (chunk !== undefined) return chunk;
    if (!this.#hasBegun) {
      throw fromServerError({ status: 200, body: data, upstream: this.#options.upstream });
    }
    throw new GatewayError(
      'bad_upstream_response',
      `The upstream ${this.#options.upstream} sent an event that is not a JSON object.`,
    );
  }

  #learn(data: string, chunk: JsonObject): void {
    this.#hasBegun = true;
    const { model } = chunk;
    const { asked } = this.#options;
    if (typeof model !== 'string') return;
    this.#model = model;
    if (asked === undefined || asked === model) return;
    const member = membersOf(data, startOfValue(data)).find(({ name }) => name === 'model');
    if (member === undefined) return;
    const written = data.slice(member.start, member.valueEnd);
    this.#exchange = [Buffer.from(written), Buffer.from(`"model":${JSON.stringify(asked)}`)];
  }
}

function parseObject(text: string): JsonObject | undefined {
  try {
    const value = JSON.parse(text) as unknown;
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the last line is `[DONE]`, or something else that is no JSON object. */
function endsWithBracket(event: Buffer): boolean {
  let at = event.length - 1;
  while (at >= 0 && event[at]! <= 0x20) at--;
  return event[at] === CLOSING_BRACKET;
}

function terminated(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.from('\n\n')]);
}
