import { describe, expect, it } from 'vitest';
import { SharedFlights, SingleFlight, unlessAborted } from '../src/single-flight.ts';

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

function startShared(): {
  begun: AbortSignal[];
  finish: (text: string) => void;
  call: (signal?: AbortSignal) => Promise<string>;
} {
  const flights = new SharedFlights<string>();
  const work = Promise.withResolvers<string>();
  const begun: AbortSignal[] = [];
  const call = (signal = new AbortController().signal): Promise<string> =>
    flights.run(
      'a',
      (end) => {
        begun.push(end);
        return work.promise;
      },
      signal,
    );
  return { begun, finish: work.resolve, call };
}

describe('SharedFlights', () => {
  it('do once what several want, and go on as long as one of them waits', async () => {
    const { begun, finish, call } = startShared();
    const [first, second] = [new AbortController(), new AbortController()];
    const calls = [call(first.signal), call(second.signal)];
    first.abort(new Error('left'));
    await expect(calls[0]).rejects.toThrow('left');
    expect(begun.map(({ aborted }) => aborted)).toEqual([false]);
    finish('done');
    expect(await calls[1]).toBe('done');
  });

  it('end when nobody waits any more, and begin anew', async () => {
    const { begun, finish, call } = startShared();
    const controller = new AbortController();
    const left = call(controller.signal);
    controller.abort(new Error('left'));
    await expect(left).rejects.toThrow('left');
    expect(begun[0]?.reason).toEqual(new Error('left'));
    await expect(call(controller.signal)).rejects.toThrow('left');
    const again = call();
    expect(begun).toHaveLength(2);
    finish('done');
    expect(await again).toBe('done');
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
