import { defineConfig } from 'vitest/config';

const E2E = 'test/**/*.e2e.test.ts';

/** End-to-end tests without the embedded engine, which leave room for each other; those of memory want it for themselves. */
const PROCESSES = [
  'test/{auth,gemini,relay,state,translate}/**/*.e2e.test.ts',
  'test/media/storage/*.e2e.test.ts',
  'test/backends/openai-compatible/**/*.e2e.test.ts',
  'test/relay-servers/plain-server.e2e.test.ts',
];

/** Folders whose tests take whole servers, databases, downloads and their time-outs: seconds a file. */
const INTEGRATION = 'test/{bench,cli,gemini,media,model-store,relay,secrets,state}/**/*.test.ts';

// Modules are loaded once for all files of a worker: a third of the time.
const MANY_FILES = { pool: 'threads', isolate: false, maxWorkers: '100%' } as const;

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          ...MANY_FILES,
          include: ['test/**/*.test.ts'],
          exclude: [INTEGRATION, E2E],
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'integration',
          ...MANY_FILES,
          include: [INTEGRATION],
          exclude: [E2E],
          testTimeout: 20_000,
          // Several files at once may each make the embedded database that a checkout has not yet.
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'processes',
          include: PROCESSES,
          globalSetup: ['test/support/prepare-programs.ts'],
          maxWorkers: 2,
          testTimeout: 180_000,
          hookTimeout: 600_000,
        },
      },
      {
        // The real model, real clients, real processes: one file at a time, so that two engines never share the cores.
        test: {
          name: 'e2e',
          include: [E2E],
          exclude: PROCESSES,
          globalSetup: ['test/support/shared-parlance.ts'],
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});
