/**
 * Where the parts of JSON text stand, found without parsing it. The text must be one that `JSON.parse` has read: nothing
 * is checked again. Nesting of any depth takes no stack, and long strings cost next to nothing.
 */
import { endOfString } from './end-of-string.ts';

/** A member of an object in JSON text. Positions are indices of UTF-16 code units. */
export interface MemberSpan {
  /** Decoded: `"\u006dodel"` is `model`. */
  readonly name: string;
  /** Where the quote that opens the name stands. */
  readonly start: number;
  readonly valueStart: number;
  /** Behind the value's last character. White space around it does not belong to it. */
  readonly valueEnd: number;
}

/** An item of an array in JSON text. */
export interface ItemSpan {
  readonly start: number;
  /** Behind the item's last character. */
  readonly end: number;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const SPACE = 0x20;

/** Where the value begins that follows the white space at `from`. */
export function startOfValue(text: string, from = 0): number {
  let at = from;
  // Every control character that may stand outside of strings is white space.
  while (text.charCodeAt(at) <= SPACE) at++;
  return at;
}

/** The members of the object that opens at `at`, in their order. A name that is repeated is there as often. */
export function membersOf(text: string, at: number): MemberSpan[] {
  const members: MemberSpan[] = [];
  let start = startOfValue(text, at + 1);
  while (text.charCodeAt(start) === QUOTE) {
    const nameEnd = endOfString(text, start);
    const colon = startOfValue(text, nameEnd);
    const valueStart = startOfValue(text, colon + 1);
    const valueEnd = endOfValue(text, valueStart);
    members.push({ name: decodeName(text, start, nameEnd), start, valueStart, valueEnd });
    start = startOfNext(text, valueEnd);
  }
  return members;
}

/** The items of the array that opens at `at`. */
export function itemsOf(text: string, at: number): ItemSpan[] {
  const items: ItemSpan[] = [];
  let start = startOfValue(text, at + 1);
  while (start < text.length && text.charCodeAt(start) !== CLOSE_BRACKET) {
    const end = endOfValue(text, start);
    items.push({ start, end });
    start = startOfNext(text, end);
  }
  return items;
}

/** Where the next member or item begins behind the comma that follows `end`; the text's end when there is no comma. */
function startOfNext(text: string, end: number): number {
  const at = startOfValue(text, end);
  return text.charCodeAt(at) === COMMA ? startOfValue(text, at + 1) : text.length;
}

function decodeName(text: string, start: number, end: number): string {
  const name = text.slice(start + 1, end - 1);
  return name.includes('\\') ? (JSON.parse(text.slice(start, end)) as string) : name;
}

/** Behind the value that begins at `start`. */
function endOfValue(text: string, start: number): number {
  const code = text.charCodeAt(start);
  if (code === QUOTE) return endOfString(text, start);
  return code === OPEN_BRACE || code === OPEN_BRACKET ? endOfNested(text, start) : endOfWord(text, start);
}

function endOfNested(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at) - 1;
    else if (code === OPEN_BRACE || code === OPEN_BRACKET) depth++;
    else if ((code === CLOSE_BRACE || code === CLOSE_BRACKET) && --depth === 0) return at + 1;
  }
  return text.length;
}

/** Behind a number, `true`, `false` or `null`. */
function endOfWord(text: string, start: number): number {
  let at = start;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code <= SPACE || code === COMMA || code === CLOSE_BRACE || code === CLOSE_BRACKET) break;
  }
  return at;
}
