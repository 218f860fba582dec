/** Portkey's gateway, to compare with. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { freePort } from '../scripts/free-port.ts';
import { type ServerProcess, startProgram } from './server-process.ts';

export const PORTKEY = 'Portkey 1.15.2';

/** What is to be said where it is not installed. */
export const NO_PORTKEY = `${PORTKEY}: not installed (npm ci --ignore-scripts in bench/targets/portkey).`;

const START = fileURLToPath(
  new URL('./targets/portkey/node_modules/@portkey-ai/gateway/build/start-server.js', import.meta.url),
);

/** @returns `undefined` where it is not installed */
export async function startPortkey(): Promise<ServerProcess | undefined> {
  if (!existsSync(START)) return undefined;
  const port = await freePort();
  return startProgram([process.execPath, START, `--port=${port}`, '--headless'], {
    env: { NODE_ENV: 'production' },
    url: `http://127.0.0.1:${port}`,
    healthPath: '/',
  });
}
