import type { TokenUsage } from '../../../wire/openai/response.ts';
import { isJsonObject, type JsonObject } from '../../../wire/validation/structure-checks.ts';
import { usageOf } from './answer-edits.ts';
import { endOfEvent } from './event-blocks.ts';
import { readEvent } from './read-event.ts';

/** Blocks that are kept: a finish reason and the token counts come in the last two events, comments between them. */
const KEPT_BLOCKS = 4;
/** Chunks that are looked at. */
const READ_CHUNKS = 4;

/**
 * The end of a stream, for what has to be known of it once it is over: the side reader. Chunks are kept as bytes while
 * they pass and parsed only if somebody asks.
 */
export class StreamTail {
  #blocks: Buffer[] = [];
  #chunks: readonly JsonObject[] | undefined;

  /** Complete events that pass. */
  push(block: Buffer): void {
    this.#chunks = undefined;
    this.#blocks.push(block);
    if (this.#blocks.length > KEPT_BLOCKS) this.#blocks.shift();
  }

  /** Whether a choice has told why it ended. */
  hasFinish(): boolean {
    return this.#read().some(hasFinishReason);
  }

  usage(): TokenUsage | undefined {
    for (const chunk of this.#read()) {
      const usage = usageOf(chunk);
      if (usage !== undefined) return usage;
    }
    return undefined;
  }

  /**
   * The chunk that a server left out which ended its only choice without a reason, as Text Generation Inference did
   * after calls; SDKs do not take such an answer for complete.
   */
  missingFinish(): JsonObject | undefined {
    if (this.hasFinish()) return undefined;
    const last = this.#read().find(({ choices }) => Array.isArray(choices) && choices.length > 0);
    if (last === undefined) return undefined;
    const [choice] = last['choices'] as unknown[];
    const delta = isJsonObject(choice) ? choice['delta'] : undefined;
    const index = isJsonObject(choice) && typeof choice['index'] === 'number' ? choice['index'] : 0;
    if (index > 0) return undefined;
    const hasCalls = isJsonObject(delta) && Array.isArray(delta['tool_calls']);
    const { id, object, created, model } = last;
    const choices = [{ index, delta: {}, finish_reason: hasCalls ? 'tool_calls' : 'stop' }];
    return { id, object, created, model, choices };
  }

  /** The last chunks, the very last one first. */
  #read(): readonly JsonObject[] {
    this.#chunks ??= lastChunks(Buffer.concat(this.#blocks));
    return this.#chunks;
  }
}

function lastChunks(block: Buffer): JsonObject[] {
  const events: Buffer[] = [];
  for (let start = 0; start < block.length;) {
    const end = endOfEvent(block, start);
    events.push(block.subarray(start, end));
    start = end;
  }
  const chunks: JsonObject[] = [];
  for (let at = events.length - 1; at >= 0 && chunks.length < READ_CHUNKS; at--) {
    const { data } = readEvent(events[at]!.toString('utf8'));
    const chunk = data === undefined ? undefined : parse(data);
    if (chunk !== undefined) chunks.push(chunk);
  }
  return chunks;
}

function parse(data: string): JsonObject | undefined {
  try {
    const value = JSON.parse(data) as unknown;
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function hasFinishReason({ choices }: JsonObject): boolean {
  return (
    Array.isArray(choices) &&
    choices.some((choice) => isJsonObject(choice) && typeof choice['finish_reason'] === 'string')
  );
}
