/** One piece of streamed call arguments, as Gemini sends it: a place and a value. Contract section 10.6. */
export interface PartialArgument {
  /** RFC 9535 singular path, such as `$.a.b[0].c`. */
  jsonPath: string;
  stringValue?: string;
  numberValue?: number;
  boolValue?: boolean;
  nullValue?: unknown;
  /** The same string goes on in a later piece. */
  willContinue?: boolean;
}

type Segment = string | number;

interface Container {
  closing: '}' | ']';
  hasMember: boolean;
  /** Members already written, so that none is written twice. */
  written: Set<Segment>;
}

/**
 * Writes path-addressed values as growing JSON text. Whatever arrives, and wherever it stops, the pieces up to
 * {@link end} concatenate to one valid JSON object. Contract section 10.6, rules 2 to 5.
 */
export class PartialArgumentsSerializer {
  /** The open containers, outermost first. Empty until the first output. */
  #stack: Container[] = [];
  /** Path of the leaf written last; its string may still be open. */
  #path: Segment[] = [];
  #stringIsOpen = false;
  #ended = false;

  /** The JSON text that one piece adds; empty for a place that is already closed. */
  push(argument: PartialArgument): string {
    const path = parsePath(argument.jsonPath);
    if (this.#ended || path === undefined) return '';
    if (this.#stringIsOpen && isSamePath(path, this.#path)) return this.#continueString(argument);
    const closed = this.#closeString();
    const entered = this.#enter(path);
    if (entered === undefined) return closed;
    return closed + entered + this.#value(argument);
  }

  /** Closes everything that is open; `{}` when nothing was written. */
  end(): string {
    if (this.#ended) return '';
    this.#ended = true;
    if (this.#stack.length === 0) return '{}';
    let text = this.#closeString();
    for (let container = this.#stack.pop(); container !== undefined; container = this.#stack.pop()) {
      text += container.closing;
    }
    return text;
  }

  #continueString({ stringValue, willContinue }: PartialArgument): string {
    const text = stringValue === undefined ? '' : escapeText(stringValue);
    return willContinue === true ? text : text + this.#closeString();
  }

  #closeString(): string {
    if (!this.#stringIsOpen) return '';
    this.#stringIsOpen = false;
    return '"';
  }

  /** Moves to `path`: leaves containers down to the common prefix, then opens what is missing. */
  #enter(path: readonly Segment[]): string | undefined {
    let common = 0;
    while (common < path.length - 1 && common < this.#path.length - 1 && path[common] === this.#path[common])
      common++;
    // The container at `common` is shared; refuse before anything is written if the member stands there already.
    const shared = this.#stack[common];
    const member = path[common] as Segment;
    if (shared !== undefined && (shared.written.has(member) || !accepts(shared, member))) return undefined;
    if (path.slice(common + 1).some((segment) => typeof segment === 'number' && segment !== 0))
      return undefined;

    let text = '';
    while (this.#stack.length > common + 1) text += this.#stack.pop()?.closing ?? '';
    if (this.#stack.length === 0) text += this.#open(path[0] as Segment);
    for (let depth = common; depth < path.length; depth++) {
      const segment = path[depth] as Segment;
      const container = this.#stack[depth] as Container;
      if (container.hasMember) text += ',';
      container.hasMember = true;
      container.written.add(segment);
      if (typeof segment === 'string') text += `${JSON.stringify(segment)}:`;
      const next = path[depth + 1];
      if (next !== undefined) text += this.#open(next);
    }
    this.#path = [...path];
    return text;
  }

  #open(firstMember: Segment): string {
    const isArray = typeof firstMember === 'number';
    this.#stack.push({ closing: isArray ? ']' : '}', hasMember: false, written: new Set() });
    return isArray ? '[' : '{';
  }

  #value({ stringValue, numberValue, boolValue, willContinue }: PartialArgument): string {
    if (stringValue !== undefined) {
      this.#stringIsOpen = willContinue === true;
      return `"${escapeText(stringValue)}${this.#stringIsOpen ? '' : '"'}`;
    }
    if (numberValue !== undefined) return JSON.stringify(numberValue);
    if (boolValue !== undefined) return String(boolValue);
    return 'null';
  }
}

/** An array takes its elements in order; an object takes names only. */
function accepts(container: Container, member: Segment): boolean {
  if (container.closing === '}') return typeof member === 'string';
  return member === container.written.size;
}

function escapeText(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

function isSamePath(left: readonly Segment[], right: readonly Segment[]): boolean {
  return left.length === right.length && left.every((segment, index) => segment === right[index]);
}

const PATH_SEGMENT = /\.([^.[\]'"]+)|\[(\d+)\]|\['((?:[^'\\]|\\.)*)'\]|\["((?:[^"\\]|\\.)*)"\]/y;

/** The segments of a singular path below an object; `undefined` for anything else. */
function parsePath(path: string): Segment[] | undefined {
  if (!path.startsWith('$')) return undefined;
  const segments: Segment[] = [];
  PATH_SEGMENT.lastIndex = 1;
  while (PATH_SEGMENT.lastIndex < path.length) {
    const match = PATH_SEGMENT.exec(path);
    if (match === null) return undefined;
    const [, name, index, single, double] = match;
    if (index !== undefined) segments.push(Number(index));
    else segments.push(name ?? unescapeName(single ?? double ?? ''));
  }
  return segments.length === 0 || typeof segments[0] === 'number' ? undefined : segments;
}

const NAME_ESCAPE = /\\(?:u([0-9a-fA-F]{4})|(.))/g;
const NAME_ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

/** RFC 9535 section 2.3.1.2: the escapes of a quoted name. */
function unescapeName(name: string): string {
  return name.replace(NAME_ESCAPE, (_, hex: string | undefined, char: string | undefined) =>
    hex === undefined
      ? (NAME_ESCAPES[char ?? ''] ?? char ?? '')
      : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
