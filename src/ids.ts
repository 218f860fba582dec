const LETTERS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** Random text of base62 characters, for ids. 24 of them hold 142 bits. */
export function randomBase62(length = 24): string {
  let text = '';
  while (text.length < length) {
    for (const byte of crypto.getRandomValues(new Uint8Array(length))) {
      // Bytes from 248 up would favour the first letters.
      if (byte < 248 && text.length < length) text += LETTERS[byte % 62] ?? '';
    }
  }
  return text;
}

/** Id of a tool call whose upstream gave none. Contract section 7.5. */
export function newCallId(): string {
  return `call_${randomBase62()}`;
}
