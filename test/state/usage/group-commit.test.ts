import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { GroupCommit } from '../../../src/state/usage/group-commit.ts';

/** Writes that end when they are told to. */
function heldWrites() {
  const writes: { rows: readonly string[]; end: PromiseWithResolvers<void> }[] = [];
  const errors: unknown[] = [];
  const commits = new GroupCommit<string>({
    write: (rows) => {
      const end = Promise.withResolvers<void>();
      writes.push({ rows, end });
      return end.promise;
    },
    merge: (earlier, later) => `${earlier}+${later}`,
    onError: (error) => errors.push(error),
  });
  const begun = async (count: number): Promise<void> => {
    await expect.poll(() => writes.length, { interval: 2 }).toBe(count);
  };
  return { writes, errors, commits, begun };
}

describe('GroupCommit', () => {
  it('writes rows that come together in one write, and resolves them when it ends', async () => {
    const { writes, commits, begun } = heldWrites();
    const added = Promise.all([commits.add('1', 'a'), commits.add('2', 'b'), commits.add('3', 'c')]);
    await begun(1);
    expect(commits.size).toBe(3);
    expect(await Promise.race([added, pause(10, 'not yet')])).toBe('not yet');
    writes[0]?.end.resolve();
    await added;
    expect(writes.map(({ rows }) => rows)).toEqual([['a', 'b', 'c']]);
    expect(commits.size).toBe(0);
  });

  it('has one write under way; what comes meanwhile goes into the next', async () => {
    const { writes, commits, begun } = heldWrites();
    const first = commits.add('1', 'a');
    await begun(1);
    // The same id: what is being written can no longer be merged with.
    const later = Promise.all([commits.add('1', 'b'), commits.add('2', 'c')]);
    await pause(10);
    expect(writes).toHaveLength(1);
    writes[0]?.end.resolve();
    await first;
    await begun(2);
    writes[1]?.end.resolve();
    await later;
    expect(writes.map(({ rows }) => rows)).toEqual([['a'], ['b', 'c']]);
  });

  it('merges rows of one id that wait together', async () => {
    const { writes, commits, begun } = heldWrites();
    const added = Promise.all([commits.add('1', 'a'), commits.add('1', 'b')]);
    await begun(1);
    writes[0]?.end.resolve();
    await added;
    expect(writes[0]?.rows).toEqual(['a+b']);
  });

  it('tries again what could not be written, in order, until it can', async () => {
    const { writes, errors, commits, begun } = heldWrites();
    const first = commits.add('1', 'a');
    await begun(1);
    const second = commits.add('2', 'b');
    writes[0]?.end.reject(new Error('away'));
    await begun(2);
    writes[1]?.end.reject(new Error('still away'));
    await begun(3);
    writes[2]?.end.resolve();
    await first;
    await begun(4);
    writes[3]?.end.resolve();
    await second;
    expect(writes.map(({ rows }) => rows)).toEqual([['a'], ['a'], ['a'], ['b']]);
    expect(errors.map(String)).toEqual(['Error: away', 'Error: still away']);
  });

  it('bounds a write', async () => {
    const { writes, commits, begun } = heldWrites();
    const added = Promise.all(Array.from({ length: 1500 }, (_, row) => commits.add(String(row), 'a')));
    await begun(1);
    writes[0]?.end.resolve();
    await begun(2);
    writes[1]?.end.resolve();
    await added;
    expect(writes.map(({ rows }) => rows.length)).toEqual([1000, 500]);
  });

  it('flushes what is being written and what waits, and nothing that comes later', async () => {
    const { writes, commits, begun } = heldWrites();
    void commits.add('1', 'a');
    await begun(1);
    void commits.add('2', 'b');
    const flushed = commits.flush();
    writes[0]?.end.resolve();
    await begun(2);
    const late = commits.add('3', 'c');
    writes[1]?.end.resolve();
    await flushed;
    await begun(3);
    writes[2]?.end.resolve();
    await late;
    await commits.flush();
    expect(commits.size).toBe(0);
  });

  it('writes everything before it closes, and takes nothing afterwards', async () => {
    const { writes, commits, begun } = heldWrites();
    const added = commits.add('1', 'a');
    const closed = commits.close(60_000);
    await begun(1);
    writes[0]?.end.resolve();
    await Promise.all([added, closed]);
    await expect(commits.add('2', 'b')).rejects.toThrow('closed before the row was written');
    await commits.close(1);
  });

  it.each<[string, (end: PromiseWithResolvers<void> | undefined) => void]>([
    ['fails', (end) => end?.reject(new Error('away'))],
    ['never ends', () => {}],
  ])('gives up in time what cannot be written before it closes, when a write %s', async (_case, act) => {
    const { writes, commits, begun } = heldWrites();
    const added = commits.add('1', 'a');
    await begun(1);
    const outcomes = Promise.allSettled([added, commits.add('2', 'b'), commits.flush()]);
    const closed = commits.close(20);
    act(writes[0]?.end);
    await closed;
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(writes.length).toBeLessThan(3);
  });
});
