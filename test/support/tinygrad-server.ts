/**
 * tinygrad's server: a second make, and a plain one. It speaks HTTP/1.0, closes the connection after each answer,
 * answers one request at a time, and knows neither `n` nor `logprobs`. What it does not understand, such as a request
 * without `model`, ends the connection without an answer.
 */
import type { PythonEnvironment, PythonMissing } from '../../scripts/python-env.ts';
import { type ModelServer, prepareModelServers, pullTestModel, startModelServer } from './model-server.ts';

/** Installs tinygrad, once per checkout; or says why it cannot be had. */
export async function prepareTinygrad(): Promise<PythonEnvironment | PythonMissing> {
  const environment = await prepareModelServers();
  if ('missing' in environment || environment.versions['tinygrad'] !== undefined) return environment;
  return { missing: 'tinygrad needs Python 3.11 or newer, and x86-64 to do without a compiler.' };
}

/**
 * Starts a server that answers with the model of all end-to-end tests. It is slow: some 40 seconds until it is ready,
 * then three or four tokens a second.
 *
 * @throws {Error} as {@link startModelServer}
 */
export async function startTinygradServer(): Promise<ModelServer> {
  const environment = await prepareTinygrad();
  if ('missing' in environment) throw new Error(environment.missing);
  return startModelServer({
    script: 'tinygrad_server.py',
    // The script listens elsewhere than on port 1; without a port tinygrad would not serve.
    args: ['--model', await pullTestModel(), '--max_context', '512', '--serve', '1'],
    // Its own x86 assembler, and weights unpacked once instead of for each token: both halve the time.
    env: { DEV: 'CPU:X86', REALIZE: '1' },
  });
}
