/** What Parlance costs in front of a model server, next to proxies that only pass bytes on and to Portkey's gateway. */
import {
  compareCpu,
  compareFigure,
  CONNECTIONS,
  type Contender,
  ratioOfRounds,
  type Target,
} from './bench-target.ts';
import { ANSWER_PIECES } from './gateway-fixtures.ts';
import { median } from './median.ts';
import { NO_NGINX } from './nginx.ts';
import { NO_PORTKEY } from './portkey.ts';
import type { MachineLoad } from './process-clock.ts';
import { delayFigures } from './relay-delay.ts';
import { ALIAS_MODEL, SERVED_MODEL } from './relay-fixtures.ts';
import { slowReaderFigures } from './relay-memory.ts';
import { type RelayTargets, startRelayTargets } from './relay-targets.ts';
import type { Figure, Section } from './report.ts';
import type { ServerProcess } from './server-process.ts';

/** For each kind of answer. */
const ROUNDS = { most: 5, seconds: 30 };
const COMPLETIONS = 3000;
const STREAMS = 500;

/** @param profile folder for a CPU profile of our server under this load */
export async function measureRelay(profile?: string): Promise<Section> {
  const running: ServerProcess[] = [];
  const loads: MachineLoad[] = [];
  try {
    const targets = await startRelayTargets(running, profile);
    const figures = [
      ...(await wholeFigures(targets, loads)),
      ...(await streamFigures(targets, loads)),
      ...(await delayFigures(targets, loads)),
      ...(await slowReaderFigures()),
    ];
    return {
      title: `relay. In front of a model server: medians of up to ${ROUNDS.most} interleaved rounds, after a warm-up`,
      figures,
      loads,
      notes: [
        `CPU time is user and system time of the server's process; ${CONNECTIONS} requests at once, streams of ${ANSWER_PIECES} chunks without pauses.`,
        'Ours has keys, limits and its log on; node-raw and nginx pass bytes on and do nothing else.',
        "Other name: the client asks for a name that replaces the model server's in every chunk; otherwise the bytes stay as they are.",
        'Every answer is complete: its pieces are counted, and one in twenty is compared word by word.',
        ...(targets.nginx === undefined ? [NO_NGINX] : []),
        ...(targets.portkey === undefined ? [NO_PORTKEY] : []),
      ],
    };
  } finally {
    for (const server of running.toReversed()) await server.stop();
  }
}

async function wholeFigures(
  { ours, raw, direct, nginx, portkey }: RelayTargets,
  loads: MachineLoad[],
): Promise<Figure[]> {
  const request = { stream: false, model: SERVED_MODEL };
  const targets = [ours, raw, nginx, portkey].filter((target) => target !== undefined);
  const contenders = targets.map((target) => ({ target, request }));
  const cpu = await compareCpu(contenders, {
    requests: COMPLETIONS,
    upstream: direct.server,
    loads,
    rounds: ROUNDS,
  });
  const roundsOf = (target: Target): readonly number[] => cpu[targets.indexOf(target)] ?? [];
  const mine = roundsOf(ours);
  const compare = (target: Target, atMost?: number): Figure =>
    compareFigure('whole answer: CPU time', mine, { target, rounds: roundsOf(target), atMost });
  return [
    compare(raw, 1.6),
    ...(nginx === undefined ? [] : [compare(nginx)]),
    ...(portkey === undefined ? [] : [rateFigure(mine, { target: portkey, rounds: roundsOf(portkey) })]),
  ];
}

/** The same the other way round: how many answers a second of CPU time is enough for. */
function rateFigure(
  mine: readonly number[],
  { target, rounds }: { target: Target; rounds: readonly number[] },
): Figure {
  return {
    what: 'whole answer: requests in a second of CPU time',
    unit: '/s',
    ours: 1e6 / median(mine),
    baseline: { name: target.name, value: 1e6 / median(rounds) },
    ratio: ratioOfRounds(rounds, mine),
    goal: { of: 'ratio', at: 'least', bound: 10 },
  };
}

function asking(target: Target, model: string): Contender {
  return { target, request: { stream: true, model } };
}

async function streamFigures(
  { ours, raw, direct, nginx, portkey }: RelayTargets,
  loads: MachineLoad[],
): Promise<Figure[]> {
  const others = [raw, nginx, portkey].filter((target) => target !== undefined);
  const contenders = [
    asking(ours, SERVED_MODEL),
    asking(ours, ALIAS_MODEL),
    ...others.map((target) => asking(target, SERVED_MODEL)),
  ];
  const cpu = await compareCpu(contenders, {
    requests: STREAMS,
    upstream: direct.server,
    loads,
    rounds: ROUNDS,
  });
  const [same = [], other = [], ...theirs] = cpu.map((rounds) =>
    rounds.map((microseconds) => microseconds / ANSWER_PIECES),
  );
  return others.flatMap((target, at): Figure[] => {
    const compared = { target, rounds: theirs[at] ?? [], atMost: target === raw ? 1.3 : undefined };
    return [
      compareFigure('streamed chunk: CPU time', same, compared),
      compareFigure('streamed chunk, other name: CPU time', other, compared),
    ];
  });
}
