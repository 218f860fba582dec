import { describe, expect, it } from 'vitest';
import { TransferBody } from '../../../src/media/transfers/transfer-body.ts';
import { Transfers } from '../../../src/media/transfers/transfers.ts';

const never = new AbortController().signal;
const explain = (error: unknown): unknown => new Error(`explained: ${String(error)}`);

function bodyOf(source: AsyncIterable<Buffer>) {
  const transfer = new Transfers({ totalMs: 60_000, max: 1 }).begin({
    signal: never,
    subject: () => 'The medium',
  });
  return { transfer, body: new TransferBody(source, transfer, explain) };
}

async function* pieces(failure?: string): AsyncGenerator<Buffer> {
  yield Buffer.from('a');
  yield Buffer.from('b');
  if (failure !== undefined) throw new Error(failure);
}

describe('TransferBody', () => {
  it('ends its transfer with its last piece', async () => {
    const { transfer, body } = bodyOf(pieces());
    const read: string[] = [];
    for await (const piece of body) {
      read.push(String(piece));
      expect(transfer.signal.aborted).toBe(false);
    }
    expect([read, transfer.signal.aborted]).toEqual([['a', 'b'], true]);
    expect(await body.next()).toEqual({ value: undefined, done: true });
  });

  it('tells of a failure in its own words, however often it is asked', async () => {
    const { transfer, body } = bodyOf(pieces('broken'));
    await body.next();
    await body.next();
    for (let round = 0; round < 2; round++)
      await expect(body.next()).rejects.toThrow('explained: Error: broken');
    expect(transfer.signal.aborted).toBe(true);
  });

  it('ends its transfer, and its source, when the reader leaves', async () => {
    let isClosed = false;
    async function* endless(): AsyncGenerator<Buffer> {
      try {
        for (;;) yield Buffer.from('x');
      } finally {
        isClosed = true;
      }
    }
    const { transfer, body } = bodyOf(endless());
    for await (const _piece of body) break;
    expect([isClosed, transfer.signal.aborted]).toEqual([true, true]);
    expect(await body.next()).toEqual({ value: undefined, done: true });
  });

  it('lets go of a reader who leaves while a piece is awaited', async () => {
    const gate = Promise.withResolvers<never>();
    async function* silent(): AsyncGenerator<Buffer> {
      yield await gate.promise;
    }
    const { transfer, body } = bodyOf(silent());
    transfer.signal.addEventListener('abort', () => gate.reject(transfer.signal.reason));
    const next = body.next();
    expect(await body.return()).toEqual({ value: undefined, done: true });
    expect(await next).toEqual({ value: undefined, done: true });
  });
});
