import { codeOf } from '../code-of.ts';

export interface ErrorDescription {
  readonly type: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
  readonly cause?: ErrorDescription;
}

/** In place of a message that quotes. */
const UNTOLD = 'not told, because it quotes what was given';

/** Causes of causes end somewhere, even when an error is its own cause. */
const MAX_CAUSES = 4;

/**
 * An error for the log. Only what says where it came from: other properties of an error may hold the very request
 * that caused it, such as the `rawPacket` of Node's HTTP parser.
 */
export function describeError(error: unknown, causesLeft = MAX_CAUSES): ErrorDescription {
  if (!(error instanceof Error)) {
    return {
      type: typeof error,
      message: typeof error === 'string' ? error : 'thrown value that is no error',
    };
  }
  const code = codeOf(error);
  const message = quotes(error, code) ? UNTOLD : error.message;
  return {
    type: error.name,
    message,
    ...(code === '' ? {} : { code }),
    ...(error.stack === undefined ? {} : { stack: error.stack.replace(error.message, () => message) }),
    ...(error.cause === undefined || causesLeft === 0
      ? {}
      : { cause: describeError(error.cause, causesLeft - 1) }),
  };
}

/** The same for a terminal. */
export function errorText(error: unknown): string {
  const stacks: string[] = [];
  for (let at: ErrorDescription | undefined = describeError(error); at !== undefined; at = at.cause)
    stacks.push(at.stack ?? at.message);
  return `${stacks.join('\ncaused by ')}\n`;
}

/** Parsers, and Node.js where it checks arguments, quote what they were given. That may be anything a client has sent. */
function quotes(error: Error, code: string): boolean {
  if (error instanceof SyntaxError) return true;
  return (error instanceof TypeError || error instanceof RangeError) && code.startsWith('ERR_');
}
