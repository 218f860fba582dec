import { type DestinationStream, pino, type Logger } from 'pino';
import { describeError } from './describe-error.ts';

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
