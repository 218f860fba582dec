/** What `/readyz` says of model servers. */
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { errorAnswer } from '../support/faulty-answers.ts';
import { refusingUrl } from '../support/faulty-server.ts';
import { chat, nameOf, startPlace, startRelay, startServers, until, upstreamOf } from './fixture.ts';

const models = [{ match: '*', upstream: 'servers' }];

describe('/readyz', () => {
  it('waits until it is known how every server is', async () => {
    const servers = await startServers(2);
    const { promise: opened, resolve: open } = Promise.withResolvers<void>();
    servers[1]!.respond = () => [{ until: opened }, ...errorAnswer(404)];
    const relay = await startRelay({ upstreams: { servers: upstreamOf(servers) } });
    await until(() => servers.every(({ requests }) => requests.length > 0));
    await pause(20);
    const starting = await relay.get('/readyz');
    expect([starting.status, starting.headers.get('retry-after')]).toEqual([503, '1']);
    expect(await starting.json()).toMatchObject({
      status: 'not ready',
      upstreams: { servers: { ready: false, isOutage: false } },
    });
    open();
    await relay.settled();
    expect(await relay.readiness()).toEqual({ status: 'ready', upstreams: { servers: { ready: true } } });
  });

  it('says 503 while no server of the only upstream is up, however long that is', async () => {
    const url = await refusingUrl();
    const relay = await startRelay({
      upstreams: { servers: upstreamOf([{ url }], { circuit: { open_ms: 100, max_open_ms: 100 } }) },
    });
    await relay.settled();
    // A request might be let through to try it by now.
    await pause(150);
    const response = await relay.get('/readyz');
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({
      status: 'not ready',
      upstreams: {
        servers: {
          ready: false,
          reason: `${nameOf({ url })} no connection (ECONNREFUSED)`,
          retryAfterSeconds: 1,
          isOutage: true,
        },
      },
    });
  });

  it('says 200 while one replica is up', async () => {
    const { servers, relay } = await startPlace({ replicas: 2 });
    await servers[0]!.stop();
    const downs = (): number => relay.log.filter(({ msg }) => msg === 'replica down').length;
    // Which of the two is asked is chance.
    for (let sent = 0; sent < 60 && downs() === 0; sent++) await (await relay.post(chat())).text();
    expect(downs()).toBe(1);
    expect((await relay.get('/readyz')).status).toBe(200);
  });

  it.each([
    { name: 'another upstream', keys: {}, upstreams: ['servers', 'others'] },
    { name: 'its fallback', keys: { fallback: ['others'] }, upstreams: ['servers', 'others'] },
  ])('says 200 while $name can answer', async ({ keys }) => {
    const [server] = await startServers(1);
    const relay = await startRelay({
      upstreams: {
        servers: upstreamOf([{ url: await refusingUrl() }], keys),
        others: upstreamOf([server!]),
      },
      models,
    });
    await relay.settled();
    const { status, upstreams } = await relay.readiness();
    expect(status).toBe('ready');
    expect(upstreams['servers']).toMatchObject(
      'fallback' in keys ? { ready: true } : { ready: false, isOutage: true },
    );
    await server!.stop();
    await (await relay.post(chat({ model: 'any' }))).text();
  });
});
