/** What clients cost that read large answers slowly: memory of the server, and bytes it takes from the model server. */
import { load, type Target } from './bench-target.ts';
import { gatewayRequest } from './gateway-fixtures.ts';
import type { HandedOut } from './large-answers.ts';
import { forgetPeak, peakMebibytes, residentMebibytes } from './process-clock.ts';
import { ALIAS_MODEL, orderText, SERVED_MODEL } from './relay-fixtures.ts';
import { startOurRelay, startRawRelay } from './relay-targets.ts';
import type { Figure } from './report.ts';
import { startNodeServer } from './server-process.ts';
import { readSlowly } from './slow-readers.ts';

const SLOW = { readers: 20, bytesPerSecond: 1024, seconds: 10 };
/** Until then, in seconds, the buffers of all sockets on the way are full. */
const FILLED = 7;
/** Of each answer. */
const MEGABYTES = 50;
/** Requests that load all code beforehand. */
const WARM_UP = 500;

interface SlowRun {
  /** Mebibytes. */
  readonly growth: number;
  /** Megabytes taken from the model server for each reader. */
  readonly taken: number;
  /** How much of that after the buffers were full. */
  readonly takenLate: number;
}

export async function slowReaderFigures(): Promise<Figure[]> {
  const [stream, whole, raw] = await Promise.all([
    runSlowReaders(startOurRelay, { stream: true }),
    runSlowReaders(startOurRelay, { stream: false }),
    runSlowReaders(startRawRelay, { stream: true }),
  ]);
  return [
    { what: 'streams', run: stream },
    { what: 'whole answers', run: whole },
  ].flatMap(({ what, run }): Figure[] => {
    const setting = `${SLOW.readers} ${what} of ${MEGABYTES} MB, read at 1 KB/s`;
    const filled = `after ${run.taken.toFixed(1)} MB each`;
    return [
      {
        what: `${setting}: growth of memory`,
        unit: 'MiB',
        ours: run.growth,
        baseline: { name: 'node-raw', value: raw.growth },
        goal: { of: 'ours', at: 'most', bound: 64 },
      },
      {
        what: `${setting}: taken from upstream in ${SLOW.seconds - FILLED} s, ${filled}`,
        unit: 'MB',
        ours: run.takenLate,
        goal: { of: 'ours', at: 'most', bound: 0.5 },
      },
    ];
  });
}

/** On a fresh server: one that has been under load keeps the memory it once took. */
async function runSlowReaders(
  start: (upstreamUrl: string) => Promise<Target>,
  { stream }: { stream: boolean },
): Promise<SlowRun> {
  const upstream = await startNodeServer('./openai-upstream.ts');
  try {
    const target = await start(upstream.url);
    try {
      await load(target, { stream, model: SERVED_MODEL }, { requests: WARM_UP });
      return await readFrom(target, { stream, upstreamUrl: upstream.url });
    } finally {
      await target.server.stop();
    }
  } finally {
    await upstream.stop();
  }
}

async function readFrom(
  { server, headers }: Target,
  { stream, upstreamUrl }: { stream: boolean; upstreamUrl: string },
): Promise<SlowRun> {
  const before = residentMebibytes(server.pid);
  forgetPeak(server.pid);
  const user = orderText({ kind: 'large', bytes: MEGABYTES * 1e6 });
  const [filled, taken] = await Promise.all([
    takenAfter(FILLED, upstreamUrl),
    takenAfter(SLOW.seconds - 0.5, upstreamUrl),
    readSlowly({
      port: Number(new URL(server.url).port),
      headers,
      body: gatewayRequest({ stream, model: ALIAS_MODEL, user }),
      ...SLOW,
    }),
  ]);
  return { growth: peakMebibytes(server.pid) - before, taken, takenLate: taken - filled };
}

/** @returns megabytes that were taken from the model server after so many seconds, for each reader */
async function takenAfter(seconds: number, upstreamUrl: string): Promise<number> {
  await new Promise((resolve) => {
    setTimeout(resolve, seconds * 1000);
  });
  const { answers, bytes } = (await (await fetch(`${upstreamUrl}/handed-out`)).json()) as HandedOut;
  if (answers !== SLOW.readers)
    throw new Error(`${answers} large answers are under way, not ${SLOW.readers}`);
  return bytes / answers / 1e6;
}
