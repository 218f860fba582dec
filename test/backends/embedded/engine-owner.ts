/** A server in miniature: starts an engine that writes an endless answer, and prints the engine's process id. */
import { EngineSupervisor } from '../../../src/backends/embedded/engine-supervisor.ts';

const supervisor = new EngineSupervisor({
  engine: { modelPath: process.argv[2] ?? '', slots: 1, contextSize: 2048, threads: 1, gpu: false },
  queueSize: 1,
  log: { info: () => {}, warn: () => {}, debug: () => {} },
});
supervisor.start();
const [stream] = supervisor.generate([
  {
    prompt: [{ text: 'Once upon a time', trusted: true }],
    stop: [],
    sampling: {
      temperature: 1,
      topP: 1,
      topK: 0,
      seed: 1,
      presencePenalty: 0,
      frequencyPenalty: 0,
      logitBias: [],
    },
  },
]);
await stream?.next();
process.stdout.write(String(supervisor.pid));
for await (const _ of stream ?? []);
