import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limitedBody } from '../../../src/media/transfers/limited-body.ts';

const SUBJECT = 'The medium';

async function* piecesOf(lengths: readonly number[], onLeave = (): void => {}): AsyncGenerator<Buffer> {
  try {
    for (const length of lengths) yield Buffer.alloc(length, 'x');
  } finally {
    onLeave();
  }
}

describe('limitedBody', () => {
  it('lets a body through as it is, or as much of it as stays within the limit', async () => {
    const lengths = fc.array(fc.nat(50), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(lengths, fc.nat(400), async (pieces, limit) => {
        let read = 0;
        const reading = async (): Promise<string> => {
          for await (const piece of limitedBody(piecesOf(pieces), { subject: SUBJECT, maxBytes: limit }))
            read += piece.length;
          return 'whole';
        };
        const total = pieces.reduce((sum, length) => sum + length, 0);
        const outcome = await reading().catch((error: Error) => error.message);
        const refusal = `The medium is larger than the ${limit} bytes that this server fetches.`;
        expect(outcome).toBe(total <= limit ? 'whole' : refusal);
        expect(read).toBeLessThanOrEqual(limit);
        expect(outcome === refusal || read === total).toBe(true);
      }),
    );
  });

  it.each([
    ['the limit is passed', 20],
    ['the reader leaves', 1000],
  ])('closes the body when %s', async (_, limit) => {
    let isClosed = false;
    const body = piecesOf([15, 15, 15], () => {
      isClosed = true;
    });
    const reading = (async () => {
      let pieces = 0;
      for await (const _piece of limitedBody(body, { subject: SUBJECT, maxBytes: limit }))
        if (++pieces === 2) break;
    })();
    await reading.catch(() => undefined);
    expect(isClosed).toBe(true);
  });
});
