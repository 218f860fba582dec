/** How long the server takes to come up, and what it holds in memory while it has nothing to do. */
import { type EngineSetup, startReference } from './measure-engine.ts';
import { median } from './median.ts';
import {
  cpuMicrosecondsWithEnded,
  type MachineLoad,
  residentMebibytes,
  watchMachine,
} from './process-clock.ts';
import type { Figure, Section } from './report.ts';
import { type ServerProcess, startNodeServer, startParlance } from './server-process.ts';
import { timedRounds } from './timed-rounds.ts';

const ROUNDS = { most: 5, seconds: 45 };
/** Rest before memory is read, in milliseconds. */
const SETTLE = 500;

/** What one start showed, in milliseconds and mebibytes. */
interface Start {
  readonly after: number;
  /** CPU time until then, which a busy machine does not stretch. */
  readonly cpu: number;
  readonly memory: number;
}

export async function measureStart(setup: EngineSetup): Promise<Section> {
  const server: Start[] = [];
  const engine: Start[] = [];
  const bare: Start[] = [];
  const llama: Start[] = [];
  const loads: MachineLoad[] = [];
  for (const _round of timedRounds(ROUNDS)) {
    const endWatch = watchMachine([]);
    const ours = await startParlance({ model: setup.modelPath, threads: setup.threads });
    const cpu = cpuMicrosecondsWithEnded(ours.pid) + cpuMicrosecondsWithEnded(ours.enginePid);
    loads.push(endWatch(cpu));
    server.push({ after: ours.healthyAfter, cpu: cpu / 1000, memory: await settledMemory(ours.pid) });
    engine.push({ after: ours.readyAfter, cpu: cpu / 1000, memory: residentMebibytes(ours.enginePid) });
    await ours.stop();
    bare.push(await startBare());
    const reference = await startReference(setup);
    if (reference !== undefined) llama.push(await look(reference, reference.readyAfter));
  }
  return {
    title: `a. Start and memory, median of up to ${ROUNDS.most} starts`,
    figures: [
      {
        ...figure('process start to GET /healthz', 'ms', { of: 'after', ours: server, bare }),
        goal: { of: 'ours', at: 'most', bound: 2000 },
      },
      {
        ...figure('process start to GET /readyz 200', 'ms', { of: 'after', ours: engine, llama }),
        goal: { of: 'ours', at: 'most', bound: 5000 },
      },
      figure('CPU time until ready, all processes', 'ms', { of: 'cpu', ours: engine, llama }),
      {
        ...figure('memory, idle server', 'MiB', { of: 'memory', ours: server, bare }),
        goal: { of: 'ours', at: 'most', bound: 120 },
      },
      figure('memory, idle engine process', 'MiB', { of: 'memory', ours: engine, llama }),
    ],
    loads,
    notes: ['The model file is there, and the files have been read before.'],
  };
}

async function startBare(): Promise<Start> {
  const start = performance.now();
  const bare = await startNodeServer('./bare-server.ts');
  await (await fetch(bare.url)).arrayBuffer();
  return look(bare, performance.now() - start);
}

async function look(server: ServerProcess, after: number): Promise<Start> {
  const cpu = cpuMicrosecondsWithEnded(server.pid) / 1000;
  const memory = await settledMemory(server.pid);
  await server.stop();
  return { after, cpu, memory };
}

async function settledMemory(pid: number): Promise<number> {
  await new Promise((resolve) => {
    setTimeout(resolve, SETTLE);
  });
  return residentMebibytes(pid);
}

function figure(
  what: string,
  unit: string,
  { of, ours, bare = [], llama = [] }: { of: keyof Start; ours: Start[]; bare?: Start[]; llama?: Start[] },
): Figure {
  const middle = (starts: readonly Start[]): number => median(starts.map((start) => start[of]));
  const alone = { what, unit, ours: middle(ours) };
  if (bare.length > 0) return { ...alone, baseline: { name: 'bare node:http', value: middle(bare) } };
  if (llama.length > 0) return { ...alone, baseline: { name: 'llama-server', value: middle(llama) } };
  return alone;
}
