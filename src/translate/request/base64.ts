const OUTSIDE_ALPHABETS = /[^A-Za-z0-9+/_-]/;
const URL_ALPHABET = /[-_]/;

/**
 * Base64 in the standard alphabet with padding (RFC 4648 section 4), from that or from base64url, padded or not.
 * Text that already has this form comes back itself, so that megabytes of media are not copied.
 *
 * @returns `undefined` when `text` is empty or no base64
 */
export function normalizeBase64(text: string): string | undefined {
  // A search for the first odd character: V8 runs a repeated class over megabytes out of its backtracking stack.
  const end = text.search(OUTSIDE_ALPHABETS);
  const digits = end === -1 ? text.length : end;
  const padding = text.length - digits;
  if (digits === 0 || digits % 4 === 1) return undefined;
  const fullPadding = (4 - (digits % 4)) % 4;
  if (padding > 0 && text.slice(digits) !== '='.repeat(fullPadding)) return undefined;
  const standard = URL_ALPHABET.test(text) ? text.replaceAll('-', '+').replaceAll('_', '/') : text;
  return padding === fullPadding ? standard : standard + '='.repeat(fullPadding);
}
