const LETTERS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** Random bytes are drawn in bulk: one by one they are a measurable part of a request. */
const pool = new Uint8Array(4096);
let used = pool.length;

function randomByte(): number {
  if (used === pool.length) {
    crypto.getRandomValues(pool);
    used = 0;
  }
  return pool[used++] ?? 0;
}

/** Random text of base62 characters, for ids. 24 of them hold 142 bits. */
export function randomBase62(length = 24): string {
  let text = '';
  while (text.length < length) {
    const byte = randomByte();
    // Bytes from 248 up would favour the first letters.
    if (byte < 248) text += LETTERS[byte % 62] ?? '';
  }
  return text;
}

/** Id of a tool call whose upstream gave none. Contract section 7.5. */
export function newCallId(): string {
  return `call_${randomBase62()}`;
}
