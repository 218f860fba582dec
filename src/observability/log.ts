import { type DestinationStream, pino, type Logger } from 'pino';

export type Log = Logger;

/**
 * The server's log: one JSON object a line, on standard error unless told otherwise, so that standard output stays
 * for people. Prompts, answers, keys, URLs and headers are never given to it.
 *
 * @param level a level of pino, such as `info`; less important lines are dropped
 */
export function createLog(
  level: string,
  destination: DestinationStream = pino.destination({ fd: 2, sync: false }),
): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError },
    },
    destination,
  );
}

interface ErrorDescription {
  readonly type: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
  readonly cause?: ErrorDescription;
}

/** Causes of causes end somewhere, even when an error is its own cause. */
const MAX_CAUSES = 4;

/**
 * An error for the log. Only what says where it came from: other properties of an error may hold the very request
 * that caused it, such as the `rawPacket` of Node's HTTP parser.
 */
function describeError(error: unknown, causesLeft = MAX_CAUSES): ErrorDescription {
  if (!(error instanceof Error)) {
    return {
      type: typeof error,
      message: typeof error === 'string' ? error : 'thrown value that is no error',
    };
  }
  return {
    type: error.name,
    message: error.message,
    ...('code' in error && typeof error.code === 'string' ? { code: error.code } : {}),
    ...(error.stack === undefined ? {} : { stack: error.stack }),
    ...(error.cause === undefined || causesLeft === 0
      ? {}
      : { cause: describeError(error.cause, causesLeft - 1) }),
  };
}
