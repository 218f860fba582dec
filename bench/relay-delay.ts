/** What a streamed chunk waits longer than without a server in between, when many streams run at the same time. */
import { compareFigure, type Target } from './bench-target.ts';
import { runGenerator } from './generator.ts';
import { median } from './median.ts';
import type { PacedOrder, PacedReport } from './paced-load.ts';
import { cpuMicroseconds, type MachineLoad, watchMachine } from './process-clock.ts';
import { ALIAS_MODEL, SERVED_MODEL } from './relay-fixtures.ts';
import type { RelayTargets } from './relay-targets.ts';
import type { Figure } from './report.ts';
import { timedRounds } from './timed-rounds.ts';

const PACED = { streams: 200, pieces: 200, everyMs: 20 };
const ROUNDS = { most: 3, seconds: 45 };

interface PacedRun {
  readonly p99Ms: number;
  /** Of the server, in microseconds for each chunk. */
  readonly cpu: number;
  /** Of the load generator, in microseconds. */
  readonly generator: number;
}

export async function delayFigures(
  { ours, raw, direct }: RelayTargets,
  loads: MachineLoad[],
): Promise<Figure[]> {
  const contenders = [
    { target: direct, model: SERVED_MODEL },
    { target: raw, model: SERVED_MODEL },
    { target: ours, model: SERVED_MODEL },
    { target: ours, model: ALIAS_MODEL },
  ];
  const runs = contenders.map((): PacedRun[] => []);
  for (const _round of timedRounds(ROUNDS)) {
    const endWatch = watchMachine([direct, raw, ours].map(({ server }) => server.pid));
    let generators = 0;
    for (const [at, { target, model }] of contenders.entries()) {
      const run = await runPaced(target, model);
      runs[at]?.push(run);
      generators += run.generator;
    }
    loads.push(endWatch(generators));
  }
  const [none = [], passed = [], same = [], other = []] = runs;
  const added = (of: readonly PacedRun[]): number =>
    median(of.map(({ p99Ms }, at) => p99Ms - (none[at]?.p99Ms ?? Number.NaN)));
  const setting = `${PACED.streams} streams of ${PACED.pieces} chunks, ${PACED.everyMs} ms apart`;
  return [
    { what: setting, of: same },
    { what: `${setting}, other name`, of: other },
  ].flatMap(({ what, of }): Figure[] => [
    {
      what: `${what}: added delay, 99th percentile`,
      unit: 'ms',
      ours: added(of),
      baseline: { name: raw.name, value: added(passed) },
      goal: { of: 'ours', at: 'most', bound: 15 },
    },
    compareFigure(`${what}: CPU time of a chunk`, cpuOf(of), { target: raw, rounds: cpuOf(passed) }),
  ]);
}

function cpuOf(runs: readonly PacedRun[]): number[] {
  return runs.map(({ cpu }) => cpu);
}

async function runPaced({ name, server, headers }: Target, model: string): Promise<PacedRun> {
  const order: PacedOrder = { port: Number(new URL(server.url).port), headers, model, ...PACED };
  const before = cpuMicroseconds(server.pid);
  const report = await runGenerator<PacedReport>(name, './paced-load.ts', order);
  const cpu = (cpuMicroseconds(server.pid) - before) / (PACED.streams * PACED.pieces);
  return { p99Ms: report.p99Ms, cpu, generator: report.cpuMicroseconds };
}
