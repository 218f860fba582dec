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
    /** Where bytes begin that were not put out yet. */
    let from = 0;
    /** Where bytes begin that were not remembered yet. */
    let seen = 0;
    let at = 0;
    // Searched again only once it has been passed: base64 has no backslash at all.
    let backslash = -2;
    const remember = (end: number): void => {
      if (this.#memory !== undefined && end > seen) this.#remember(chunk.subarray(seen, end));
      seen = end;
    };
    while (at < chunk.length) {
      if (this.#isInString) {
        if (this.#isEscaped) {
          this.#isEscaped = false;
          at++;
          continue;
        }
        const quote = chunk.indexOf(QUOTE, at);
        if (backslash !== -1 && backslash < at) backslash = chunk.indexOf(BACKSLASH, at);
        if (backslash !== -1 && (quote === -1 || backslash < quote)) {
          at = backslash + 1;
          this.#isEscaped = true;
          continue;
        }
        if (quote === -1) {
          at = chunk.length;
          break;
        }
        at = quote + 1;
        this.#isInString = false;
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
          if (this.#depth === 1 && this.#member === undefined) {
            this.#isName = true;
            this.#memory = [];
            seen = at;
          } else if (this.#depth === 1) {
            this.#replacement = this.#member === undefined ? undefined : this.#options.replace[this.#member];
            if (this.#replacement !== undefined) out.push(chunk.subarray(from, at));
          }
          break;
        case COLON:
          if (this.#depth === 1 && this.#member !== undefined && this.#options.keep.includes(this.#member)) {
            this.#memory = [];
            this.#memoryBytes = 0;
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
    if (this.#member !== undefined && text !== '') this.#kept.set(this.#member, text);
    this.#member = undefined;
  }

  #takeMemory(): string {
    const text = this.#memory === undefined ? '' : Buffer.concat(this.#memory).toString('utf8');
    this.#memory = undefined;
    this.#memoryBytes = 0;
    return text;
  }
}

function parseName(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch {
    return '';
  }
}
