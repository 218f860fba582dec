/** How long the server takes to come up, and what it holds in memory while it has nothing to do. */
import { type EngineSetup, startReference } from './measure-engine.ts';
import { median } from './median.ts';
import { type MachineLoad, residentMebibytes, watchMachine } from './process-clock.ts';
import type { Figure, Section } from './report.ts';
import { type ServerProcess, startNodeServer, startParlance } from './server-process.ts';

const ROUNDS = 5;
/** Rest before memory is read, in milliseconds. */
const SETTLE = 500;

/** What one start showed, in milliseconds and mebibytes. */
interface Start {
  readonly after: number;
  readonly memory: number;
}

export async function measureStart(setup: EngineSetup): Promise<Section> {
  const server: Start[] = [];
  const engine: Start[] = [];
  const bare: Start[] = [];
  const llama: Start[] = [];
  const loads: MachineLoad[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const ours = await startParlance({ model: setup.modelPath, threads: setup.threads });
    const endWatch = watchMachine([ours.pid, ours.enginePid]);
    server.push({ after: ours.healthyAfter, memory: await settledMemory(ours.pid) });
    engine.push({ after: ours.readyAfter, memory: residentMebibytes(ours.enginePid) });
    // The server is idle now: what the machine does is somebody else's.
    loads.push(endWatch());
    await ours.stop();
    bare.push(await startBare());
    const reference = await startReference(setup);
    if (reference !== undefined) llama.push(await look(reference, reference.readyAfter));
  }
  return {
    title: `a. Start and memory, median of ${ROUNDS} starts`,
    figures: [
      {
        ...figure('process start to GET /healthz', 'ms', {
          ours: server,
          name: 'bare node:http',
          baseline: bare,
        }),
        goal: { of: 'ours', at: 'most', bound: 2000 },
      },
      {
        ...figure('process start to GET /readyz 200', 'ms', {
          ours: engine,
          name: 'llama-server',
          baseline: llama,
        }),
        goal: { of: 'ours', at: 'most', bound: 5000 },
      },
      {
        ...figure('memory, idle server', 'MiB', { ours: server, name: 'bare node:http', baseline: bare }),
        goal: { of: 'ours', at: 'most', bound: 120 },
      },
      figure('memory, idle engine process', 'MiB', { ours: engine, name: 'llama-server', baseline: llama }),
    ],
    loads,
    notes: ['The model file is there. The load is that of the seconds in which memory is read.'],
  };
}

async function startBare(): Promise<Start> {
  const start = performance.now();
  const bare = await startNodeServer('./bare-server.ts');
  await (await fetch(bare.url)).arrayBuffer();
  return look(bare, performance.now() - start);
}

async function look(server: ServerProcess, after: number): Promise<Start> {
  const memory = await settledMemory(server.pid);
  await server.stop();
  return { after, memory };
}

async function settledMemory(pid: number): Promise<number> {
  await new Promise((resolve) => {
    setTimeout(resolve, SETTLE);
  });
  return residentMebibytes(pid);
}

function figure(
  what: string,
  unit: 'ms' | 'MiB',
  { ours, name, baseline }: { ours: readonly Start[]; name: string; baseline: readonly Start[] },
): Figure {
  const of = (starts: readonly Start[]): number =>
    median(starts.map(({ after, memory }) => (unit === 'ms' ? after : memory)));
  return {
    what,
    unit,
    ours: of(ours),
    ...(baseline.length === 0 ? {} : { baseline: { name, value: of(baseline) } }),
  };
}
