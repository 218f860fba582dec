/** `npm run bench`: measures this checkout on this machine. What the figures mean is told in docs/benchmarks.md. */
import { availableParallelism, cpus, homedir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DEFAULT_MODEL_NAME } from '../src/model-store/catalogue.ts';
import { openModelStore } from '../src/model-store/model-store.ts';
import { buildLlamaServer, findLlamaServer, NO_BASELINE } from './llama-server.ts';
import { type EngineSetup, measureEngine } from './measure-engine.ts';
import { measureServer } from './measure-server.ts';
import { measureStart } from './measure-start.ts';
import { formatSection, type Section } from './report.ts';

const HELP = `Usage: npm run bench -- [--only a|b|c] [--baseline build] [--profile FOLDER]

  a  start and memory
  b  the embedded engine next to llama.cpp's own server
  c  what the server itself costs

Options:
  --only PART       one part instead of all
  --baseline build  builds llama.cpp's server first, into .cache/llama.cpp (about 15 minutes on two cores)
  --profile FOLDER  writes a CPU profile of our server in part c

LLAMA_SERVER names an llama-server to compare with instead of the one in .cache/llama.cpp.
`;

const PARTS: Record<string, (setup: EngineSetup, profile: string | undefined) => Promise<Section>> = {
  a: measureStart,
  b: measureEngine,
  c: measureServer,
};

/** @returns the exit code */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      baseline: { type: 'string' },
      profile: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  if (values.baseline !== undefined && values.baseline !== 'build')
    throw new Error('--baseline takes only "build".');
  if (values.only !== undefined && !(values.only in PARTS)) throw new Error('--only takes a, b or c.');
  if (process.platform !== 'linux') throw new Error('The benchmark reads /proc, which only Linux has.');
  const setup = prepare(values.baseline === 'build');
  const cores = availableParallelism();
  process.stdout.write(
    `${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${cores} cores, Node.js ${process.version}, ${DEFAULT_MODEL_NAME}\n\n`,
  );
  if (setup.llamaServer === undefined) process.stdout.write(`${NO_BASELINE}\n\n`);
  for (const [part, measure] of Object.entries(PARTS)) {
    if (values.only !== undefined && values.only !== part) continue;
    process.stdout.write(`${formatSection(await measure(setup, values.profile))}\n`);
  }
  return 0;
}

function prepare(build: boolean): EngineSetup {
  const home = process.env['PARLANCE_HOME'] ?? join(homedir(), '.parlance');
  const model = openModelStore({ home, log: () => {} }).locate(DEFAULT_MODEL_NAME);
  if (model === undefined) {
    throw new Error(`The model is not in ${home} yet. Fetch it first: npm run parlance -- models pull`);
  }
  return {
    modelPath: model.path,
    // What Parlance takes unless configured otherwise.
    threads: Math.max(1, availableParallelism() - 1),
    llamaServer: build ? buildLlamaServer() : findLlamaServer(process.env),
  };
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
