import { GatewayError } from '../../../errors.ts';

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** Longest end of an event that two reads may divide: CR LF CR LF without its last byte. */
const MAX_PART_OF_END = 3;

const NOTHING = Buffer.alloc(0);

/**
 * Gathers the bytes of an event stream until an event is complete, so that a client is never sent a part of one. Lines
 * end in LF or CR LF. Nothing is decoded.
 */
export class EventBlocks {
  readonly #maxEventBytes: number;
  #held: Buffer[] = [];
  #heldBytes = 0;

  constructor({ maxEventBytes }: { readonly maxEventBytes: number }) {
    this.#maxEventBytes = maxEventBytes;
  }

  /**
   * @returns all events that are complete now, in one piece; empty when there are none
   * @throws {GatewayError} `bad_upstream_response` when an event is too large
   */
  push(chunk: Buffer): Buffer {
    if (this.#heldBytes === 0) return this.#split(chunk);
    // Only where an event ends is all that was held put together: a large event in many reads takes linear time.
    if (endOfEvents(chunk) === 0 && endOfEvents(this.#seam(chunk)) === 0) {
      this.#hold(chunk);
      return NOTHING;
    }
    this.#held.push(chunk);
    const whole = Buffer.concat(this.#held);
    this.#held = [];
    this.#heldBytes = 0;
    return this.#split(whole);
  }

  /** What no empty line has ended: an event whose server left the line out, or a piece of one. */
  rest(): Buffer {
    return Buffer.concat(this.#held);
  }

  #split(bytes: Buffer): Buffer {
    const end = endOfEvents(bytes);
    if (end === bytes.length) return bytes;
    this.#hold(bytes.subarray(end));
    return end === 0 ? NOTHING : bytes.subarray(0, end);
  }

  #hold(bytes: Buffer): void {
    this.#heldBytes += bytes.length;
    if (this.#heldBytes > this.#maxEventBytes) {
      throw new GatewayError(
        'bad_upstream_response',
        `The upstream sent an event of more than ${this.#maxEventBytes} bytes.`,
      );
    }
    this.#held.push(bytes);
  }

  /** The bytes around the place where what was held meets what has come. */
  #seam(chunk: Buffer): Buffer {
    const before: Buffer[] = [];
    for (let at = this.#held.length - 1, wanted = MAX_PART_OF_END; at >= 0 && wanted > 0; at--) {
      const piece = this.#held[at]!.subarray(-wanted);
      before.unshift(piece);
      wanted -= piece.length;
    }
    return Buffer.concat([...before, chunk.subarray(0, MAX_PART_OF_END)]);
  }
}

/** Where the last complete event ends; 0 when there is none. */
function endOfEvents(bytes: Buffer): number {
  // Nearly always a read ends where an event ends.
  const { length } = bytes;
  if (bytes[length - 1] === LINE_FEED && endsLine(bytes, length - 2)) return length;
  const bare = bytes.lastIndexOf('\n\n');
  const withReturn = bytes.lastIndexOf('\n\r\n');
  return Math.max(bare === -1 ? 0 : bare + 2, withReturn === -1 ? 0 : withReturn + 3);
}

/** Whether a line ends at this place, before an optional carriage return. */
function endsLine(bytes: Buffer, at: number): boolean {
  return bytes[at] === LINE_FEED || (bytes[at] === CARRIAGE_RETURN && bytes[at - 1] === LINE_FEED);
}

/** Where the event that begins at `start` ends, its empty line included. */
export function endOfEvent(block: Buffer, start: number): number {
  for (let at = block.indexOf(LINE_FEED, start); at !== -1; at = block.indexOf(LINE_FEED, at + 1)) {
    if (block[at + 1] === LINE_FEED) return at + 2;
    if (block[at + 1] === CARRIAGE_RETURN && block[at + 2] === LINE_FEED) return at + 3;
  }
  return block.length;
}
