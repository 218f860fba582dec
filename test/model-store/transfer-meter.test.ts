import { describe, expect, it } from 'vitest';
import { TransferMeter } from '../../src/model-store/transfer-meter.ts';

type Sample = readonly [atMilliseconds: number, bytes: number];

function speedAfter(samples: readonly Sample[]): number | undefined {
  const meter = new TransferMeter();
  for (const [at, bytes] of samples) meter.record(bytes, at);
  return meter.bytesPerSecond;
}

const steady: Sample[] = Array.from({ length: 101 }, (_, tenth) => [tenth * 100, tenth * 1000] as const);

describe('TransferMeter', () => {
  it.each<[string, Sample[], number | undefined]>([
    ['nothing', [], undefined],
    ['a single sample', [[0, 10]], undefined],
    [
      'less than half a second',
      [
        [0, 0],
        [400, 1000],
      ],
      undefined,
    ],
    [
      'a second',
      [
        [0, 0],
        [1000, 2000],
      ],
      2000,
    ],
    [
      'a resumed transfer: only what came now',
      [
        [0, 50_000],
        [1000, 51_000],
      ],
      1000,
    ],
    ['a steady line', steady, 10_000],
    ['a line that grew slow five seconds ago', [...steady, [12_000, 100_000], [16_000, 100_000]], 0],
    [
      'a start from zero after a break',
      [
        [0, 90_000],
        [1000, 95_000],
        [1100, 0],
        [2100, 3000],
      ],
      3000,
    ],
  ])('after %s', (_case, samples, expected) => {
    expect(speedAfter(samples)).toBe(expected);
  });
});
