/**
 * What a native finish reason means to us. `malformed`: the model wrote a call or an answer that cannot be read.
 * Contract section 9.3.
 */
export type FinishKind = 'stop' | 'length' | 'content_filter' | 'malformed';

const KINDS: ReadonlyMap<string, FinishKind> = new Map<string, FinishKind>([
  ['MAX_TOKENS', 'length'],
  ['SAFETY', 'content_filter'],
  ['RECITATION', 'content_filter'],
  ['BLOCKLIST', 'content_filter'],
  ['PROHIBITED_CONTENT', 'content_filter'],
  ['SPII', 'content_filter'],
  ['MODEL_ARMOR', 'content_filter'],
  ['IMAGE_SAFETY', 'content_filter'],
  ['IMAGE_PROHIBITED_CONTENT', 'content_filter'],
  ['IMAGE_RECITATION', 'content_filter'],
  ['MALFORMED_FUNCTION_CALL', 'malformed'],
  ['UNEXPECTED_TOOL_CALL', 'malformed'],
  ['TOO_MANY_TOOL_CALLS', 'malformed'],
  ['MALFORMED_RESPONSE', 'malformed'],
  ['MISSING_THOUGHT_SIGNATURE', 'malformed'],
]);

/** The kind of a native reason. Every other reason, a future one included, is an ordinary end. */
export function finishKind(reason: string | undefined): FinishKind {
  return (reason === undefined ? undefined : KINDS.get(reason)) ?? 'stop';
}

/** `Prompt blocked: SAFETY. The prompt …`, with Google's own sentence where there is one. Contract section 9.4. */
export function refusalText(
  what: 'Prompt' | 'Response',
  reason: string,
  message: string | undefined,
): string {
  return `${what} blocked: ${reason}${message === undefined ? '' : `. ${message}`}`;
}
