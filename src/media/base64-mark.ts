import { randomBase62 } from '../ids.ts';

/**
 * Stands in JSON text for base64 that is put in its place while the text is sent. It is base64 itself, in whole groups
 * of four, so that whatever checks or copies a request takes it for a small medium; nobody can guess it.
 */
const MARK = `parlance${randomBase62(25)}`;
/** Enough for as many media as the largest body can hold. */
const DIGITS = 7;
const MARKS = new RegExp(`${MARK}(\\d{${DIGITS}})`);

export function base64Mark(index: number): string {
  return MARK + String(index).padStart(DIGITS, '0');
}

/** The texts around the marks, and in between, at every second place, the number of a mark. */
export function splitAtMarks(text: string): string[] {
  return text.split(MARKS);
}
