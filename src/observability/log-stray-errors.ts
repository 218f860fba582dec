import type { EventEmitter } from 'node:events';
import type { Log } from './log.ts';

/**
 * Keeps a server alive through errors nobody waited for: they are logged with their stack, and the requests that have
 * nothing to do with them go on. To be called once, by the program that owns the process.
 *
 * @param source the process
 * @returns a function that takes the listeners off again
 */
export function logStrayErrors(log: Log, source: EventEmitter = process): () => void {
  const onException = (error: unknown): void => {
    log.error({ err: error }, 'uncaught exception');
  };
  const onRejection = (reason: unknown): void => {
    log.error({ err: reason }, 'unhandled rejection');
  };
  source.on('uncaughtException', onException);
  source.on('unhandledRejection', onRejection);
  return () => {
    source.off('uncaughtException', onException);
    source.off('unhandledRejection', onRejection);
  };
}
