/** What probes find out about model servers, and what that changes. */
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { errorAnswer, head, type Step } from '../support/faulty-answers.ts';
import {
  chat,
  chatsOf,
  holdAnswers,
  nameOf,
  startPlace,
  startRelay,
  startServers,
  statusesOf,
  times,
  until,
  upstreamOf,
} from './fixture.ts';

describe('health checks', () => {
  const health = { interval_ms: 100, down_interval_ms: 100, timeout_ms: 100 };

  it('do not wait behind answers that take all connections', async () => {
    const { servers, relay } = await startPlace({ upstream: { max_connections: 2, health } });
    const [server] = servers;
    const open = holdAnswers(servers);
    const answers = times(3, () => relay.post(chat()));
    await pause(600);
    expect(relay.log.filter(({ msg }) => msg === 'replica down')).toEqual([]);
    expect(chatsOf(server!)).toHaveLength(2);
    open();
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200, 200]);
  });

  it.concurrent.for([
    { name: 'refuse the key', answer: errorAnswer(401) },
    { name: 'know no list of models', answer: errorAnswer(404) },
    { name: 'limit the rate', answer: errorAnswer(429) },
    {
      name: 'answer with a page',
      answer: [
        head(200, { 'content-type': 'text/html', 'content-length': '4' }),
        { write: '<p/>' },
      ] satisfies Step[],
    },
  ])('find servers well that $name', async ({ answer }, { onTestFinished: onFinished }) => {
    const { servers, relay } = await startPlace({ upstream: { health }, onFinished });
    servers[0]!.respond = ({ method }) => (method === 'GET' ? answer : undefined);
    const { length } = servers[0]!.requests;
    await until(() => servers[0]!.requests.length > length + 2);
    expect((await relay.readiness()).status).toBe('ready');
    expect(await statusesOf(relay, 1)).toEqual([200]);
  });

  it.concurrent.for([
    { name: 'answer 500', answer: errorAnswer(500), reason: 'HTTP 500' },
    { name: 'answer 503', answer: errorAnswer(503), reason: 'HTTP 503' },
    {
      name: 'are silent',
      answer: ['hang'] satisfies Step[],
      reason: 'no answer to the health check within 100 ms',
    },
  ])('find servers down that $name', async ({ answer, reason }, { onTestFinished: onFinished }) => {
    const { servers, relay } = await startPlace({ upstream: { health }, onFinished });
    servers[0]!.respond = ({ method }) => (method === 'GET' ? answer : undefined);
    await until(() => relay.log.some(({ msg }) => msg === 'replica down'));
    expect(await relay.readiness()).toMatchObject({
      status: 'not ready',
      upstreams: { servers: { ready: false, isOutage: true, reason: `${nameOf(servers[0]!)} ${reason}` } },
    });
    servers[0]!.respond = () => undefined;
    await until(() => relay.log.some(({ msg }) => msg === 'replica up'));
    expect(await statusesOf(relay, 3)).toEqual([200, 200, 200]);
  });

  it('ask TGI at its own place, with the key and the headers', async () => {
    const [server] = await startServers(1);
    const relay = await startRelay({
      upstreams: {
        tgi: upstreamOf([server!], { kind: 'tgi', api_key: 's3cret', headers: { 'X-Team': 'search' } }),
      },
    });
    await relay.settled();
    await until(() => server!.requests.length === 2);
    expect(
      server!.requests.map(({ method, path, headers }) => [
        method,
        path,
        headers['authorization'],
        headers['x-team'],
      ]),
    ).toEqual([
      ['GET', '/health', 'Bearer s3cret', 'search'],
      ['GET', '/v1/models', 'Bearer s3cret', 'search'],
    ]);
  });
});
