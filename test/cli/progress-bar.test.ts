import { describe, expect, it } from 'vitest';
import type { ProgressBar } from '../../src/cli/progress-bar.ts';
import {
  createProgressBar,
  formatBytes,
  formatDuration,
  formatProgress,
} from '../../src/cli/progress-bar.ts';
import type { PullProgress } from '../../src/model-store/pull-progress.ts';

const half: PullProgress = {
  phase: 'download',
  source: 'pypi.org',
  receivedBytes: 46_000_000,
  totalBytes: 92_000_000,
  bytesPerSecond: 2_300_000,
  secondsLeft: 20,
};

describe('formatProgress', () => {
  it.each<[string, PullProgress, number, string]>([
    [
      'everything on a wide terminal',
      half,
      120,
      'Downloading from pypi.org  [############------------]  50%  46.0 MB of 92.0 MB  2.3 MB/s  20 s left',
    ],
    [
      'no bar without room for it',
      half,
      80,
      'Downloading from pypi.org  50%  46.0 MB of 92.0 MB  2.3 MB/s  20 s left',
    ],
    ['then no time left', half, 60, 'Downloading from pypi.org  50%  46.0 MB of 92.0 MB  2.3 MB/s'],
    ['then no speed', half, 52, 'Downloading from pypi.org  50%  46.0 MB of 92.0 MB'],
    ['then no sizes', half, 40, 'Downloading from pypi.org  50%'],
    ['then what fits', half, 12, 'Downloading '],
    ['nothing in no width', half, 0, ''],
    [
      'an unknown size',
      { phase: 'download', source: 'pypi.org', receivedBytes: 1500, bytesPerSecond: 10 },
      80,
      'Downloading from pypi.org  1.5 kB  10 B/s',
    ],
    [
      'more than announced',
      { phase: 'extract', source: 'a.whl', receivedBytes: 30, totalBytes: 20 },
      80,
      'Unpacking a.whl  [########################]  100%  30 B of 20 B',
    ],
    [
      'the check',
      { phase: 'verify', source: 'pypi.org', receivedBytes: 0, totalBytes: 20 },
      90,
      'Checking file from pypi.org  [------------------------]  0%  0 B of 20 B',
    ],
    ['a question', { phase: 'resolve', source: 'pypi.org', receivedBytes: 0 }, 80, 'Asking pypi.org ...'],
    [
      'the end',
      { phase: 'done', source: '/m/a.gguf', receivedBytes: 98_362_432 },
      80,
      'Ready: /m/a.gguf (98.4 MB)',
    ],
  ])('shows %s', (_case, progress, width, line) => {
    expect(formatProgress(progress, width)).toBe(line);
    expect(line.length).toBeLessThanOrEqual(width);
  });
});

describe('formatBytes', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [999_949, '999.9 kB'],
    [999_950, '1.0 MB'],
    [98_362_432, '98.4 MB'],
    [1_055_609_536, '1.1 GB'],
    [5e15, '5000.0 TB'],
  ])('%d is %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});

describe('formatDuration', () => {
  it.each([
    [0, '0 s'],
    [0.2, '1 s'],
    [59, '59 s'],
    [59.5, '1 min 0 s'],
    [150, '2 min 30 s'],
    [3600, '1 h 0 min'],
    [7290, '2 h 2 min'],
    [7199, '2 h 0 min'],
  ])('%d seconds are %s', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });
});

function at(percent: number): PullProgress {
  return { phase: 'download', source: 'pypi.org', receivedBytes: percent, totalBytes: 100 };
}

describe('createProgressBar', () => {
  let clock = 0;

  function record(isTTY: boolean): { bar: ProgressBar; written: string[] } {
    const written: string[] = [];
    clock = 0;
    const bar = createProgressBar({
      write: (text) => written.push(text),
      isTTY,
      columns: () => 41,
      now: () => clock,
    });
    return { bar, written };
  }

  it('redraws one line on a terminal, at most ten times a second, and the last state always', () => {
    const { bar, written } = record(true);
    for (let percent = 0; percent <= 100; percent += 1) {
      bar.update(at(percent));
      clock += 10;
    }
    bar.finish();
    bar.finish();
    expect(written).toHaveLength(12);
    expect(written[0]).toBe('\rDownloading from pypi.org  0%\u001B[K');
    expect(written[10]).toBe('\rDownloading from pypi.org  100%\u001B[K');
    expect(written[11]).toBe('\n');
  });

  it('writes plain lines elsewhere: each tenth of a download, each five seconds, each new phase', () => {
    const { bar, written } = record(false);
    for (let percent = 0; percent <= 30; percent += 1) bar.update(at(percent));
    clock += 5000;
    bar.update(at(31));
    bar.update({ ...at(0), phase: 'verify' });
    bar.update({ ...at(99), phase: 'verify' });
    bar.finish();
    expect(written).toEqual([
      'Downloading from pypi.org  0%  0 B of 100 B\n',
      'Downloading from pypi.org  10%  10 B of 100 B\n',
      'Downloading from pypi.org  20%  20 B of 100 B\n',
      'Downloading from pypi.org  30%  30 B of 100 B\n',
      'Downloading from pypi.org  31%  31 B of 100 B\n',
      'Checking file from pypi.org  0%  0 B of 100 B\n',
    ]);
  });
});
