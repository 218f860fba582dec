import { describe, expect, it } from 'vitest';
import { SingleFlight, unlessAborted } from '../src/single-flight.ts';

async function fail(): Promise<number> {
  throw new Error('broken');
}

describe('SingleFlight', () => {
  it('does once what several want, and again when it is over', async () => {
    const flights = new SingleFlight<number>();
    let done = 0;
    const start = async (): Promise<number> => ++done;
    const together = [flights.run('a', start), flights.run('a', start), flights.run('b', start)];
    expect(flights.size).toBe(2);
    expect(await Promise.all(together)).toEqual([1, 1, 2]);
    expect(flights.size).toBe(0);
    expect(await flights.run('a', start)).toBe(3);
  });

  it('tells all of them how it failed, and tries again', async () => {
    const flights = new SingleFlight<number>();
    const outcomes = await Promise.allSettled([flights.run('a', fail), flights.run('a', fail)]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await flights.run('a', async () => 1)).toBe(1);
  });
});

describe('unlessAborted', () => {
  it.each<[what: string, abort: boolean, outcome: string]>([
    ['an aborted wait', true, 'left'],
    ['a wait that goes on', false, 'done'],
  ])('%s', async (_, abort, outcome) => {
    const controller = new AbortController();
    const work = Promise.withResolvers<string>();
    const wait = unlessAborted(work.promise, controller.signal).catch((error: Error) => error.message);
    if (abort) controller.abort(new Error('left'));
    work.resolve('done');
    expect(await wait).toBe(outcome);
    expect(
      await unlessAborted(work.promise, AbortSignal.abort('gone')).catch((reason: unknown) => reason),
    ).toBe('gone');
  });
});
