/** `npm run bench`: measures this checkout on this machine. What the figures mean is told in docs/benchmarks.md. */
import { availableParallelism, cpus, homedir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DEFAULT_MODEL_NAME } from '../src/model-store/catalogue.ts';
import { openModelStore } from '../src/model-store/model-store.ts';
import { buildLlamaServer, findLlamaServer, NO_BASELINE } from './llama-server.ts';
import { type EngineSetup, measureEngine } from './measure-engine.ts';
import { measureGateway } from './measure-gateway.ts';
import { measureRelay } from './measure-relay.ts';
import { measureServer } from './measure-server.ts';
import { measureStart } from './measure-start.ts';
import { formatSection, type Section } from './report.ts';

const HELP = `Usage: npm run bench -- [--only a|b|c|gateway|relay] [--baseline build] [--profile FOLDER]

  a  start and memory
  b  the embedded engine next to llama.cpp's own server
  c  what the server itself costs
  gateway  what it costs in front of Gemini, next to bare proxies
  relay    what it costs in front of a model server, next to bare proxies

Options:
  --only PART       one part instead of all
  --baseline build  builds llama.cpp's server first, into .cache/llama.cpp (about 15 minutes on two cores)
  --profile FOLDER  writes a CPU profile of our server in parts c, gateway and relay

LLAMA_SERVER names an llama-server to compare with instead of the one in .cache/llama.cpp.
`;

const ENGINE_PARTS: Record<string, (setup: EngineSetup, profile: string | undefined) => Promise<Section>> = {
  a: measureStart,
  b: measureEngine,
  c: measureServer,
};

/** The parts that need no model. */
const PROXY_PARTS: Record<string, (profile: string | undefined) => Promise<Section>> = {
  gateway: measureGateway,
  relay: measureRelay,
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
  const parts = [...Object.keys(ENGINE_PARTS), ...Object.keys(PROXY_PARTS)];
  if (values.only !== undefined && !parts.includes(values.only))
    throw new Error('--only takes a, b, c, gateway or relay.');
  if (process.platform !== 'linux') throw new Error('The benchmark reads /proc, which only Linux has.');
  process.stdout.write(
    `${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${availableParallelism()} cores, Node.js ${process.version}\n\n`,
  );
  if (values.only === undefined || values.only in ENGINE_PARTS)
    await runEngineParts(values.only, prepare(values.baseline === 'build'), values.profile);
  for (const [part, measure] of Object.entries(PROXY_PARTS)) {
    if (values.only !== undefined && values.only !== part) continue;
    process.stdout.write(`${formatSection(await measure(values.profile))}\n`);
  }
  return 0;
}

async function runEngineParts(
  only: string | undefined,
  setup: EngineSetup,
  profile: string | undefined,
): Promise<void> {
  process.stdout.write(`The embedded model is ${DEFAULT_MODEL_NAME}.\n`);
  if (setup.llamaServer === undefined) process.stdout.write(`${NO_BASELINE}\n\n`);
  for (const [part, measure] of Object.entries(ENGINE_PARTS)) {
    if (only !== undefined && only !== part) continue;
    process.stdout.write(`${formatSection(await measure(setup, profile))}\n`);
  }
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
