/** Escapes that a pattern in Unicode mode may have: letters, digits, and the characters with a meaning. */
const KNOWN_ESCAPE = /[A-Za-z0-9^$\\.*+?()[\]{}|/]/;

/**
 * A `pattern` as ECMA-262 reads it in Unicode mode, which JSON Schema asks for. That mode refuses an escape of a
 * character that needs none, such as `\-` or `\@`, which other languages allow and people write: it becomes the
 * character itself.
 *
 * @returns `undefined` for what is no regular expression
 */
export function ecmaPattern(pattern: string): string | undefined {
  const portable = pattern.replaceAll(/\\([\s\S])/gu, (escape, character: string) => {
    if (KNOWN_ESCAPE.test(character)) return escape;
    // Between brackets a bare one would make a range.
    return character === '-' ? String.raw`\x2d` : character;
  });
  return isRegularExpression(portable) ? portable : undefined;
}

function isRegularExpression(pattern: string): boolean {
  try {
    return new RegExp(pattern, 'u').unicode;
  } catch {
    return false;
  }
}
