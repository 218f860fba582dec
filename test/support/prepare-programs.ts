/** Installs what tests of several files start, one after the other: two package managers at once would not. */
import { preparePythonEnvironment } from '../../scripts/python-env.ts';
import { findPostgres } from './postgres-server.ts';
import { findRedis } from './redis-server.ts';
import { prepareTinygrad } from './tinygrad-server.ts';

/** Vitest calls this before the first file. What cannot be had the tests say themselves. */
export default async function preparePrograms(): Promise<void> {
  for (const prepare of [preparePythonEnvironment, prepareTinygrad, findPostgres, findRedis]) await prepare();
}
