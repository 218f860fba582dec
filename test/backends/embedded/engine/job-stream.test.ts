import { beforeEach, describe, expect, it } from 'vitest';
import { type GenerationEvent, JobStream } from '../../../../src/backends/embedded/engine/job-stream.ts';

const STARTED: GenerationEvent = { type: 'started', promptTokens: 3, cachedTokens: 0 };
const FINISHED: GenerationEvent = { type: 'finished', reason: 'stop', generatedTokens: 2, thoughtTokens: 0 };
const tokens = (text: string): GenerationEvent => ({ type: 'tokens', tokens: [{ text }] });

/** All that is left in a stream. */
async function rest(source: JobStream): Promise<GenerationEvent[]> {
  const events: GenerationEvent[] = [];
  for await (const event of source) events.push(event);
  return events;
}

let orders: string[];
let stream: JobStream;

beforeEach(() => {
  orders = [];
  stream = new JobStream((order) => orders.push(order));
});

describe('JobStream', () => {
  it('gives events in order, then ends', async () => {
    for (const event of [STARTED, tokens('a'), FINISHED]) stream.push(event);
    expect(await rest(stream)).toEqual([STARTED, tokens('a'), FINISHED]);
    expect(await stream.next()).toEqual({ value: undefined, done: true });
    expect(orders).toEqual([]);
  });

  it('wakes a reader that waits', async () => {
    const next = stream.next();
    stream.push(STARTED);
    expect(await next).toEqual({ value: STARTED, done: false });
  });

  it('ignores what comes after the end', async () => {
    stream.push(FINISHED);
    stream.push(tokens('late'));
    stream.fail(new Error('late'));
    expect(await rest(stream)).toEqual([FINISHED]);
  });

  describe('a failure', () => {
    it('comes after what was received, and once', async () => {
      stream.push(STARTED);
      stream.fail(new Error('gone'));
      expect(await stream.next()).toEqual({ value: STARTED, done: false });
      await expect(stream.next()).rejects.toThrow('gone');
      expect(await stream.next()).toEqual({ value: undefined, done: true });
    });

    it('reaches a reader that waits', async () => {
      const next = stream.next();
      stream.fail(new Error('gone'));
      await expect(next).rejects.toThrow('gone');
    });

    it('is not cancelled afterwards: there is nothing left to cancel', () => {
      stream.fail(new Error('gone'));
      stream.cancel();
      expect(orders).toEqual([]);
    });
  });

  describe('a slow reader', () => {
    it('pauses the engine once at 64 unread messages, and resumes it once at 16', async () => {
      for (let count = 1; count <= 63; count++) stream.push(tokens('x'));
      expect(orders).toEqual([]);
      for (let count = 64; count <= 70; count++) stream.push(tokens('x'));
      expect(orders).toEqual(['pause']);
      for (let left = 69; left >= 17; left--) await stream.next();
      expect(orders).toEqual(['pause']);
      await stream.next();
      expect(orders).toEqual(['pause', 'resume']);
      for (let left = 15; left >= 0; left--) await stream.next();
      expect(orders).toEqual(['pause', 'resume']);
    });

    it('can fall behind again', async () => {
      for (let round = 0; round < 2; round++) {
        for (let count = 0; count < 64; count++) stream.push(tokens('x'));
        for (let count = 0; count < 64; count++) await stream.next();
      }
      expect(orders).toEqual(['pause', 'resume', 'pause', 'resume']);
    });

    it('is never paused while it keeps up', async () => {
      for (let count = 0; count < 200; count++) {
        const next = stream.next();
        stream.push(tokens('x'));
        await next;
      }
      expect(orders).toEqual([]);
    });
  });

  describe('cancel', () => {
    it('tells the engine once, forgets what is unread and ends', async () => {
      stream.push(STARTED);
      stream.push(tokens('unread'));
      stream.cancel();
      stream.cancel();
      expect(orders).toEqual(['cancel']);
      expect(await stream.next()).toEqual({ value: undefined, done: true });
    });

    it('ends a pending read', async () => {
      const next = stream.next();
      stream.cancel();
      expect(await next).toEqual({ value: undefined, done: true });
    });

    it('is what leaving a loop does', async () => {
      stream.push(STARTED);
      stream.push(tokens('a'));
      for await (const event of stream) if (event.type === 'started') break;
      expect(orders).toEqual(['cancel']);
    });

    it('says nothing after a finished answer', async () => {
      stream.push(FINISHED);
      await rest(stream);
      stream.cancel();
      expect(orders).toEqual([]);
    });
  });
});
