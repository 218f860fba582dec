/** What the server itself costs, without the engine: CPU time for each event of a stream and each answer. */
import { SCRIPTED_EVENTS } from './chat-fixtures.ts';
import { runGenerator } from './generator.ts';
import type { LoadOrder } from './load-generator.ts';
import { cpuPerToken, type EngineSetup, runGroup, SLOTS } from './measure-engine.ts';
import { median } from './median.ts';
import { cpuMicroseconds, type MachineLoad, watchMachine } from './process-clock.ts';
import type { Figure, Section } from './report.ts';
import { type ServerProcess, startNodeServer, startParlance } from './server-process.ts';
import { timedRounds } from './timed-rounds.ts';

/** For each kind of answer. */
const ROUNDS = { most: 5, seconds: 20 };
const CONNECTIONS = 4;
/** Answers of a round, enough for a second or so of CPU time, which the clock counts in steps of 10 ms. */
const STREAMS = 600;
const COMPLETIONS = 2500;

const ENGINE_ROUNDS = { most: 3, seconds: 25 };
const ENGINE_TOKENS = 96;

/** @param profile folder for a CPU profile of our server under this load */
export async function measureServer(setup: EngineSetup, profile?: string): Promise<Section> {
  const loads: MachineLoad[] = [];
  const figures = [...(await scriptedFigures(loads, profile)), ...(await engineFigures(setup, loads))];
  return {
    title: `c. The server's own cost: CPU time of its process, median of up to ${ROUNDS.most} rounds`,
    figures,
    loads,
    notes: [
      `Scripted: the backend has all ${SCRIPTED_EVENTS} events of an answer ready at once; every answer is checked event by event.`,
      'The baseline reads the request and writes the same bytes, one write an event, and does nothing else.',
      'With the real engine every token wakes the server on its own.',
    ],
  };
}

async function scriptedFigures(loads: MachineLoad[], profile: string | undefined): Promise<Figure[]> {
  const ours = await startNodeServer('./scripted-server.ts', profile);
  try {
    const bare = await startNodeServer('./bare-server.ts');
    try {
      return [
        await scriptedFigure('streamed event', { ours, bare, loads, stream: true }),
        await scriptedFigure('answer in one piece', { ours, bare, loads, stream: false }),
      ];
    } finally {
      await bare.stop();
    }
  } finally {
    await ours.stop();
  }
}

async function scriptedFigure(
  what: string,
  {
    ours,
    bare,
    loads,
    stream,
  }: { ours: ServerProcess; bare: ServerProcess; loads: MachineLoad[]; stream: boolean },
): Promise<Figure> {
  const requests = stream ? STREAMS : COMPLETIONS;
  const units = stream ? requests * SCRIPTED_EVENTS : requests;
  const mine: number[] = [];
  const theirs: number[] = [];
  // Lets both compile their hot code.
  for (const server of [ours, bare]) await runLoad(server, { stream, requests });
  for (const _round of timedRounds(ROUNDS)) {
    const endWatch = watchMachine([ours.pid, bare.pid]);
    const first = await runLoad(ours, { stream, requests });
    const second = await runLoad(bare, { stream, requests });
    loads.push(endWatch(first.generator + second.generator));
    mine.push(first.server / units);
    theirs.push(second.server / units);
  }
  return {
    what: `scripted: ${what}`,
    unit: 'us',
    ours: median(mine),
    baseline: { name: 'bare node:http', value: median(theirs) },
    ratio: median(mine.map((value, at) => value / (theirs[at] ?? Number.NaN))),
  };
}

/** @returns CPU microseconds of the server and of the generator for one run of the load generator */
async function runLoad(
  server: ServerProcess,
  { stream, requests }: { stream: boolean; requests: number },
): Promise<{ server: number; generator: number }> {
  const order: LoadOrder = {
    port: Number(new URL(server.url).port),
    stream,
    connections: CONNECTIONS,
    requests,
  };
  const before = cpuMicroseconds(server.pid);
  const { cpuMicroseconds: generator } = await runGenerator(server.url, './load-generator.ts', order);
  return { server: cpuMicroseconds(server.pid) - before, generator };
}

async function engineFigures(setup: EngineSetup, loads: MachineLoad[]): Promise<Figure[]> {
  const server = await startParlance({ model: setup.modelPath, threads: setup.threads });
  try {
    const pids = [server.pid, server.enginePid];
    await runGroup(server.url, { parallel: SLOTS, tokens: ENGINE_TOKENS, pids });
    const groups = [];
    for (const _round of timedRounds(ENGINE_ROUNDS)) {
      const endWatch = watchMachine(pids);
      groups.push(await runGroup(server.url, { parallel: SLOTS, tokens: ENGINE_TOKENS, pids }));
      loads.push(endWatch());
    }
    return [{ what: `real engine, ${SLOTS} streams: token`, unit: 'us', ours: cpuPerToken(groups, 0) }];
  } finally {
    await server.stop();
  }
}
