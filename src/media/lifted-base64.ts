import { isJsonObject } from '../wire/validation/structure-checks.ts';
import type { BodyPart } from '../upstream/composed-body.ts';
import { Base64Marks } from './base64-marks.ts';

/** Bytes that are handed on at once; a multiple of four, so that each piece is base64 by itself. */
const STEP = 64 * 1024;

/**
 * Base64 that was lifted out of the text of a request: it stays in the bytes in which it came, the only copy of it, and
 * goes to the upstream from there. In the text, and in all that is made of it, a mark stands in its place.
 */
export class LiftedBase64 {
  /** Of marks in the text. */
  readonly count: number;
  /** What the marks of the request look like, those of media that are fetched among them. */
  readonly marks: Base64Marks;
  #slices: readonly Buffer[] | undefined;

  /** @param slices in the order of their marks; each with whole groups of four characters */
  constructor(slices: readonly Buffer[], marks: Base64Marks) {
    this.count = slices.length;
    this.marks = marks;
    this.#slices = slices;
  }

  /** How many marks texts hold. */
  countIn(texts: readonly string[]): number {
    return texts.reduce((sum, text) => sum + (this.marks.split(text).length - 1) / 2, 0);
  }

  /** What a mark stands for, to be sent. */
  part(index: number): BodyPart {
    const slice = this.#held()[index]!;
    return { byteLength: slice.length, chunks: () => piecesOf(slice) };
  }

  /** The characters of a text without marks. */
  lengthOf(text: string): number {
    let length = 0;
    for (const piece of this.#piecesOf(text)) length += piece.length;
    return length;
  }

  /**
   * Base64 without marks, in pieces of whole groups of four characters, the last one excepted; as often as wanted, and
   * after the release too.
   */
  base64Of(text: string): Iterable<string> {
    const pieces = this.#piecesOf(text);
    return { [Symbol.iterator]: () => base64In(pieces) };
  }

  /** A JSON value without marks, for who does not send it on. A copy of all of it. */
  restore<T>(value: T): T {
    return this.count === 0 ? value : (this.#restore(value) as T);
  }

  /** Lets the bytes go, which others may still send. Nothing can be asked for any more. */
  release(): void {
    this.#slices = undefined;
  }

  /** @throws {Error} after the release: a mark would be sent */
  #held(): readonly Buffer[] {
    if (this.#slices === undefined) throw new Error('what was lifted out of this body was given up');
    return this.#slices;
  }

  #restore(value: unknown): unknown {
    if (typeof value === 'string') {
      const pieces = this.#piecesOf(value);
      return pieces.length === 1
        ? value
        : pieces.map((piece) => (typeof piece === 'string' ? piece : piece.toString('latin1'))).join('');
    }
    if (Array.isArray(value)) return value.map((item) => this.#restore(item));
    if (!isJsonObject(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, this.#restore(member)]));
  }

  /** The texts around the marks, and what these stand for. */
  #piecesOf(text: string): (string | Buffer)[] {
    if (this.count === 0) return [text];
    const slices = this.#held();
    return this.marks.split(text).map((piece, at) => (at % 2 === 0 ? piece : slices[Number(piece)]!));
  }
}

function* base64In(pieces: readonly (string | Buffer)[]): Generator<string, void, void> {
  for (const piece of pieces) {
    for (let at = 0; at < piece.length; at += STEP) {
      yield typeof piece === 'string' ? piece.slice(at, at + STEP) : piece.toString('latin1', at, at + STEP);
    }
  }
}

function* piecesOf(slice: Buffer): Generator<Buffer, void, void> {
  for (let at = 0; at < slice.length; at += STEP) yield slice.subarray(at, at + STEP);
}

/** Of requests without any. */
export const NOTHING_LIFTED = new LiftedBase64([], new Base64Marks());
