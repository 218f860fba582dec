/** One server for all end-to-end tests: `inject('parlanceUrl')` is its address. */
import type { TestProject } from 'vitest/node';
import { startParlance } from './parlance-process.ts';

declare module 'vitest' {
  interface ProvidedContext {
    parlanceUrl: string;
  }
}

/**
 * No rule for every model, so that a test can ask for one that does not exist. The small context ends the stories of a
 * small model early: no client has to say how long an answer may be.
 */
const CONFIG = `
server: { shutdown_grace_ms: 1000 }
upstreams:
  local: { kind: embedded, context_size: 512 }
models:
  - { match: "google/*", upstream: local }
endpoints:
  "*": { upstream: local }
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
