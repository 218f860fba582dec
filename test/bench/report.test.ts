import { describe, expect, it } from 'vitest';
import { type Figure, formatSection } from '../../bench/report.ts';

const format = (figure: Figure): string =>
  formatSection({ title: 'Title', figures: [figure], loads: [], notes: ['A note.'] });

describe('formatSection', () => {
  it.each<{ name: string; figure: Figure; line: string }>([
    {
      name: 'a figure alone',
      figure: { what: 'memory', unit: 'MiB', ours: 95.44 },
      line: 'memory  95.4 MiB  -         -      -',
    },
    {
      name: 'the ratio of two figures',
      figure: { what: 'start', unit: 'ms', ours: 1500, baseline: { name: 'bare', value: 500 } },
      line: 'start  1500 ms   500 ms (bare)  3.00   -',
    },
    {
      name: 'a ratio known better, and a goal for it',
      figure: {
        what: 'rate',
        unit: '/s',
        ours: 9,
        baseline: { name: 'llama', value: 10 },
        ratio: 0.91,
        goal: { of: 'ratio', at: 'least', bound: 0.9 },
      },
      line: 'rate  9.00 /s   10.0 /s (llama)  0.91   ratio at least 0.9: met',
    },
    {
      name: 'a goal that was missed',
      figure: { what: 'memory', unit: 'MiB', ours: 121, goal: { of: 'ours', at: 'most', bound: 120 } },
      line: 'memory  121 MiB   -         -      at most 120 MiB: MISSED',
    },
    {
      name: 'a goal without a baseline to judge it by',
      figure: { what: 'rate', unit: '/s', ours: 9, goal: { of: 'ratio', at: 'least', bound: 0.9 } },
      line: 'rate  9.00 /s   -         -      ratio at least 0.9: unknown',
    },
  ])('shows $name', ({ figure, line }) => {
    expect(format(figure).split('\n')).toContain(line);
  });

  it('says how busy the machine was', () => {
    const loads = [
      { foreignShare: 0.104, loadAverage: 1.23 },
      { foreignShare: 0.5, loadAverage: 2 },
    ];
    expect(formatSection({ title: 'Title', figures: [], loads, notes: [] })).toContain(
      'Other processes used 10, 50 % of the machine during the measurements; load average 1.2 to 2.0.',
    );
  });
});
