/** A reader of llama.cpp's GBNF for tests: strict about what the engine refuses. */

export type GbnfElement =
  | {
      readonly kind: 'set';
      readonly negated: boolean;
      readonly ranges: readonly (readonly [number, number])[];
    }
  | { readonly kind: 'rule'; readonly name: string }
  | { readonly kind: 'group'; readonly options: GbnfOptions }
  /** `max` may be `Infinity`. */
  | { readonly kind: 'repeat'; readonly body: GbnfElement; readonly min: number; readonly max: number };

/** Alternatives, each a sequence. */
export type GbnfOptions = readonly (readonly GbnfElement[])[];

export type GbnfGrammar = ReadonlyMap<string, GbnfOptions>;

/** @throws {Error} on any text the engine would refuse, and on rules that are missing or defined twice */
export function parseGbnf(text: string): GbnfGrammar {
  const grammar = new Map<string, GbnfOptions>();
  const used = new Set<string>();
  for (const line of text.split('\n').filter(Boolean)) {
    const [, name, body] = /^([a-zA-Z0-9-]+) ::= (.*)$/u.exec(line) ?? [];
    if (name === undefined || body === undefined) throw new Error(`not a rule: ${line}`);
    if (grammar.has(name)) throw new Error(`defined twice: ${name}`);
    grammar.set(name, new LineParser(body, used).parse());
  }
  for (const name of ['root', ...used]) if (!grammar.has(name)) throw new Error(`undefined rule: ${name}`);
  return grammar;
}

class LineParser {
  readonly #text: string;
  readonly #used: Set<string>;
  #at = 0;

  constructor(text: string, used: Set<string>) {
    this.#text = text;
    this.#used = used;
  }

  parse(): GbnfOptions {
    const options = this.#options();
    if (this.#at < this.#text.length) this.#fail('unexpected text');
    return options;
  }

  #options(): GbnfOptions {
    const options = [this.#sequence()];
    while (this.#takeIf('|')) options.push(this.#sequence());
    return options;
  }

  #sequence(): GbnfElement[] {
    const elements: GbnfElement[] = [];
    for (;;) {
      this.#space();
      const element = this.#element();
      if (element === undefined) return elements;
      elements.push(this.#repeated(element));
    }
  }

  #element(): GbnfElement | undefined {
    if (this.#takeIf('"')) return this.#literal();
    if (this.#takeIf('[')) return this.#class();
    if (this.#takeIf('(')) {
      const options = this.#options();
      if (!this.#takeIf(')')) this.#fail('a group is not closed');
      return { kind: 'group', options };
    }
    const name = this.#match(/[a-zA-Z0-9-]+/y);
    if (name === undefined) return undefined;
    this.#used.add(name);
    return { kind: 'rule', name };
  }

  #literal(): GbnfElement {
    const sequence: GbnfElement[] = [];
    while (!this.#takeIf('"')) {
      const code = this.#character();
      sequence.push({ kind: 'set', negated: false, ranges: [[code, code]] });
    }
    return { kind: 'group', options: [sequence] };
  }

  #class(): GbnfElement {
    const negated = this.#takeIf('^');
    const ranges: [number, number][] = [];
    while (!this.#takeIf(']')) {
      const low = this.#character();
      const isRange = this.#text[this.#at] === '-' && this.#text[this.#at + 1] !== ']';
      if (isRange) this.#at += 1;
      const high = isRange ? this.#character() : low;
      if (low > high) this.#fail('a range is out of order');
      ranges.push([low, high]);
    }
    if (ranges.length === 0) this.#fail('a class is empty');
    return { kind: 'set', negated, ranges };
  }

  #character(): number {
    const hex = this.#match(/\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})/y);
    if (hex !== undefined) return Number.parseInt(hex.slice(2), 16);
    const escape = this.#match(/\\[nrt"\\[\]]/y);
    if (escape !== undefined) return { n: 10, r: 13, t: 9 }[escape.slice(1)] ?? escape.charCodeAt(1);
    const character = this.#match(/[^\\]/uy);
    if (character === undefined) return this.#fail('a character is missing');
    return character.codePointAt(0) ?? 0;
  }

  #repeated(body: GbnfElement): GbnfElement {
    const mark = this.#match(/[*+?]|\{\d+(?:,\d*)?\}/y);
    if (mark === undefined) return body;
    if (mark === '*') return { kind: 'repeat', body, min: 0, max: Infinity };
    if (mark === '+') return { kind: 'repeat', body, min: 1, max: Infinity };
    if (mark === '?') return { kind: 'repeat', body, min: 0, max: 1 };
    const [min = '', max] = mark.slice(1, -1).split(',');
    const counts = [
      Number(min),
      max === undefined ? Number(min) : max === '' ? Infinity : Number(max),
    ] as const;
    if (counts[0] > counts[1]) this.#fail('a repetition is out of order');
    if (Math.max(...counts.filter(Number.isFinite)) >= 2000)
      this.#fail('a repetition is too large for the engine');
    return { kind: 'repeat', body, min: counts[0], max: counts[1] };
  }

  #space(): void {
    this.#match(/ +/y);
  }

  #takeIf(text: string): boolean {
    const found = this.#text.startsWith(text, this.#at);
    if (found) this.#at += text.length;
    return found;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  #fail(problem: string): never {
    throw new Error(`${problem} at ${this.#at} of ${this.#text}`);
  }
}
