/** What Parlance costs in front of Gemini, next to bare proxies in Node.js and to a gateway with the same task. */
import { compareCpu, compareFigure, CONNECTIONS, load, ROUNDS, type Target } from './bench-target.ts';
import { deepSchema, gatewayRequest, referenceBomb } from './gateway-fixtures.ts';
import { median } from './median.ts';
import { NO_PORTKEY, PORTKEY, startPortkey } from './portkey.ts';
import { forgetPeak, type MachineLoad, peakMebibytes, residentMebibytes } from './process-clock.ts';
import type { Figure, Section } from './report.ts';
import { type ServerProcess, startGateway, startNodeServer } from './server-process.ts';
import { timedRounds } from './timed-rounds.ts';

const COMPLETIONS = 3000;
const STREAMS = 400;
/** Answers for the figures with one request at a time. */
const SINGLE = 400;
const CONCURRENT_STREAMS = 1000;
const IMAGE_MEBIBYTES = 10;
const IMAGES = 5;
const VERDICTS = 9;

const KEY = 'bench-key-0123456789';
const FLOOR = 'translation floor';
const RAW = 'pass-through';

/** The servers by their part in the comparison. */
interface Targets {
  readonly upstream: ServerProcess;
  readonly ours: Target;
  readonly floor: Target;
  readonly raw: Target;
  /** Absent where it is not installed. */
  readonly portkey?: Target | undefined;
}

/** @param profile folder for a CPU profile of our server under this load */
export async function measureGateway(profile?: string): Promise<Section> {
  const running: ServerProcess[] = [];
  const loads: MachineLoad[] = [];
  try {
    const targets = await startTargets(running, profile);
    const figures = [
      ...(await loadFigures(targets, { stream: false, loads })),
      ...(await loadFigures(targets, { stream: true, loads })),
      ...(await delayFigures(targets)),
      await concurrencyFigure(targets),
      await imageFigure(targets),
      ...(await schemaFigures(targets)),
    ];
    return {
      title: `gateway. In front of Gemini: medians of up to ${ROUNDS.most} interleaved rounds, after a warm-up`,
      figures,
      loads,
      notes: [
        `CPU time is user and system time of the server's process; ${CONNECTIONS} requests at once, streams of 64 pieces without pauses.`,
        'Ours has validation, keys, limits and its log on; the floor translates the same requests and does nothing else.',
        'Every answer is complete: its pieces are counted, and one in twenty is compared word by word.',
        ...(targets.portkey === undefined ? [NO_PORTKEY] : []),
      ],
    };
  } finally {
    for (const server of running.toReversed()) await server.stop();
  }
}

async function startTargets(running: ServerProcess[], profile: string | undefined): Promise<Targets> {
  const keep = <T extends ServerProcess>(server: T): T => {
    running.push(server);
    return server;
  };
  const upstream = keep(await startNodeServer('./gemini-upstream.ts'));
  const upstreamUrl = upstream.url;
  const ours = keep(await startGateway({ upstream: vertexUpstream(upstreamUrl), key: KEY }, profile));
  const floor = keep(await startNodeServer('./node-translate.ts', undefined, [upstreamUrl]));
  const raw = keep(await startNodeServer('./node-raw.ts', undefined, [upstreamUrl, 'gemini']));
  const portkey = await startPortkey();
  if (portkey !== undefined) keep(portkey);
  return {
    upstream,
    ours: asOurs(ours),
    floor: asFloor(floor),
    raw: { name: RAW, server: raw, headers: {}, isRaw: true },
    portkey: portkey && { name: PORTKEY, server: portkey, headers: portkeyHeaders(upstreamUrl), isRaw: true },
  };
}

function asOurs(server: ServerProcess): Target {
  return { name: 'Parlance', server, headers: { Authorization: `Bearer ${KEY}` }, isRaw: false };
}

function asFloor(server: ServerProcess): Target {
  return { name: FLOOR, server, headers: {}, isRaw: false };
}

function vertexUpstream(upstreamUrl: string): object {
  return {
    kind: 'vertex',
    base_url: upstreamUrl,
    project: 'p',
    location: 'us-central1',
    access_token: 'token',
    http2: false,
  };
}

function portkeyHeaders(upstreamUrl: string): Record<string, string> {
  return {
    Authorization: 'Bearer token',
    'x-portkey-provider': 'vertex-ai',
    'x-portkey-custom-host': upstreamUrl,
    'x-portkey-vertex-project-id': 'p',
    'x-portkey-vertex-region': 'us-central1',
  };
}

/** CPU time of one kind of answer: ours against the floor, and the two others against ours and the floor. */
async function loadFigures(
  { upstream, ours, floor, raw, portkey }: Targets,
  { stream, loads }: { stream: boolean; loads: MachineLoad[] },
): Promise<Figure[]> {
  const requests = stream ? STREAMS : COMPLETIONS;
  const targets = [ours, floor, raw, ...(portkey === undefined ? [] : [portkey])];
  const contenders = targets.map((target) => ({ target, request: { stream } }));
  const cpu = await compareCpu(contenders, { requests, upstream, loads });
  const what = `${stream ? 'stream of 64 pieces' : 'whole answer'}: CPU time`;
  const roundsOf = (target: Target): readonly number[] => cpu[targets.indexOf(target)] ?? [];
  const compare = (target: Target, atMost?: number): Figure =>
    compareFigure(what, roundsOf(ours), { target, rounds: roundsOf(target), atMost });
  return [
    compare(floor, stream ? 1.4 : 1.5),
    compare(raw),
    ...(portkey === undefined ? [] : [compare(portkey, stream ? 0.25 : 0.167)]),
  ];
}

/** What a client waits longer than for the upstream itself, one request at a time. */
async function delayFigures({ ours, floor, raw }: Targets): Promise<Figure[]> {
  const added = async (target: Target, field: 'wholeMs' | 'firstPieceMs'): Promise<number> => {
    const stream = field === 'firstPieceMs';
    const rounds = [];
    const single = { requests: SINGLE, connections: 1 };
    for (const _round of timedRounds({ most: 3, seconds: 20 })) {
      const passed = await load(raw, { stream }, single);
      rounds.push((await load(target, { stream }, single))[field] - passed[field]);
    }
    return median(rounds);
  };
  const figure = async (what: string, field: 'wholeMs' | 'firstPieceMs', bound: number): Promise<Figure> => {
    const floorMs = await added(floor, field);
    return {
      what: `${what}, more than ${RAW} (the floor: ${floorMs.toFixed(2)})`,
      unit: 'ms',
      ours: await added(ours, field),
      goal: { of: 'ours', at: 'most', bound },
    };
  };
  return [
    await figure('one at a time: whole answer', 'wholeMs', 0.8),
    await figure('one at a time: first piece', 'firstPieceMs', 1),
  ];
}

/** Pieces come 5 ms apart, so that all streams run at the same time. */
async function concurrencyFigure({ upstream }: Targets): Promise<Figure> {
  const request = { stream: true, model: 'gemini-2.5-flash-d5' };
  const [ours, floor] = await onFreshProcesses(upstream.url, async (target) => {
    await load(target, request, { requests: CONCURRENT_STREAMS, connections: CONCURRENT_STREAMS });
    return peakMebibytes(target.server.pid);
  });
  return {
    what: `${CONCURRENT_STREAMS} streams at once, none lost: memory`,
    unit: 'MiB',
    ours,
    baseline: { name: FLOOR, value: floor },
    goal: { of: 'ours', at: 'most', bound: 250 },
  };
}

/** Memory for a request with an image, in sizes of the image, beyond what the floor needs. */
async function imageFigure({ upstream }: Targets): Promise<Figure> {
  const request = { stream: false, imageLength: IMAGE_MEBIBYTES * 1024 * 1024 };
  const copies = async (target: Target): Promise<number> => {
    const { pid } = target.server;
    await load(target, { stream: false }, { requests: SINGLE, connections: 1 });
    const before = residentMebibytes(pid);
    forgetPeak(pid);
    await load(target, request, { requests: IMAGES, connections: 1 });
    return (peakMebibytes(pid) - before) / IMAGE_MEBIBYTES;
  };
  // How much garbage is there at the peak is a matter of luck.
  const pairs: [number, number][] = [];
  for (const _round of timedRounds({ most: 3, seconds: 30 })) {
    pairs.push(await onFreshProcesses(upstream.url, copies));
  }
  const ours = median(pairs.map(([mine]) => mine));
  const floor = median(pairs.map(([, theirs]) => theirs));
  return {
    what: `inline image of ${IMAGE_MEBIBYTES} MiB: copies in memory, more than the floor's ${floor.toFixed(1)}`,
    unit: 'copies',
    ours: ours - floor,
    goal: { of: 'ours', at: 'most', bound: 1 },
  };
}

/** Measures memory of ours and of the floor: a process that has been under load keeps what it once took. */
async function onFreshProcesses(
  upstreamUrl: string,
  measure: (target: Target) => Promise<number>,
): Promise<[ours: number, floor: number]> {
  const run = async (target: Target): Promise<number> => {
    try {
      return await measure(target);
    } finally {
      await target.server.stop();
    }
  };
  return [
    await run(asOurs(await startGateway({ upstream: vertexUpstream(upstreamUrl), key: KEY }))),
    await run(asFloor(await startNodeServer('./node-translate.ts', undefined, [upstreamUrl]))),
  ];
}

/** Time and memory until a request with a hostile schema is answered, be it refused or passed on. */
async function schemaFigures({ ours }: Targets): Promise<Figure[]> {
  const figures: Figure[] = [];
  const schemas = { 'a reference bomb': referenceBomb(), 'a schema 5,000 deep': deepSchema() };
  for (const [what, schema] of Object.entries(schemas)) {
    const { pid } = ours.server;
    // Gemini 2.0 takes OpenAPI schemas only: references have to be written out.
    const body = gatewayRequest({ stream: false, model: 'gemini-2.0-flash', schema });
    await judge(ours, body);
    const times: number[] = [];
    const before = residentMebibytes(pid);
    forgetPeak(pid);
    for (let verdict = 0; verdict < VERDICTS; verdict++) {
      const start = performance.now();
      await judge(ours, body);
      times.push(performance.now() - start);
    }
    const memory = peakMebibytes(pid) - before;
    figures.push(
      {
        what: `${what}: verdict`,
        unit: 'ms',
        ours: median(times),
        goal: { of: 'ours', at: 'most', bound: 50 },
      },
      { what: `${what}: memory`, unit: 'MiB', ours: memory, goal: { of: 'ours', at: 'most', bound: 16 } },
    );
  }
  return figures;
}

async function judge({ server, headers }: Target, body: string): Promise<void> {
  const response = await fetch(`${server.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  });
  const text = await response.text();
  if (response.status !== 200 && response.status !== 400) {
    throw new Error(`a hostile schema was answered with ${response.status}: ${text.slice(0, 200)}`);
  }
}
