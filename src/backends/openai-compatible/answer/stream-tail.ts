import { parseJson } from '../../../wire/json-text/parse-json.ts';
import type { TokenUsage } from '../../../wire/openai/response.ts';
import { isJsonObject, type JsonObject } from '../../../wire/validation/structure-checks.ts';
import { usageOf } from './answer-edits.ts';
import { endOfEvent } from './event-blocks.ts';
import { readEvent } from './read-event.ts';

/** What is kept at least: a finish reason and the token counts come in the last two events, which may be long ones. */
const KEPT_BYTES = 8 * 1024;
const KEPT_BLOCKS = 4;

/**
 * Quotes inside of strings are escaped, so that these are never part of a text. A search begins with a byte that is
 * rarer in JSON than a quote.
 */
const FINISH_REASON = [Buffer.from('"finish'), Buffer.from('_reason"')] as const;
const USAGE = [Buffer.from('"u'), Buffer.from('sage"')] as const;
const DATA = Buffer.from('data:');
const QUOTE = 0x22;
const COLON = 0x3a;
const SPACE = 0x20;
const LINE_FEED = 0x0a;

/**
 * The end of a stream, for what has to be known of it once it is over: the side reader. Chunks are kept as bytes while
 * they pass, and searched only if somebody asks.
 */
export class StreamTail {
  #blocks: Buffer[] = [];
  #bytes = 0;

  /** Complete events that pass. */
  push(block: Buffer): void {
    // Nothing but comments: they may come for long, and must not take the place of chunks.
    if (block[0] === COLON && !block.includes(DATA)) return;
    this.#blocks.push(block);
    this.#bytes += block.length;
    while (this.#blocks.length > KEPT_BLOCKS && this.#bytes - this.#blocks[0]!.length >= KEPT_BYTES) {
      this.#bytes -= this.#blocks.shift()!.length;
    }
  }

  /** Whether a choice has told why it ended, and no other one is under way. */
  isFinished(): boolean {
    const finished = new Set<unknown>();
    const seen = new Set<unknown>();
    for (const choice of this.#choices()) {
      seen.add(choice['index']);
      if (typeof choice['finish_reason'] === 'string') finished.add(choice['index']);
    }
    return finished.size > 0 && finished.size === seen.size;
  }

  usage(): TokenUsage | undefined {
    for (const block of this.#blocks.toReversed()) {
      for (let at = lastName(block, USAGE); at > 0; at = lastName(block, USAGE, at - 1)) {
        const chunk = chunkAround(block, at);
        const usage = chunk && usageOf(chunk);
        if (usage !== undefined) return usage;
      }
    }
    return undefined;
  }

  /**
   * The chunk that a server left out which ended its only choice without a reason, as Text Generation Inference did
   * after calls; SDKs do not take such an answer for complete.
   *
   * @param hasCalls whether a choice has made calls
   */
  missingFinish(hasCalls: (choice: number) => boolean): JsonObject | undefined {
    if (this.#blocks.some(hasFinishReason)) return undefined;
    const indices = new Set(this.#choices().map(({ index }) => index ?? 0));
    const last = this.#chunks().findLast(({ choices }) => Array.isArray(choices) && choices.length > 0);
    const [index] = indices;
    if (last === undefined || indices.size > 1 || index !== 0) return undefined;
    const { id, object, created, model } = last;
    const choices = [{ index, delta: {}, finish_reason: hasCalls(index) ? 'tool_calls' : 'stop' }];
    return { id, object, created, model, choices };
  }

  #choices(): JsonObject[] {
    return this.#chunks().flatMap(({ choices }) =>
      Array.isArray(choices) ? choices.filter(isJsonObject) : [],
    );
  }

  #chunks(): JsonObject[] {
    const block = Buffer.concat(this.#blocks);
    const chunks: JsonObject[] = [];
    for (let start = 0; start < block.length;) {
      const end = endOfEvent(block, start);
      const chunk = chunkIn(block.subarray(start, end));
      if (chunk !== undefined) chunks.push(chunk);
      start = end;
    }
    return chunks;
  }
}

type Name = readonly [head: Buffer, tail: Buffer];

/** Whether a member `finish_reason` is there whose value is a string. */
function hasFinishReason(block: Buffer): boolean {
  const [head, tail] = FINISH_REASON;
  for (let at = block.indexOf(tail); at !== -1; at = block.indexOf(tail, at + 1)) {
    let value = at + tail.length;
    while (block[value] === SPACE || block[value] === COLON) value++;
    if (block[value] === QUOTE && isBefore(block, at, head)) return true;
  }
  return false;
}

/** Where the tail of the last such name stands that begins before `from`; -1 if there is none. */
function lastName(block: Buffer, [head, tail]: Name, from = block.length): number {
  let at = block.lastIndexOf(tail, from);
  while (at > 0 && !isBefore(block, at, head)) at = block.lastIndexOf(tail, at - 1);
  return at;
}

function isBefore(block: Buffer, at: number, bytes: Buffer): boolean {
  const start = at - bytes.length;
  return start >= 0 && block.compare(bytes, 0, bytes.length, start, at) === 0;
}

/** The chunk that a place stands in: in one line, or in several. */
function chunkAround(block: Buffer, at: number): JsonObject | undefined {
  const start = block.lastIndexOf(LINE_FEED, at) + 1;
  const line = chunkIn(block.subarray(start, block.indexOf(LINE_FEED, at)));
  if (line !== undefined) return line;
  const before = Math.max(block.lastIndexOf('\n\n', at) + 2, block.lastIndexOf('\n\r\n', at) + 3);
  return chunkIn(block.subarray(before < 4 ? 0 : before, endOfEvent(block, at)));
}

function chunkIn(event: Buffer): JsonObject | undefined {
  const { data } = readEvent(event.toString('utf8'));
  const value = data === undefined ? undefined : parseJson(data);
  return isJsonObject(value) ? value : undefined;
}
