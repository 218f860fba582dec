/** Characters that a terminal obeys or hides, such as escape sequences and marks that turn the direction of writing. */
const CONTROL = /\p{C}/gu;

/** Text of anybody, such as a name, for a line on a terminal. What a terminal would obey becomes `?`. */
export function terminalText(text: string): string {
  return text.replaceAll(CONTROL, '?');
}

/**
 * JSON for terminals and programs, with a line break at its end. What a terminal would obey is escaped, so that it reads
 * as the same.
 */
export function terminalJson(value: unknown, indentation?: number): string {
  const json = JSON.stringify(value, null, indentation);
  return `${json.replaceAll(CONTROL, (character) => (character === '\n' ? character : escape(character)))}\n`;
}

function escape(character: string): string {
  const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}
