import { Base64Marks } from './base64-marks.ts';
import { LiftedBase64, NOTHING_LIFTED } from './lifted-base64.ts';

/** JSON text, and what was lifted out of it. */
export interface LiftedText {
  readonly text: string;
  readonly lifted: LiftedBase64;
}

/** What is shorter is not worth it, in bytes. */
const MIN_LENGTH = 64 * 1024;

/** Characters that stay in the text: a medium's type is recognised by them. A multiple of four. */
const HEAD = 64;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const PADDING = 0x3d;

/** Which two bytes are digits of base64 both. RFC 4648 section 4. */
const ARE_DIGITS = new Uint8Array(0x1_00_00);
const DIGITS = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');
for (const one of DIGITS) for (const other of DIGITS) ARE_DIGITS[one | (other << 8)] = 1;

/**
 * The text of a JSON body with marks in the place of large media: the values of `data` and `file_data`, and all data
 * URIs. Only base64 in the form in which it can be sent on is lifted, so that the text and all that is made of it are
 * right as soon as the marks are replaced. Whatever else the bytes are, they are decoded as they are.
 *
 * @param bytes in UTF-8
 */
export function liftBase64(bytes: Buffer): LiftedText {
  const slices: Buffer[] = [];
  let marks: Base64Marks | undefined;
  let text = '';
  let done = 0;
  for (const { start, end } of longStretches(bytes)) {
    const data = startOfData(bytes, start);
    if (data === undefined || !isCanonical(bytes, data, end)) continue;
    const lift = data + HEAD;
    marks ??= new Base64Marks();
    text += bytes.toString('utf8', done, lift) + marks.at(slices.length);
    slices.push(bytes.subarray(lift, end));
    done = end;
  }
  text += bytes.toString('utf8', done);
  return { text, lifted: marks === undefined ? NOTHING_LIFTED : new LiftedBase64(slices, marks) };
}

interface Stretch {
  readonly start: number;
  readonly end: number;
}

/** What stands between two quotes that are far enough from each other. Most of the other bytes are not looked at. */
function* longStretches(bytes: Buffer): Generator<Stretch, void, void> {
  let start = bytes.indexOf(QUOTE) + 1;
  while (start > 0 && start + MIN_LENGTH < bytes.length) {
    const last = bytes.subarray(start, start + MIN_LENGTH).lastIndexOf(QUOTE);
    if (last !== -1) {
      start += last + 1;
      continue;
    }
    const end = bytes.indexOf(QUOTE, start + MIN_LENGTH);
    if (end === -1) return;
    yield { start, end };
    start = end + 1;
  }
}

const URI_HEAD = /^data:[^,\\]*;base64,/;
const MEMBER_HEAD = /"(?:data|file_data)"\s*:\s*"$/;

/** Where the base64 of a stretch begins; `undefined` for one that is no large medium. */
function startOfData(bytes: Buffer, start: number): number | undefined {
  // A string in a string: whoever reads it would find the mark.
  if (bytes[start - 2] === BACKSLASH) return undefined;
  const uri = URI_HEAD.exec(bytes.toString('latin1', start, start + 256));
  if (uri !== null) return start + uri[0].length;
  return MEMBER_HEAD.test(bytes.toString('latin1', Math.max(0, start - 64), start)) ? start : undefined;
}

/**
 * Bytes are looked at here, two at a time: in pairs they take half the time, and where they came from a small part of it,
 * since memory that could change its size is slow to read byte by byte.
 */
const BLOCK = Buffer.alloc(64 * 1024);
const PAIRS = new Uint16Array(BLOCK.buffer, BLOCK.byteOffset, BLOCK.length / 2);

/** Whether it is base64 in the standard alphabet, padded. */
function isCanonical(bytes: Buffer, start: number, end: number): boolean {
  if ((end - start) % 4 !== 0 || end - start < MIN_LENGTH / 2) return false;
  let last = end;
  if (bytes[last - 1] === PADDING) last--;
  if (bytes[last - 1] === PADDING) last--;
  for (let at = start; at < last; at += BLOCK.length) {
    const length = bytes.copy(BLOCK, 0, at, Math.min(at + BLOCK.length, last));
    // What stands behind an odd length is from before.
    if (length % 2 === 1) BLOCK[length] = BLOCK[0]!;
    if (!areDigits(Math.ceil(length / 2))) return false;
  }
  return true;
}

function areDigits(pairs: number): boolean {
  let all = 1;
  for (let at = 0; at < pairs; at++) all &= ARE_DIGITS[PAIRS[at]!]!;
  return all === 1;
}
