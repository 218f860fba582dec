/** What one part of the benchmark found, and how it is printed. */
import type { MachineLoad } from './process-clock.ts';

export interface Figure {
  readonly what: string;
  readonly unit: string;
  readonly ours: number;
  readonly baseline?: { readonly name: string; readonly value: number };
  /** Ours divided by the baseline, when it is known better than from the two medians. */
  readonly ratio?: number;
  readonly goal?: Goal;
}

/** A bound for our own figure or for its ratio to the baseline. */
export interface Goal {
  readonly of: 'ours' | 'ratio';
  readonly at: 'most' | 'least';
  readonly bound: number;
}

export interface Section {
  readonly title: string;
  readonly figures: readonly Figure[];
  /** One for each measurement. */
  readonly loads: readonly MachineLoad[];
  /** Whatever a reader must know to judge the figures. */
  readonly notes: readonly string[];
}

const HEADINGS = ['', 'Parlance', 'baseline', 'ratio', 'goal'];

/** A section as text: a table, the load of the machine meanwhile, the notes. */
export function formatSection({ title, figures, loads, notes }: Section): string {
  const rows = [HEADINGS, ...figures.map(formatFigure)];
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return [title, '', ...lines, '', formatLoads(loads), ...notes, ''].join('\n');
}

function formatFigure(figure: Figure): string[] {
  const { what, unit, ours, baseline, goal } = figure;
  const ratio = ratioOf(figure);
  return [
    what,
    `${shown(ours)} ${unit}`,
    baseline === undefined ? '-' : `${shown(baseline.value)} ${unit} (${baseline.name})`,
    ratio === undefined ? '-' : ratio.toFixed(2),
    goal === undefined ? '-' : formatGoal(goal, unit, goal.of === 'ours' ? ours : ratio),
  ];
}

function ratioOf({ ours, baseline, ratio }: Figure): number | undefined {
  return ratio ?? (baseline === undefined ? undefined : ours / baseline.value);
}

function formatGoal({ of, at, bound }: Goal, unit: string, value: number | undefined): string {
  const limit = `${of === 'ratio' ? 'ratio ' : ''}at ${at} ${bound}${of === 'ours' ? ` ${unit}` : ''}`;
  if (value === undefined) return `${limit}: unknown`;
  const isMet = at === 'most' ? value <= bound : value >= bound;
  return `${limit}: ${isMet ? 'met' : 'MISSED'}`;
}

/** Three digits that mean something. */
function shown(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function formatLoads(loads: readonly MachineLoad[]): string {
  if (loads.length === 0) return 'Nothing was measured.';
  const shares = loads.map(({ foreignShare }) => `${Math.round(foreignShare * 100)}`);
  const averages = loads.map(({ loadAverage }) => loadAverage);
  const range = `${Math.min(...averages).toFixed(1)} to ${Math.max(...averages).toFixed(1)}`;
  return `Other processes used ${shares.join(', ')} % of the machine during the measurements; load average ${range}.`;
}
