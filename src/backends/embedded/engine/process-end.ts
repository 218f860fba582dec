/** How processes of engines end: with the server, or after a failure that only another process gets over. */
import type { FromEngine } from './protocol.ts';

/** To be called once, by the process itself. */
export function endWithServer(): void {
  // The server is gone, however it went: nobody reads what this process writes.
  process.on('disconnect', exit);
  // A terminal's Ctrl-C reaches both processes; the server decides when this one ends.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => {});
}

/** Native code that failed once is not asked again: the next process begins afresh. */
export function leaveWith(message: FromEngine): void {
  process.exitCode = 1;
  process.send?.(message, leave);
}

/** Ends the process once native code has written down what it has to say about a failure. */
function leave(): void {
  process.off('disconnect', exit);
  if (process.connected) process.disconnect();
}

function exit(): void {
  process.exit(0);
}
