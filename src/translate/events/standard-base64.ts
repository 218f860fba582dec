const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;

/**
 * Base64 of either alphabet, padded or not, in the standard alphabet with padding; `undefined` for anything else.
 * RFC 4648 sections 4 and 5: proto3 JSON allows all forms.
 */
export function toStandardBase64(text: string): string | undefined {
  if (!BASE64.test(text)) return undefined;
  if (text.length % 4 === 0 && !/[-_]/.test(text)) return text;
  const digits = text.replaceAll('-', '+').replaceAll('_', '/').replace(/=+$/, '');
  if (digits.length % 4 === 1) return undefined;
  return digits.padEnd(Math.ceil(digits.length / 4) * 4, '=');
}
