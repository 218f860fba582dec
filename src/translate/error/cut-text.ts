/** Longest message taken over from an upstream, in UTF-16 code units. */
const MAX_MESSAGE = 8192;

/** An upstream's text without white space around it, and with an ellipsis where it is too long. */
export function cutText(text: string, length = MAX_MESSAGE): string {
  const trimmed = text.trim();
  return trimmed.length > length ? `${trimmed.slice(0, length).toWellFormed()}…` : trimmed;
}
