/** Several servers behind one upstream: who is asked, who is spared, and what of it a client sees. */
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { readAnswer } from '../gemini/fixture.ts';
import {
  chunks,
  completion,
  drip,
  errorAnswer,
  goodAnswer,
  inChunk,
  jsonAnswer,
  sseAnswer,
  type Step,
} from '../support/faulty-answers.ts';
import { refusingUrl } from '../support/faulty-server.ts';
import {
  answerFirst,
  chat,
  chatsOf,
  holdAnswers,
  loadOf,
  nameOf,
  startPlace,
  startRelay,
  startServers,
  until,
  upstreamOf,
  sortedLoadOf,
  statusesOf,
  times,
  totalLoadOf,
} from './fixture.ts';

describe('the load', () => {
  it('goes to the replica with the fewest requests', async () => {
    const { servers, relay } = await startPlace({ replicas: 3 });
    const open = holdAnswers(servers);
    const answers = times(30, () => relay.post(chat()));
    await until(() => totalLoadOf(servers) === 30);
    expect(loadOf(servers)).toEqual([10, 10, 10]);
    open();
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(times(30, () => 200));
  });

  it('leaves a slow replica aside', async () => {
    const { servers, relay } = await startPlace({ replicas: 2 });
    answerFirst(servers, ['hang']);
    const client = new AbortController();
    const stuck = relay.post(chat(), { signal: client.signal }).catch(() => 'gone');
    await until(() => servers.some((server) => chatsOf(server).length === 1));
    expect(await statusesOf(relay, 10)).toEqual(times(10, () => 200));
    expect(sortedLoadOf(servers)).toEqual([1, 10]);
    client.abort();
    expect(await stuck).toBe('gone');
  });

  it('counts a stream until its end', async () => {
    const { servers, relay } = await startPlace({ replicas: 2 });
    const { promise: opened, resolve: open } = Promise.withResolvers<void>();
    const [start = '', ...rest] = chunks();
    answerFirst(servers, [
      ...sseAnswer([start]).slice(0, -1),
      { until: opened },
      ...rest.map((data): Step => ({ write: inChunk(`data: ${data}\n\n`) })),
      { write: '0\r\n\r\n' },
    ]);
    const stream = await relay.post(chat({ stream: true }));
    expect(await statusesOf(relay, 6)).toEqual(times(6, () => 200));
    expect(sortedLoadOf(servers)).toEqual([1, 6]);
    open();
    expect((await readAnswer(stream)).isDone).toBe(true);
    expect(await statusesOf(relay, 24)).toEqual(times(24, () => 200));
    expect(Math.min(...loadOf(servers))).toBeGreaterThan(1);
  });
});

describe('a replica that fails', () => {
  it('is not asked any more after so many failures in a row', async () => {
    const { servers, relay } = await startPlace({
      replicas: 2,
      upstream: { circuit: { failures: 3, open_ms: 60_000, max_open_ms: 60_000 } },
    });
    servers[0]!.respond = ({ method }) => (method === 'POST' ? errorAnswer(500) : undefined);
    expect(await statusesOf(relay, 40)).toEqual(times(40, () => 200));
    expect(loadOf(servers)).toEqual([3, 40]);
    expect(relay.log.filter(({ msg }) => msg === 'replica down')).toMatchObject([
      {
        level: 'warn',
        upstream: 'servers',
        replica: nameOf(servers[0]!),
        state: 'down',
        reason: '500 internal_error',
      },
    ]);
  });

  it('is asked by one request at a time when its pause is over', async () => {
    const { servers, relay } = await startPlace({
      upstream: { retries: 0, circuit: { failures: 1, open_ms: 100 } },
    });
    const [server] = servers;
    server!.queue(errorAnswer(502));
    expect(await statusesOf(relay, 3)).toEqual([502, 503, 503]);
    await pause(120);
    server!.queue(drip(goodAnswer('POST', '/v1/chat/completions', '{}'), 1000, 50));
    const answers = await Promise.all(times(5, () => relay.post(chat())));
    expect(answers.map(({ status }) => status).toSorted((left, right) => left - right)).toEqual([
      200, 503, 503, 503, 503,
    ]);
    expect(chatsOf(server!)).toHaveLength(2);
    expect(await statusesOf(relay, 3)).toEqual([200, 200, 200]);
    expect(relay.log.filter(({ msg }) => msg === 'replica up')).toHaveLength(1);
  });

  it('and all others too are told at once, and by name', async () => {
    const servers = await startServers(2);
    const dead = { url: await refusingUrl() };
    const relay = await startRelay({
      upstreams: {
        servers: upstreamOf([...servers, dead], {
          circuit: { failures: 1, open_ms: 60_000, max_open_ms: 60_000 },
          retries: 5,
        }),
      },
    });
    await relay.settled();
    for (const server of servers)
      server.respond = ({ method }) => (method === 'POST' ? errorAnswer(502) : undefined);
    await readAnswer(await relay.post(chat()));
    const began = performance.now();
    const { status, headers, error } = await readAnswer(await relay.post(chat()));
    expect(performance.now() - began).toBeLessThan(500);
    expect({ status, code: error?.code }).toEqual({ status: 503, code: 'upstream_unavailable' });
    const states = [
      ...servers.map((server) => `${nameOf(server)} 502 bad_upstream_response`),
      `${nameOf(dead)} no connection (ECONNREFUSED)`,
    ].join('; ');
    expect(error?.message).toBe(`No server of the upstream servers can be reached: ${states}.`);
    expect(headers.get('x-parlance-passed-over')).toBe(states);
    expect(headers.get('retry-after')).toBe('1');
    expect(loadOf(servers)).toEqual([1, 1]);
  });

  it('is a fault of nobody when the request is', async () => {
    const { servers, relay } = await startPlace({ upstream: { circuit: { failures: 1 } } });
    servers[0]!.respond = ({ method }) => (method === 'POST' ? errorAnswer(400) : undefined);
    expect(await statusesOf(relay, 5)).toEqual(times(5, () => 400));
    expect(relay.log.filter(({ msg }) => msg === 'replica down')).toEqual([]);
  });

  it('by breaking streams off is not asked any more', async () => {
    const { servers, relay } = await startPlace({
      replicas: 2,
      upstream: { circuit: { failures: 2, open_ms: 60_000, max_open_ms: 60_000 } },
    });
    servers[0]!.respond = ({ method }) =>
      method === 'POST' ? sseAnswer([chunks()[0]!], { ending: 'reset' }) : undefined;
    const complete: boolean[] = [];
    for (let sent = 0; sent < 30; sent++)
      complete.push((await readAnswer(await relay.post(chat({ stream: true })))).isDone);
    expect(complete.filter((isDone) => !isDone)).toHaveLength(loadOf(servers)[0]!);
    expect(loadOf(servers)[0]).toBeLessThanOrEqual(2);
  });
});

describe('an upstream whose servers refuse connections', () => {
  it.each([1, 3])('is told of at once: %i', async (replicas) => {
    const urls = await Promise.all(times(replicas, () => refusingUrl()));
    const relay = await startRelay({ upstreams: { servers: upstreamOf(urls.map((url) => ({ url }))) } });
    const began = performance.now();
    const { status, headers, error } = await readAnswer(await relay.post(chat()));
    expect(performance.now() - began).toBeLessThan(2000);
    expect({ status, code: error?.code }).toEqual({ status: 503, code: 'upstream_unavailable' });
    for (const url of urls) {
      expect(error?.message).toContain(`${nameOf({ url })} no connection (ECONNREFUSED)`);
      expect(headers.get('x-parlance-passed-over')).toContain(
        `${nameOf({ url })} no connection (ECONNREFUSED)`,
      );
    }
  });
});

describe('one of three replicas that is killed under load', () => {
  it('fails nobody who has not been sent anything, and tells the others', async () => {
    const { servers, relay } = await startPlace({ replicas: 3 });
    const [victim] = servers;
    const [start = '', ...rest] = chunks({ content: 'one two three four five six seven eight' });
    for (const server of servers) {
      server.respond = ({ method, body }) => {
        if (method !== 'POST') return undefined;
        const { stream } = JSON.parse(body) as { stream: boolean };
        if (!stream) return [{ wait: 100 }, ...jsonAnswer(completion())];
        return drip(sseAnswer([start, ...rest]), 300, 15);
      };
    }
    const answers = times(60, async (index) =>
      readAnswer(await relay.post(chat({ stream: index % 2 === 0 }))),
    );
    await until(() => totalLoadOf(servers) === 60);
    await pause(40);
    await victim!.stop();
    const read = await Promise.all(answers);
    const streams = read.filter((_, index) => index % 2 === 0);
    const wholes = read.filter((_, index) => index % 2 === 1);
    expect(wholes.map(({ status, content }) => `${status} ${content}`)).toEqual(
      times(30, () => '200 Hello there.'),
    );
    expect(streams.map(({ status }) => status)).toEqual(times(30, () => 200));
    const broken = streams.filter(({ isDone }) => !isDone);
    expect(broken.length).toBeGreaterThan(0);
    expect(broken.length).toBeLessThanOrEqual(20);
    for (const { error, headers } of broken) {
      expect(error?.code).toBe('upstream_disconnected');
      expect(headers.get('x-parlance-replica')).toBe(nameOf(victim!));
    }
    expect(await statusesOf(relay, 10)).toEqual(times(10, () => 200));
  });
});

describe('a replica that comes back', () => {
  it('is asked again within five seconds, and little at first', async () => {
    const { servers, relay } = await startPlace({
      replicas: 2,
      // As they are when nobody says anything.
      upstream: { health: { interval_ms: 10_000, down_interval_ms: 1000 }, slow_start_ms: 60_000 },
    });
    const [first, second] = servers;
    await first!.stop();
    expect(await statusesOf(relay, 40)).toEqual(times(40, () => 200));
    await first!.restart();
    const began = performance.now();
    await until(() => relay.log.some(({ msg }) => msg === 'replica up'));
    expect(performance.now() - began).toBeLessThan(5000);
    const before = loadOf(servers);
    await Promise.all(times(22, () => relay.post(chat())).map(async (answer) => (await answer).text()));
    const [least = 0, most = 0] = loadOf(servers).map((load, index) => load - before[index]!);
    expect(least + most).toBe(22);
    expect(least).toBeLessThan(most);
    expect(chatsOf(second!).length).toBeGreaterThan(10);
  });

  it('has its full share at once without a slow start', async () => {
    const { servers, relay } = await startPlace({
      replicas: 2,
      upstream: { health: { interval_ms: 100, down_interval_ms: 100 }, slow_start_ms: 0 },
    });
    await servers[0]!.stop();
    await until(() => relay.log.some(({ msg }) => msg === 'replica down'));
    await servers[0]!.restart();
    await until(() => relay.log.some(({ msg }) => msg === 'replica up'));
    const open = holdAnswers(servers);
    const answers = times(10, () => relay.post(chat()));
    await until(() => totalLoadOf(servers) === 10);
    expect(loadOf(servers)).toEqual([5, 5]);
    open();
    await Promise.all(answers);
  });
});
