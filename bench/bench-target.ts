/** A server under comparison, and load on it. */
import type { GatewayRequest } from './gateway-fixtures.ts';
import type { GatewayOrder, GatewayReport } from './gateway-load.ts';
import { runGenerator } from './generator.ts';
import { median } from './median.ts';
import { cpuMicroseconds, type MachineLoad, watchMachine } from './process-clock.ts';
import type { Figure } from './report.ts';
import type { ServerProcess } from './server-process.ts';
import { timedRounds } from './timed-rounds.ts';

export interface Target {
  readonly name: string;
  readonly server: ServerProcess;
  readonly headers: Readonly<Record<string, string>>;
  /** It answers in the upstream's own format. */
  readonly isRaw: boolean;
}

/** Requests at once, unless told otherwise. */
export const CONNECTIONS = 64;
/** For each kind of answer, unless told otherwise. */
export const ROUNDS = { most: 5, seconds: 60 };
/** Load for each server before anything is measured: V8 compiles for about that long, on the process's own account. */
const WARM_UP = { most: 8, seconds: 12 };

/** One run of the load generator. @throws {Error} when an answer is missing or wrong */
export async function load(
  { name, server, headers, isRaw }: Target,
  request: GatewayRequest,
  { requests, connections = CONNECTIONS }: { requests: number; connections?: number },
): Promise<GatewayReport> {
  const port = Number(new URL(server.url).port);
  const order: GatewayOrder = { port, headers, request, connections, requests, isRaw };
  return runGenerator<GatewayReport>(name, './gateway-load.ts', order);
}

/** One kind of request to one server. */
export interface Contender {
  readonly target: Target;
  readonly request: GatewayRequest;
}

/**
 * CPU time of each contender for one request, in microseconds, after a warm-up.
 *
 * @returns for each contender one value a round; rounds are interleaved
 */
export async function compareCpu(
  contenders: readonly Contender[],
  {
    requests,
    upstream,
    loads,
    rounds = ROUNDS,
  }: { requests: number; upstream: ServerProcess; loads: MachineLoad[]; rounds?: typeof ROUNDS },
): Promise<readonly (readonly number[])[]> {
  for (const { target, request } of contenders) {
    for (const _round of timedRounds(WARM_UP)) await load(target, request, { requests });
  }
  const cpu = contenders.map((): number[] => []);
  for (const _round of timedRounds(rounds)) {
    const endWatch = watchMachine([
      ...new Set([upstream.pid, ...contenders.map(({ target }) => target.server.pid)]),
    ]);
    let generators = 0;
    for (const [at, { target, request }] of contenders.entries()) {
      const { pid } = target.server;
      const before = cpuMicroseconds(pid);
      const report = await load(target, request, { requests });
      cpu[at]?.push((cpuMicroseconds(pid) - before) / requests);
      generators += report.cpuMicroseconds;
    }
    loads.push(endWatch(generators));
  }
  return cpu;
}

/**
 * CPU time of ours beside that of another, in microseconds.
 *
 * @param mine one value a round; so are `rounds`
 * @param atMost goal for the ratio
 */
export function compareFigure(
  what: string,
  mine: readonly number[],
  { target, rounds, atMost }: { target: Target; rounds: readonly number[]; atMost?: number | undefined },
): Figure {
  return {
    what,
    unit: 'us',
    ours: median(mine),
    baseline: { name: target.name, value: median(rounds) },
    ratio: ratioOfRounds(mine, rounds),
    ...(atMost === undefined ? {} : { goal: { of: 'ratio', at: 'most', bound: atMost } }),
  };
}

/** Median of the ratios of neighbouring rounds. */
export function ratioOfRounds(ours: readonly number[], theirs: readonly number[]): number {
  return median(ours.map((value, at) => value / (theirs[at] ?? Number.NaN)));
}
