/** One server for all end-to-end tests: `inject('parlanceUrl')` is its address. */
import type { TestProject } from 'vitest/node';
import { startParlance } from './parlance-process.ts';

declare module 'vitest' {
  interface ProvidedContext {
    parlanceUrl: string;
  }
}

/**
 * Two upstreams with the same model. The small context of the first ends the stories of a small model early, so that
 * no example has to say how long an answer may be; the second has room for long schemas. No rule fits every model, so
 * that a test can ask for one that does not exist.
 */
const CONFIG = `
server: { shutdown_grace_ms: 1000 }
upstreams:
  brief: { kind: embedded, context_size: 256 }
  roomy: { kind: embedded, context_size: 1024 }
models:
  - { match: "google/gemini-2.5-pro", upstream: roomy }
  - { match: "google/*", upstream: brief }
endpoints:
  "*": { upstream: brief }
`;

/** Vitest calls this before the first file and what it returns after the last one. */
export default async function shareParlance(project: TestProject): Promise<() => Promise<void>> {
  const server = await startParlance({ config: CONFIG });
  project.provide('parlanceUrl', server.url);
  return async () => {
    const code = await server.stop();
    if (code !== 0) throw new Error(`The server ended with exit code ${code}; it wrote:\n${server.output()}`);
  };
}
