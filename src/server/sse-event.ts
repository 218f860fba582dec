/** Headers of a stream of events: nothing on the way may hold it back. Contract section 10.1. */
export const STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache',
  'x-accel-buffering': 'no',
} as const;

/** A comment line, which every client passes over. */
export const KEEP_ALIVE = ': keep-alive\n\n';

/** One server-sent event. Contract section 10.1. */
export function toEvent(data: object): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}
