/** The servers the relay part compares. */
import type { Target } from './bench-target.ts';
import { findNginx, startNginx } from './nginx.ts';
import { PORTKEY, startPortkey } from './portkey.ts';
import { SERVED_MODEL } from './relay-fixtures.ts';
import { type ServerProcess, startGateway, startNodeServer } from './server-process.ts';

const KEY = 'bench-key-0123456789';

export interface RelayTargets {
  readonly ours: Target;
  readonly raw: Target;
  /** The model server, with nothing in between. */
  readonly direct: Target;
  /** Absent where it is not installed. */
  readonly nginx: Target | undefined;
  /** Absent where it is not installed. */
  readonly portkey: Target | undefined;
}

/**
 * Starts all of them in front of one model server.
 *
 * @param running takes those that have to be stopped, also when another does not start
 * @param profile folder for a CPU profile of our server
 */
export async function startRelayTargets(
  running: ServerProcess[],
  profile: string | undefined,
): Promise<RelayTargets> {
  const keep = <T extends Target | undefined>(target: T): T => {
    if (target !== undefined) running.push(target.server);
    return target;
  };
  const server = await startNodeServer('./openai-upstream.ts');
  const direct = keep({ name: 'the model server', server, headers: {}, isRaw: false });
  return {
    direct,
    ours: keep(await startOurRelay(server.url, profile)),
    raw: keep(await startRawRelay(server.url)),
    nginx: keep(await startNginxTarget(server.url)),
    portkey: keep(await startPortkeyTarget(server.url)),
  };
}

/** @param profile folder for a CPU profile of its whole run */
export async function startOurRelay(upstreamUrl: string, profile?: string): Promise<Target> {
  const upstream = { kind: 'vllm', base_url: upstreamUrl, model: SERVED_MODEL };
  const server = await startGateway({ upstream, key: KEY }, profile);
  return { name: 'Parlance', server, headers: { Authorization: `Bearer ${KEY}` }, isRaw: false };
}

export async function startRawRelay(upstreamUrl: string): Promise<Target> {
  const server = await startNodeServer('./node-raw.ts', undefined, [upstreamUrl]);
  return { name: 'node-raw', server, headers: {}, isRaw: false };
}

async function startNginxTarget(upstreamUrl: string): Promise<Target | undefined> {
  const program = findNginx();
  if (program === undefined) return undefined;
  return { name: 'nginx', server: await startNginx(program, upstreamUrl), headers: {}, isRaw: false };
}

async function startPortkeyTarget(upstreamUrl: string): Promise<Target | undefined> {
  const server = await startPortkey();
  if (server === undefined) return undefined;
  const headers = {
    Authorization: 'Bearer token',
    'x-portkey-provider': 'openai',
    'x-portkey-custom-host': `${upstreamUrl}/v1`,
  };
  return { name: PORTKEY, server, headers, isRaw: false };
}
