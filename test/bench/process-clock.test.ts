import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  childProcesses,
  cpuMicroseconds,
  residentMebibytes,
  watchMachine,
} from '../../bench/process-clock.ts';

// The clock reads /proc.
describe.runIf(process.platform === 'linux')('the process clock', () => {
  it('counts the time a process works', () => {
    const before = cpuMicroseconds(process.pid);
    const start = process.cpuUsage();
    let used = 0;
    while (used < 60_000) {
      const { user, system } = process.cpuUsage(start);
      used = user + system;
    }
    // Steps of 10 ms, user and system each.
    expect(cpuMicroseconds(process.pid) - before).toBeGreaterThanOrEqual(used - 20_000);
  });

  it('knows how much memory a process holds', () => {
    expect(residentMebibytes(process.pid)).toBeGreaterThan(1);
    expect(residentMebibytes(process.pid)).toBeLessThan(process.memoryUsage.rss() / 2 ** 20 + 200);
  });

  it('finds children, also with spaces and brackets in their names', async () => {
    const child = spawn(process.execPath, [
      '-e',
      'process.title = "a) (b c"; setInterval(() => {}, 1000); console.log("up")',
    ]);
    onTestFinished(() => {
      child.kill('SIGKILL');
    });
    await once(child.stdout, 'data');
    expect(childProcesses(process.pid)).toContain(child.pid);
    expect(cpuMicroseconds(child.pid ?? 0)).toBeGreaterThan(0);
  });

  it('reports shares of the machine', () => {
    const { foreignShare, loadAverage } = watchMachine([])();
    expect(foreignShare).toBeGreaterThanOrEqual(0);
    expect(foreignShare).toBeLessThanOrEqual(1);
    expect(loadAverage).toBeGreaterThanOrEqual(0);
  });
});
