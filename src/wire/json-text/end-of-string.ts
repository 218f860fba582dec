const BACKSLASH = 0x5c;

/** Behind the closing quote of the string that opens at `start` of JSON text; the text's end if it never closes. */
export function endOfString(text: string, start: number): number {
  // The engine searches many characters at once, which a loop of ours cannot.
  for (let quote = text.indexOf('"', start + 1); quote !== -1; quote = text.indexOf('"', quote + 1)) {
    let escapes = 0;
    while (text.charCodeAt(quote - 1 - escapes) === BACKSLASH) escapes++;
    if (escapes % 2 === 0) return quote + 1;
  }
  return text.length;
}
