import { pino, type Logger } from 'pino';

export type Log = Logger;

/**
 * The server's log: one JSON object a line on standard error, so that standard output stays for people.
 * Prompts, answers, keys and headers are never given to it.
 */
export function createLog(level: string): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ fd: 2, sync: false }),
  );
}
