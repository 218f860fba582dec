/**
 * Text of a client for a message or a header: visible ASCII and spaces only, so that it cannot break a line, and cut
 * at `maxLength` characters.
 */
export function printableText(text: string, maxLength: number): string {
  const clean = text.replace(/[^\x20-\x7e]/g, '?');
  return clean.length > maxLength ? `${clean.slice(0, maxLength - 3)}...` : clean;
}
