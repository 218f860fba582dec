import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          // Modules are loaded once for all files of a worker: a third of the time.
          pool: 'threads',
          isolate: false,
          maxWorkers: '100%',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.e2e.test.ts'],
          testTimeout: 20_000,
          // Several files at once may each make the embedded database that a checkout has not yet.
          hookTimeout: 60_000,
        },
      },
      {
        // The real model, real clients, real processes: one file at a time, so that two engines never share the cores.
        test: {
          name: 'e2e',
          include: ['test/**/*.e2e.test.ts'],
          globalSetup: ['test/support/shared-parlance.ts'],
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});
