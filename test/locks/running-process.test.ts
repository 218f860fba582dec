import { describe, expect, it } from 'vitest';
import { lookAtProcess } from '../../src/locks/running-process.ts';
import { deadPid, LIVING_PID } from './lock-fixture.ts';

describe('lookAtProcess', () => {
  it.each([
    ['this process', () => process.pid, true],
    ['another living process', () => LIVING_PID, true],
    ['a process that has ended', deadPid, false],
  ])('of %s', (_case, pid, isAlive) => {
    expect(lookAtProcess(pid()).isAlive).toBe(isAlive);
  });

  it.runIf(process.platform === 'linux')('tells when each was born', () => {
    const births = [LIVING_PID, process.pid, process.pid].map((pid) => lookAtProcess(pid).birth);
    expect(births[0]).toMatch(/^[\da-f-]{36}:\d+$/);
    expect(births[2]).toBe(births[1]);
  });
});
