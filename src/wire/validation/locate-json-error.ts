/** Where JSON text stops being JSON, and what could have stood there. */
export interface JsonErrorLocation {
  /** 1-based. */
  readonly line: number;
  /** 1-based, in UTF-16 code units. */
  readonly column: number;
  readonly expected: string;
}

const WHITESPACE = /[ \t\n\r]*/y;
const LITERAL = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Finds the first error of JSON text (RFC 8259). Engines word and place their own messages differently, and some
 * quote the text; this says the same everywhere and quotes nothing. `undefined` when the text is JSON.
 */
export function locateJsonError(text: string): JsonErrorLocation | undefined {
  const scanner = new JsonScanner(text);
  scanner.scan();
  const { expected, offset } = scanner;
  return expected === undefined ? undefined : { ...lineAndColumn(text, offset), expected };
}

function lineAndColumn(text: string, offset: number): { line: number; column: number } {
  let line = 1;
  let lineStart = 0;
  for (let feed = text.indexOf('\n'); feed !== -1 && feed < offset; feed = text.indexOf('\n', feed + 1)) {
    line++;
    lineStart = feed + 1;
  }
  return { line, column: offset - lineStart + 1 };
}

/** Reads JSON without building values; stops at the first thing that may not stand where it stands. */
class JsonScanner {
  readonly #text: string;
  readonly #closers: string[] = [];
  offset = 0;
  /** What should have stood at {@link offset}; `undefined` while all is well. */
  expected: string | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  scan(): void {
    while (this.#value() && this.#commaAfterValue());
  }

  /** Reads a scalar, or opens containers up to the first scalar or empty container inside. */
  #value(): boolean {
    for (;;) {
      const next = this.#next();
      if (next !== '{' && next !== '[') return this.#scalar(next);
      const closer = next === '{' ? '}' : ']';
      this.#closers.push(closer);
      this.offset++;
      if (this.#next() === closer) return true;
      if (closer === '}' && !this.#memberName()) return false;
    }
  }

  /** Closes what ends here. True when a comma announces another value, which is then the next thing to read. */
  #commaAfterValue(): boolean {
    for (;;) {
      const next = this.#next();
      const closer = this.#closers.at(-1);
      if (closer === undefined) return next === undefined ? false : this.#fail('the end of the text');
      if (next !== ',' && next !== closer) return this.#fail(`"," or "${closer}"`);
      this.offset++;
      if (next === ',') return closer === ']' || this.#memberName();
      this.#closers.pop();
    }
  }

  #memberName(): boolean {
    if (this.#next() !== '"') return this.#fail('a member name in double quotes');
    if (!this.#string()) return false;
    if (this.#next() !== ':') return this.#fail('":"');
    this.offset++;
    return true;
  }

  #scalar(first: string | undefined): boolean {
    if (first === '"') return this.#string();
    return this.#skip(LITERAL) || this.#fail('a JSON value');
  }

  #string(): boolean {
    this.offset++;
    for (;;) {
      const code = this.#text.charCodeAt(this.offset);
      if (Number.isNaN(code)) return this.#fail('a closing double quote');
      if (code < SPACE) return this.#fail('an escape such as \\n instead of a raw control character');
      if (code === BACKSLASH) {
        if (!this.#skip(ESCAPE)) return this.#fail('a valid escape after the backslash');
      } else {
        this.offset++;
        if (code === QUOTE) return true;
      }
    }
  }

  /** The character after white space, which is skipped. */
  #next(): string | undefined {
    this.#skip(WHITESPACE);
    return this.#text[this.offset];
  }

  #skip(pattern: RegExp): boolean {
    pattern.lastIndex = this.offset;
    if (!pattern.test(this.#text)) return false;
    this.offset = pattern.lastIndex;
    return true;
  }

  #fail(expected: string): false {
    this.expected = expected;
    return false;
  }
}
