/** What is looked at, and what is shown, in UTF-16 code units. */
const MAX_READ = 4096;
const MAX_SHOWN = 200;

/**
 * The first words of a body that nobody expected, on one line, without markup and control characters. Proxies answer
 * with whole HTML pages.
 */
export function excerptOf(body: string, contentType = ''): string {
  let text = body.slice(0, MAX_READ);
  if (contentType.includes('html') || /^\s*<[!a-z]/i.test(text)) {
    text = text
      .replace(/<(script|style)\b[^<]*(?:<(?!\/\1)[^<]*)*/gi, ' ')
      .replace(/<[^<>]*(?:>|$)/g, ' ')
      .replace(/&(?:[a-z]{1,8}|#\w{1,8});/gi, ' ');
  }
  const line = text.replace(/[\p{C}\s]+/gu, ' ').trim();
  return line.length > MAX_SHOWN ? `${line.slice(0, MAX_SHOWN).trim().toWellFormed()}…` : line;
}
