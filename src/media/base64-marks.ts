import { randomBase62 } from '../ids.ts';

const DIGITS = 7;

/**
 * What stands in the JSON text of one request for base64 that is put in its place while the text is sent. A mark is
 * base64 itself, in whole groups of four, so that whatever checks or copies a request takes it for a small medium. Nobody
 * can guess it, and no other request has the same.
 */
export class Base64Marks {
  readonly #mark = `parlance${randomBase62(25)}`;
  readonly #marks = new RegExp(`${this.#mark}(\\d{${DIGITS}})`);

  /** @param index below ten million, more than the largest body has room for */
  at(index: number): string {
    return this.#mark + String(index).padStart(DIGITS, '0');
  }

  /** The texts around the marks, and in between, at every second place, the number of a mark. */
  split(text: string): string[] {
    return text.split(this.#marks);
  }
}
