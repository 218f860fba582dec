export interface TopLevelEditorOptions {
  /** JSON texts that take the place of members' values, where those are strings. */
  readonly replace: Readonly<Record<string, string>>;
  /** Members whose values are remembered. */
  readonly keep: readonly string[];
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** Longest value that is remembered, and longest name that is looked at, in bytes. */
const MAX_KEPT = 64 * 1024;

/**
 * Exchanges and remembers members of a JSON object's first level while its bytes flow by, divided anywhere. What is
 * inside of deeper levels only counts as depth; strings are passed over whole.
 */
export class TopLevelEditor {
  readonly #options: TopLevelEditorOptions;
  readonly #kept = new Map<string, string>();
  #depth = 0;
  #isInString = false;
  /** The next byte belongs to an escape that the last chunk ended in. */
  #isEscaped = false;
  #isName = false;
  #hasEnded = false;
  /** Name of the member whose value is passing. */
  #member: string | undefined;
  /** Bytes of a name or a kept value so far; `undefined` while nothing is remembered. */
  #memory: Buffer[] | undefined;
  #memoryBytes = 0;
  /** What takes the place of the string that is passing. */
  #replacement: string | undefined;

  constructor(options: TopLevelEditorOptions) {
    this.#options = options;
  }

  /** Whether the object has been closed. */
  get isComplete(): boolean {
    return this.#hasEnded;
  }

  /** The JSON text of a remembered value. */
  kept(name: string): string | undefined {
    return this.#kept.get(name);
  }

  /** @returns the bytes that are to be sent for these */
  push(chunk: Buffer): Buffer {
    const out: Buffer[] = [];
    const search = new StringSearch(chunk);
    /** Where bytes begin that were not put out yet. */
    let from = 0;
    /** Where bytes begin that were not remembered yet. */
    let seen = 0;
    const remember = (end: number): void => {
      if (this.#memory !== undefined && end > seen) this.#remember(chunk.subarray(seen, end));
      seen = end;
    };
    for (let at = 0; at < chunk.length;) {
      if (this.#isInString) {
        at = this.#endOfString(search, at);
        if (this.#isInString) break;
        if (this.#isName) {
          remember(at);
          this.#endName();
        } else if (this.#replacement !== undefined) {
          out.push(Buffer.from(this.#replacement));
          from = at;
          this.#replacement = undefined;
        }
        continue;
      }
      const byte = chunk[at]!;
      switch (byte) {
        case QUOTE:
          this.#isInString = true;
          if (this.#depth !== 1) break;
          if (this.#member === undefined) {
            this.#isName = true;
            this.#memory = [];
            seen = at;
          } else {
            this.#replacement = this.#replacementOf(this.#member);
            if (this.#replacement !== undefined) out.push(chunk.subarray(from, at));
          }
          break;
        case COLON:
          if (this.#depth === 1 && this.#isKept()) {
            this.#memory = [];
            seen = at + 1;
          }
          break;
        case OPEN_BRACE:
        case OPEN_BRACKET:
          this.#depth++;
          break;
        case COMMA:
        case CLOSE_BRACE:
        case CLOSE_BRACKET:
          if (this.#depth === 1) {
            remember(at);
            this.#endMember();
          }
          if (byte !== COMMA && --this.#depth === 0) this.#hasEnded = true;
          break;
        default:
      }
      at++;
    }
    remember(chunk.length);
    if (this.#replacement === undefined) out.push(chunk.subarray(from));
    return out.length === 1 ? out[0]! : Buffer.concat(out);
  }

  /** Behind the string that is passing; the chunk's end, still inside of it, if it goes on. */
  #endOfString(search: StringSearch, start: number): number {
    const { length } = search.chunk;
    let at = this.#isEscaped ? start + 1 : start;
    this.#isEscaped = false;
    for (;;) {
      const quote = search.quote(at);
      const backslash = search.backslash(at);
      if (quote <= backslash) {
        this.#isInString = quote === length;
        return Math.min(quote + 1, length);
      }
      at = backslash + 2;
      this.#isEscaped = at > length;
      if (at >= length) return length;
    }
  }

  #replacementOf(member: string): string | undefined {
    return Object.hasOwn(this.#options.replace, member) ? this.#options.replace[member] : undefined;
  }

  #isKept(): boolean {
    return this.#member !== undefined && this.#options.keep.includes(this.#member);
  }

  #remember(bytes: Buffer): void {
    this.#memoryBytes += bytes.length;
    if (this.#memoryBytes > MAX_KEPT) this.#memory = undefined;
    else this.#memory?.push(Buffer.from(bytes));
  }

  #endName(): void {
    this.#isName = false;
    this.#member = parseName(this.#takeMemory());
  }

  #endMember(): void {
    const text = this.#takeMemory();
    if (this.#member !== undefined && this.#isKept()) {
      // Of a repeated name the last counts, also where its value is too long.
      if (text === '') this.#kept.delete(this.#member);
      else this.#kept.set(this.#member, text);
    }
    this.#member = undefined;
  }

  #takeMemory(): string {
    const text = this.#memory === undefined ? '' : Buffer.concat(this.#memory).toString('utf8');
    this.#memory = undefined;
    this.#memoryBytes = 0;
    return text;
  }
}

/** Where the next quote and the next backslash stand, each searched for again only once it has been passed. */
class StringSearch {
  readonly chunk: Buffer;
  #quote = -1;
  #backslash = -1;

  constructor(chunk: Buffer) {
    this.chunk = chunk;
  }

  /** The chunk's end if there is none. */
  quote(from: number): number {
    if (this.#quote < from) this.#quote = indexOf(this.chunk, QUOTE, from);
    return this.#quote;
  }

  /** The chunk's end if there is none. */
  backslash(from: number): number {
    if (this.#backslash < from) this.#backslash = indexOf(this.chunk, BACKSLASH, from);
    return this.#backslash;
  }
}

function indexOf(chunk: Buffer, byte: number, from: number): number {
  const at = chunk.indexOf(byte, from);
  return at === -1 ? chunk.length : at;
}

function parseName(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch {
    return '';
  }
}
