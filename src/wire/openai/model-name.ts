const CHARACTERS = /^[A-Za-z0-9._:@/-]{1,256}$/;
const DOT_OR_EMPTY_SEGMENT = /(?:^|\/)\.{0,2}(?:\/|$)/;

/** Whether a text has the length and the characters of a model name. Contract section 1.2. */
export function hasModelNameCharacters(text: string): boolean {
  return CHARACTERS.test(text);
}

/** Whether a segment between slashes is empty, `.` or `..`, and so means something else in a URL path. */
export function hasDotOrEmptySegment(text: string): boolean {
  return DOT_OR_EMPTY_SEGMENT.test(text);
}

/** Whether a text can name a model, and stand in a URL path. */
export function isModelName(text: string): boolean {
  return hasModelNameCharacters(text) && !hasDotOrEmptySegment(text);
}
