/** What the tests of the server in front of model servers share. */
import { setTimeout as pause } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { type Answer, goodAnswer, type Step } from '../support/faulty-answers.ts';
import { FaultyServer, type FaultyRequest } from '../support/faulty-server.ts';
import { RelayServer } from '../support/relay-server.ts';

/** Nothing but the first probe, so that what servers are asked for is what tests send. */
const QUIET = { kind: 'vllm', health: { interval_ms: 0, down_interval_ms: 60_000 } };

export interface RelayPlace {
  readonly servers: readonly FaultyServer[];
  readonly relay: RelayServer;
}

/** Runs something when the test is over. Tests that run beside others have one of their own, in their context. */
export type OnFinished = (cleanUp: () => Promise<void>) => void;

export async function startServers(
  count: number,
  onFinished: OnFinished = onTestFinished,
): Promise<FaultyServer[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => FaultyServer.start()));
  for (const server of servers) onFinished(() => server[Symbol.asyncDispose]());
  return servers;
}

/** A server for one test. */
export async function startRelay(
  config: object,
  onFinished: OnFinished = onTestFinished,
): Promise<RelayServer> {
  const relay = await RelayServer.start(config);
  onFinished(() => relay[Symbol.asyncDispose]());
  return relay;
}

export interface PlaceOptions {
  /** @default 1 */
  readonly replicas?: number;
  /** Keys of the upstream `servers`. */
  readonly upstream?: object;
  readonly onFinished?: OnFinished;
}

/** One upstream, `servers`, with as many scripted replicas; each has been probed once. */
export async function startPlace({
  replicas = 1,
  upstream = {},
  onFinished = onTestFinished,
}: PlaceOptions = {}): Promise<RelayPlace> {
  const servers = await startServers(replicas, onFinished);
  const relay = await startRelay({ upstreams: { servers: upstreamOf(servers, upstream) } }, onFinished);
  await relay.settled();
  return { servers, relay };
}

/** The configuration of an upstream whose replicas these are. */
export function upstreamOf(servers: readonly Pick<FaultyServer, 'url'>[], keys: object = {}): object {
  return { ...QUIET, base_url: servers.map(({ url }) => url), ...keys };
}

/** A small request. */
export function chat(fields: object = {}): Record<string, unknown> {
  return { model: 'my-model', messages: [{ role: 'user', content: 'Hi' }], ...fields };
}

/** What a server in good health says, in the form that is asked for. */
export function good(stream: boolean): Step[] {
  return goodAnswer('POST', '/v1/chat/completions', JSON.stringify({ stream }));
}

/** All that an answer puts on the connection. */
export function bytesOf(answer: Answer): Buffer {
  const steps = Array.from(answer, (step) =>
    typeof step === 'object' && 'write' in step ? Buffer.from(step.write) : Buffer.alloc(0),
  );
  return Buffer.concat(steps);
}

/** The requests that were no probes. */
export function chatsOf({ requests }: FaultyServer): FaultyRequest[] {
  return requests.filter(({ method }) => method === 'POST');
}

/** Whichever server is asked first answers so; after that all is well. */
export function answerFirst(servers: readonly FaultyServer[], answer: Answer): void {
  let isFirst = true;
  for (const server of servers) {
    server.respond = ({ method }) => {
      if (method !== 'POST' || !isFirst) return undefined;
      isFirst = false;
      return answer;
    };
  }
}

/** Number of chat requests of each server. */
export function loadOf(servers: readonly FaultyServer[]): number[] {
  return servers.map((server) => chatsOf(server).length);
}

/** The same, the least first: who is asked first is left to chance. */
export function sortedLoadOf(servers: readonly FaultyServer[]): number[] {
  return loadOf(servers).toSorted((left, right) => left - right);
}

/** Host and port, as replicas are named. */
export function nameOf({ url }: Pick<FaultyServer, 'url'>): string {
  return new URL(url).host;
}

/** Resolves when something is so. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await pause(1);
}

/** As many results as are wanted. */
export function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

/** Statuses of requests sent one after the other. */
export async function statusesOf(relay: RelayServer, count: number): Promise<number[]> {
  const statuses: number[] = [];
  for (let sent = 0; sent < count; sent++) {
    const response = await relay.post(chat());
    await response.arrayBuffer();
    statuses.push(response.status);
  }
  return statuses;
}

/** All requests of these servers. */
export function totalLoadOf(servers: readonly FaultyServer[]): number {
  return loadOf(servers).reduce((total, load) => total + load, 0);
}

/** Keeps back the answers of these servers. @returns what lets them go */
export function holdAnswers(servers: readonly FaultyServer[]): () => void {
  const { promise: opened, resolve: open } = Promise.withResolvers<void>();
  for (const server of servers) {
    server.respond = ({ method, body }) =>
      method === 'POST'
        ? [{ until: opened }, ...goodAnswer('POST', '/v1/chat/completions', body)]
        : undefined;
  }
  return open;
}
