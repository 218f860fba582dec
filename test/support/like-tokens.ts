import { createHash } from 'node:crypto';

/** Equal characters at either end. */
const EQUAL = 100;

/** A token of which only the middle tells it apart from the others. */
export function likeToken(index: number): string {
  const middle = createHash('sha256').update(String(index)).digest('base64url');
  return `ya29.${'a'.repeat(EQUAL)}${middle}${'z'.repeat(EQUAL)}`;
}

/** Runs a task for each number below `count`, at most `limit` at once. */
export async function runMany(
  count: number,
  limit: number,
  task: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count) await task(next++);
  };
  await Promise.all(Array.from({ length: limit }, work));
}
