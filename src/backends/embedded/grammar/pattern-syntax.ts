/** Parser for the part of ECMAScript's regular expressions (Unicode mode) that describes a regular language. */
import {
  charactersOf,
  codePointSet,
  complementOfSet,
  unionOfSets,
  type CodePointSet,
} from './code-point-set.ts';

export type PatternNode =
  | { readonly kind: 'set'; readonly set: CodePointSet }
  | { readonly kind: 'sequence'; readonly parts: readonly PatternNode[] }
  | { readonly kind: 'choice'; readonly options: readonly PatternNode[] }
  /** `max` may be `Infinity`. */
  | { readonly kind: 'repeat'; readonly body: PatternNode; readonly min: number; readonly max: number }
  | { readonly kind: 'start' }
  | { readonly kind: 'end' }
  | { readonly kind: 'lookahead'; readonly negative: boolean; readonly body: PatternNode };

/** A pattern that has no automaton, and why. */
export class PatternError extends Error {
  override readonly name = 'PatternError';
  readonly kind: 'unsupported' | 'invalid' | 'too_complex';

  constructor(kind: PatternError['kind'], message: string) {
    super(message);
    this.kind = kind;
  }
}

const MAX_GROUP_DEPTH = 50;

const DIGITS = codePointSet([[0x30, 0x39]]);
const WORD_CHARACTERS = unionOfSets([
  DIGITS,
  charactersOf('_'),
  codePointSet([[0x41, 0x5a]]),
  codePointSet([[0x61, 0x7a]]),
]);
const LINE_ENDS = charactersOf('\n\r\u2028\u2029');
const WHITE_SPACE = unionOfSets([
  LINE_ENDS,
  charactersOf('\t\v\f \u00a0\u1680\u202f\u205f\u3000\ufeff'),
  codePointSet([[0x2000, 0x200a]]),
]);

const CLASS_ESCAPES: Readonly<Record<string, CodePointSet>> = {
  d: DIGITS,
  D: complementOfSet(DIGITS),
  w: WORD_CHARACTERS,
  W: complementOfSet(WORD_CHARACTERS),
  s: WHITE_SPACE,
  S: complementOfSet(WHITE_SPACE),
};

const CONTROL_ESCAPES: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13 };

/** @throws {PatternError} when the pattern is malformed or uses what no finite automaton can express */
export function parsePattern(source: string): PatternNode {
  return new PatternParser(source).parse();
}

class PatternParser {
  readonly #characters: readonly string[];
  #at = 0;
  #depth = 0;

  constructor(source: string) {
    this.#characters = Array.from(source);
  }

  parse(): PatternNode {
    const node = this.#choice();
    if (this.#at < this.#characters.length) throw new PatternError('invalid', 'it has an unmatched ")"');
    return node;
  }

  #peek(offset = 0): string {
    return this.#characters[this.#at + offset] ?? '';
  }

  #take(): string {
    const character = this.#peek();
    this.#at += 1;
    return character;
  }

  #takeIf(text: string): boolean {
    const found = Array.from(text).every((character, offset) => this.#peek(offset) === character);
    if (found) this.#at += text.length;
    return found;
  }

  #choice(): PatternNode {
    const options = [this.#sequence()];
    while (this.#takeIf('|')) options.push(this.#sequence());
    const [only] = options;
    return options.length === 1 && only !== undefined ? only : { kind: 'choice', options };
  }

  #sequence(): PatternNode {
    const parts: PatternNode[] = [];
    while (this.#at < this.#characters.length && this.#peek() !== '|' && this.#peek() !== ')') {
      parts.push(this.#quantified(this.#atom()));
    }
    return { kind: 'sequence', parts };
  }

  #atom(): PatternNode {
    const character = this.#take();
    switch (character) {
      case '^':
        return { kind: 'start' };
      case '$':
        return { kind: 'end' };
      case '.':
        return { kind: 'set', set: complementOfSet(LINE_ENDS) };
      case '(':
        return this.#group();
      case '[':
        return { kind: 'set', set: this.#class() };
      case '\\':
        return { kind: 'set', set: this.#escape(false) };
      case '*':
      case '+':
      case '?':
        throw new PatternError('invalid', `"${character}" has nothing to repeat`);
      default:
        return { kind: 'set', set: charactersOf(character) };
    }
  }

  #group(): PatternNode {
    this.#depth += 1;
    if (this.#depth > MAX_GROUP_DEPTH) {
      throw new PatternError('too_complex', `its groups nest deeper than ${MAX_GROUP_DEPTH}`);
    }
    const wrap = this.#groupKind();
    const body = this.#choice();
    if (!this.#takeIf(')')) throw new PatternError('invalid', 'a group is not closed');
    this.#depth -= 1;
    return wrap(body);
  }

  /** Reads what follows `(`, and says what to make of the group's body. */
  #groupKind(): (body: PatternNode) => PatternNode {
    if (!this.#takeIf('?') || this.#takeIf(':')) return asItIs;
    if (this.#takeIf('=')) return (body) => ({ kind: 'lookahead', negative: false, body });
    if (this.#takeIf('!')) return (body) => ({ kind: 'lookahead', negative: true, body });
    if (this.#peek() === '<' && this.#peek(1) !== '=' && this.#peek(1) !== '!') {
      while (this.#at < this.#characters.length) if (this.#take() === '>') return asItIs;
      throw new PatternError('invalid', 'a group name is not closed');
    }
    throw new PatternError('unsupported', `the group "(?${this.#peek()}…" cannot be enforced`);
  }

  #quantified(atom: PatternNode): PatternNode {
    const bounds = this.#quantifier();
    if (bounds === undefined) return atom;
    if (atom.kind === 'start' || atom.kind === 'end')
      throw new PatternError('invalid', 'an anchor cannot be repeated');
    if (atom.kind === 'lookahead')
      throw new PatternError('unsupported', 'a repeated lookahead cannot be enforced');
    // A lazy quantifier matches the same texts; only captures would differ.
    this.#takeIf('?');
    const [min, max] = bounds;
    if (min > max) throw new PatternError('invalid', `the quantifier {${min},${max}} is out of order`);
    return { kind: 'repeat', body: atom, min, max };
  }

  #quantifier(): readonly [number, number] | undefined {
    if (this.#takeIf('*')) return [0, Infinity];
    if (this.#takeIf('+')) return [1, Infinity];
    if (this.#takeIf('?')) return [0, 1];
    if (this.#peek() !== '{') return undefined;
    const rest = this.#characters.slice(this.#at, this.#at + 24).join('');
    const match = /^\{(\d{1,9})(,?)(\d{0,9})\}/.exec(rest);
    // As in the web's legacy grammar, a brace that starts no quantifier stands for itself.
    if (match === null) return undefined;
    this.#at += match[0].length;
    const min = Number(match[1]);
    if (match[2] === '') return [min, min];
    return [min, match[3] === '' ? Infinity : Number(match[3])];
  }

  #class(): CodePointSet {
    const negated = this.#takeIf('^');
    const members: CodePointSet[] = [];
    while (!this.#takeIf(']')) {
      const low = this.#classMember();
      if (this.#peek() === '-' && this.#peek(1) !== ']' && this.#peek(1) !== '') {
        this.#take();
        members.push(this.#classRange(low, this.#classMember()));
      } else {
        members.push(low);
      }
    }
    const set = unionOfSets(members);
    return negated ? complementOfSet(set) : set;
  }

  #classMember(): CodePointSet {
    const character = this.#take();
    if (character === '') throw new PatternError('invalid', 'a character class is not closed');
    return character === '\\' ? this.#escape(true) : charactersOf(character);
  }

  #classRange(low: CodePointSet, high: CodePointSet): CodePointSet {
    const from = singleMember(low);
    const to = singleMember(high);
    // As in the web's legacy grammar, a dash next to a class such as \w stands for itself.
    if (from === undefined || to === undefined) return unionOfSets([low, charactersOf('-'), high]);
    if (from > to) throw new PatternError('invalid', 'a range in a character class is out of order');
    return codePointSet([[from, to]]);
  }

  #escape(inClass: boolean): CodePointSet {
    const letter = this.#take();
    const set = Object.hasOwn(CLASS_ESCAPES, letter) ? CLASS_ESCAPES[letter] : undefined;
    if (set !== undefined) return set;
    const control = Object.hasOwn(CONTROL_ESCAPES, letter) ? CONTROL_ESCAPES[letter] : undefined;
    if (control !== undefined) return codePointSet([[control, control]]);
    if (letter === 'b' && inClass) return codePointSet([[8, 8]]);
    if (letter === '0' && !/\d/.test(this.#peek())) return codePointSet([[0, 0]]);
    if (letter === 'x') return this.#hex(2);
    if (letter === 'u') return this.#unicodeEscape();
    if (letter === 'c' && /[a-zA-Z]/.test(this.#peek())) {
      const code = (this.#take().codePointAt(0) ?? 0) % 32;
      return codePointSet([[code, code]]);
    }
    if (letter === '') throw new PatternError('invalid', 'it ends in a backslash');
    if (/[1-9k]/.test(letter)) throw new PatternError('unsupported', 'a back reference cannot be enforced');
    if (/[a-zA-Z0]/.test(letter))
      throw new PatternError('unsupported', `the escape "\\${letter}" cannot be enforced`);
    return charactersOf(letter);
  }

  #hex(digits: number): CodePointSet {
    const text = this.#characters.slice(this.#at, this.#at + digits).join('');
    if (!/^[0-9a-fA-F]+$/.test(text) || text.length !== digits) {
      throw new PatternError('invalid', `an escape needs ${digits} hexadecimal digits`);
    }
    this.#at += digits;
    const code = Number.parseInt(text, 16);
    return codePointSet([[code, code]]);
  }

  #unicodeEscape(): CodePointSet {
    const rest = this.#characters.slice(this.#at, this.#at + 16).join('');
    const braced = /^\{([0-9a-fA-F]{1,8})\}/.exec(rest);
    const pair = /^([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})/.exec(rest);
    if (braced === null && pair === null) return this.#hex(4);
    this.#at += (braced ?? pair)?.[0].length ?? 0;
    const code =
      braced === null
        ? String.fromCharCode(
            Number.parseInt(pair?.[1] ?? '', 16),
            Number.parseInt(pair?.[2] ?? '', 16),
          ).codePointAt(0)
        : Number.parseInt(braced[1] ?? '', 16);
    if (code === undefined || code > 0x10ffff)
      throw new PatternError('invalid', 'an escape names no code point');
    return codePointSet([[code, code]]);
  }
}

/** Groups that capture nothing of interest. */
function asItIs(body: PatternNode): PatternNode {
  return body;
}

function singleMember(set: CodePointSet): number | undefined {
  const [range] = set;
  return set.length === 1 && range !== undefined && range[0] === range[1] ? range[0] : undefined;
}
