/** How fast the embedded engine writes, next to llama.cpp's own server with the same model. */
import { engineRequest } from './chat-fixtures.ts';
import { median } from './median.ts';
import { cpuMicroseconds, type MachineLoad, watchMachine } from './process-clock.ts';
import type { Figure, Section } from './report.ts';
import { type ParlanceProcess, type ServerProcess, startParlance } from './server-process.ts';
import { startLlamaServer } from './llama-server.ts';
import { streamChat } from './stream-chat.ts';
import { timedRounds } from './timed-rounds.ts';

export interface EngineSetup {
  readonly modelPath: string;
  readonly threads: number;
  /** Path of llama.cpp's server; `undefined` when there is none. */
  readonly llamaServer: string | undefined;
}

/** Slots and context of a slot: what Parlance takes unless configured otherwise. */
export const SLOTS = 4;
export const CONTEXT_SIZE = 4096;

/** For each number of parallel requests. */
const ROUNDS = { most: 5, seconds: 50 };
const TOKENS = 96;

/** One group of requests that ran at the same time. */
interface GroupResult {
  readonly tokensPerSecond: number;
  readonly tokens: number;
  /** CPU microseconds of each process that was asked for. */
  readonly cpu: readonly number[];
  readonly promptTokens: readonly number[];
}

export async function measureEngine(setup: EngineSetup): Promise<Section> {
  const ours = await startParlance({ model: setup.modelPath, threads: setup.threads });
  try {
    const llama = await startReference(setup);
    try {
      return await compare(ours, llama, setup);
    } finally {
      await llama?.stop();
    }
  } finally {
    await ours.stop();
  }
}

/** llama.cpp's server in the same shape as our engine; `undefined` when there is none. */
export async function startReference(
  setup: EngineSetup,
): Promise<(ServerProcess & { readyAfter: number }) | undefined> {
  const { llamaServer: program, modelPath, threads } = setup;
  if (program === undefined) return undefined;
  return startLlamaServer({ program, modelPath, threads, slots: SLOTS, contextSize: CONTEXT_SIZE });
}

async function compare(
  ours: ParlanceProcess,
  llama: ServerProcess | undefined,
  { threads }: EngineSetup,
): Promise<Section> {
  const figures: Figure[] = [];
  const loads: MachineLoad[] = [];
  const pids = [ours.pid, ours.enginePid, ...(llama === undefined ? [] : [llama.pid])];
  for (const parallel of [1, SLOTS]) {
    const mine: GroupResult[] = [];
    const theirs: GroupResult[] = [];
    const run = async (tokens: number): Promise<[GroupResult, GroupResult | undefined]> => {
      const first = await runGroup(ours.url, { parallel, tokens, pids: [ours.pid, ours.enginePid] });
      if (llama === undefined) return [first, undefined];
      return [first, await runGroup(llama.url, { parallel, tokens, pids: [llama.pid] })];
    };
    // Fills the prompt caches of both.
    assertSamePrompts(...(await run(8)));
    for (const _round of timedRounds(ROUNDS)) {
      const endWatch = watchMachine(pids);
      const [first, second] = await run(TOKENS);
      loads.push(endWatch());
      mine.push(first);
      if (second !== undefined) theirs.push(second);
    }
    figures.push(...groupFigures(parallel, mine, theirs));
  }
  return {
    title: `b. Embedded engine: ${TOKENS} tokens an answer, ${threads} thread(s), median of up to ${ROUNDS.most} rounds`,
    figures,
    loads,
    notes: ['Ratios are medians of the ratios of neighbouring runs: ours, llama.cpp, ours, llama.cpp, ...'],
  };
}

/** Starts `parallel` requests at once and waits for all of them. */
export async function runGroup(
  url: string,
  { parallel, tokens, pids }: { parallel: number; tokens: number; pids: readonly number[] },
): Promise<GroupResult> {
  const cpuBefore = pids.map(cpuMicroseconds);
  const start = performance.now();
  const answers = await Promise.all(
    Array.from({ length: parallel }, (_, question) => streamChat(url, engineRequest({ tokens, question }))),
  );
  const seconds = (performance.now() - start) / 1000;
  const cpu = pids.map((pid, at) => cpuMicroseconds(pid) - (cpuBefore[at] ?? 0));
  const short = answers.find(({ completionTokens }) => completionTokens !== tokens);
  if (short !== undefined)
    throw new Error(`an answer has ${short.completionTokens} tokens instead of ${tokens}`);
  // A server that gathers tokens would be spared the work that is measured here.
  const gathered = answers.find(({ textEvents }) => textEvents < tokens / 2);
  if (gathered !== undefined) throw new Error(`${tokens} tokens came in ${gathered.textEvents} events`);
  const total = parallel * tokens;
  return {
    tokensPerSecond: total / seconds,
    tokens: total,
    cpu,
    promptTokens: answers.map(({ promptTokens }) => promptTokens),
  };
}

/** Both must have been asked the same. */
function assertSamePrompts(ours: GroupResult, theirs: GroupResult | undefined): void {
  if (theirs === undefined || ours.promptTokens.join() === theirs.promptTokens.join()) return;
  throw new Error(
    `prompts of ${ours.promptTokens.join()} tokens became ${theirs.promptTokens.join()} in llama.cpp`,
  );
}

function groupFigures(
  parallel: number,
  mine: readonly GroupResult[],
  theirs: readonly GroupResult[],
): readonly Figure[] {
  const name = 'llama-server';
  const requests = parallel === 1 ? '1 request' : `${parallel} requests at once`;
  const rate = (groups: readonly GroupResult[]): number =>
    median(groups.map((group) => group.tokensPerSecond));
  const ratios = mine.flatMap((group, at) => {
    const other = theirs[at];
    return other === undefined ? [] : [group.tokensPerSecond / other.tokensPerSecond];
  });
  const compared = theirs.length > 0;
  return [
    {
      what: `${requests}: tokens a second`,
      unit: '/s',
      ours: rate(mine),
      ...(compared ? { baseline: { name, value: rate(theirs) }, ratio: median(ratios) } : {}),
      goal: { of: 'ratio', at: 'least', bound: 0.9 },
    },
    {
      what: `${requests}: CPU per token, engine process`,
      unit: 'ms',
      ours: cpuPerToken(mine, 1) / 1000,
      ...(compared ? { baseline: { name, value: cpuPerToken(theirs, 0) / 1000 } } : {}),
    },
    { what: `${requests}: CPU per token, server process`, unit: 'ms', ours: cpuPerToken(mine, 0) / 1000 },
  ];
}

/** Microseconds; over all groups, because the clock is coarse. */
export function cpuPerToken(groups: readonly GroupResult[], process: number): number {
  const cpu = groups.reduce((sum, group) => sum + (group.cpu[process] ?? 0), 0);
  return cpu / groups.reduce((sum, group) => sum + group.tokens, 0);
}
