import type { ChatEventBatch } from '../translate/events/chat-event.ts';

/**
 * Several streams of batches as one, each batch as it comes. When one fails, or the reader leaves, all are closed.
 */
export async function* mergeBatches(
  streams: readonly AsyncIterable<ChatEventBatch>[],
): AsyncGenerator<ChatEventBatch, void, void> {
  const iterators = streams.map((stream) => stream[Symbol.asyncIterator]());
  const pending = new Map<number, Promise<{ index: number; result: IteratorResult<ChatEventBatch> }>>();
  const read = (index: number): void => {
    const iterator = iterators[index];
    if (iterator === undefined) return;
    const next = iterator.next().then((result) => ({ index, result }));
    // Once one stream has failed nobody waits for the others.
    next.catch(() => {});
    pending.set(index, next);
  };
  for (const index of iterators.keys()) read(index);
  try {
    while (pending.size > 0) {
      const { index, result } = await Promise.race(pending.values());
      pending.delete(index);
      if (result.done === true) continue;
      yield result.value;
      read(index);
    }
  } finally {
    // Not awaited: a stream whose read is pending answers only when its signal aborts it.
    for (const iterator of iterators) void iterator.return?.();
  }
}
