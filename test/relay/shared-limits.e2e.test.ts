/** Two servers in front of the same upstream that share keys and usage in Postgres, and limits in Redis. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { withKeptState } from '../../src/compose/kept-state.ts';
import type { KeyAdmin } from '../../src/state/keys/key-admin.ts';
import { goodAnswer, type Step } from '../support/faulty-answers.ts';
import { findPostgres, type PostgresServer, startPostgres } from '../support/postgres-server.ts';
import { findRedis, type RedisServer, startRedis } from '../support/redis-server.ts';
import type { RelayServer } from '../support/relay-server.ts';
import { chat, startRelay, startServers, upstreamOf } from './fixture.ts';

const programs = await Promise.all([findPostgres(), findRedis()]);
const missing = programs.flatMap((program) => (typeof program === 'string' ? [] : [program.missing]));
const skipped = missing.length === 0 ? '' : `, skipped: ${missing.join('; ')}`;

let postgres: PostgresServer;
let redis: RedisServer;

beforeAll(async () => {
  if (skipped !== '') return;
  [postgres, redis] = await Promise.all([startPostgres(), startRedis()]);
}, 60_000);

afterAll(async () => {
  if (skipped === '') await Promise.all([postgres[Symbol.asyncDispose](), redis[Symbol.asyncDispose]()]);
});

/** What a request of {@link chat} reserves with an answer of 40 tokens. */
const RESERVED = 46;

/** @param before what the upstream does before each answer */
async function startReplicas(before: readonly Step[] = []): Promise<RelayServer[]> {
  const servers = await startServers(1);
  servers[0]!.respond = ({ method, path, body }) =>
    method === 'POST' ? [...before, ...goodAnswer(method, path, body)] : undefined;
  const config = {
    auth: { mode: 'keys' },
    state: { database: postgres.url, redis: redis.url },
    upstreams: { servers: upstreamOf(servers) },
  };
  return [await startRelay(config), await startRelay(config)];
}

const keys = <Result>(work: (admin: KeyAdmin) => Promise<Result>): Promise<Result> =>
  withKeptState({ state: { database: postgres.url }, home: '/nowhere' }, (state) => work(state.keys));

const ask = (relay: RelayServer, key: string) =>
  relay.post(chat({ max_completion_tokens: 40 }), { headers: { authorization: `Bearer ${key}` } });

describe.skipIf(skipped !== '')(`replicas${skipped}`, () => {
  it('grant together what a key may, and no more', async () => {
    const gate = Promise.withResolvers<void>();
    const replicas = await startReplicas([{ until: gate.promise }]);
    const { key } = await keys((admin) =>
      admin.create({ name: 'shared', policy: { limits: { tokensPerDay: 50 * RESERVED } } }),
    );
    let refusals = 0;
    const statuses = await Promise.all(
      Array.from({ length: 200 }, async (_, index) => {
        const { status } = await ask(replicas[index % 2]!, key);
        // Until then answers use up what they have reserved.
        if (status === 429 && ++refusals === 150) gate.resolve();
        return status;
      }),
    );
    expect(Map.groupBy(statuses, (status) => status).get(200)).toHaveLength(50);
    expect(refusals).toBe(150);
  }, 60_000);

  it('count requests of a minute once, whichever replica they come to', async () => {
    const replicas = await startReplicas();
    const { id, key } = await keys((admin) =>
      admin.create({ name: 'counted', policy: { limits: { requestsPerMinute: 10 } } }),
    );
    const statuses: number[] = [];
    for (let index = 0; index < 14; index++) statuses.push((await ask(replicas[index % 2]!, key)).status);
    expect(statuses).toEqual([...Array<number>(10).fill(200), ...Array<number>(4).fill(429)]);
    await keys((admin) => admin.revoke(id));
    // The other replicas look again within ten seconds.
    await vi.waitUntil(async () => (await ask(replicas[0]!, key)).status === 401, {
      timeout: 15_000,
      interval: 500,
    });
  }, 60_000);

  it('let nobody with limits in while Redis is away, everybody else, and all when it is back', async () => {
    const [relay] = await startReplicas();
    const limited = await keys((admin) =>
      admin.create({ name: 'limited', policy: { limits: { requestsPerMinute: 1000 } } }),
    );
    const free = await keys((admin) => admin.create({ name: 'free' }));
    expect((await ask(relay!, limited.key)).status).toBe(200);
    await redis.stop();
    const refused = await ask(relay!, limited.key);
    expect(refused.status).toBe(503);
    expect(await refused.text()).toContain('The limits of this caller cannot be checked now');
    expect((await ask(relay!, free.key)).status).toBe(200);
    await redis.restart();
    await vi.waitUntil(async () => (await ask(relay!, limited.key)).status === 200, {
      timeout: 15_000,
      interval: 200,
    });
  }, 60_000);

  it('answer nothing that cannot be written down, and go on when Postgres is back', async () => {
    const [relay] = await startReplicas();
    const { key } = await keys((admin) => admin.create({ name: 'written' }));
    expect((await ask(relay!, key)).status).toBe(200);
    await postgres.stop();
    const refused = await ask(relay!, key);
    expect(refused.status).toBe(503);
    expect(await refused.text()).toMatch(/cannot be (accounted for|checked) now/);
    await postgres.restart();
    await vi.waitUntil(async () => (await ask(relay!, key)).status === 200, {
      timeout: 20_000,
      interval: 200,
    });
    const text = JSON.stringify(relay!.log);
    expect(text).not.toContain(key);
  }, 60_000);
});
