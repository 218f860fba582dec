/** Days and months by UTC. Times are milliseconds since 1970. */

const DAY = 86_400_000;

export function startOfDay(time: number): number {
  return Math.floor(time / DAY) * DAY;
}

export function endOfDay(time: number): number {
  return startOfDay(time) + DAY;
}

export function startOfMonth(time: number): number {
  const date = new Date(time);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth());
}

export function endOfMonth(time: number): number {
  const date = new Date(time);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1);
}
