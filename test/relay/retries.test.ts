/** How often a request is sent again, and how long it waits for that. */
import { describe, expect, it } from 'vitest';
import { FORMS, readAnswer } from '../gemini/fixture.ts';
import { errorAnswer, jsonAnswer } from '../support/faulty-answers.ts';
import { answerFirst, chat, loadOf, nameOf, startPlace, statusesOf, times, totalLoadOf } from './fixture.ts';

describe('a replica that has no room', () => {
  it.each([
    { name: '429', answer: errorAnswer(429) },
    { name: '429 for a while', answer: errorAnswer(429, { 'retry-after': '30' }) },
    { name: '503 for a while', answer: errorAnswer(503, { 'retry-after': '3' }) },
  ])('sends the request to another one at once: $name', async ({ answer }) => {
    const { servers, relay } = await startPlace({ replicas: 2 });
    answerFirst(servers, answer);
    const began = performance.now();
    const { status } = await readAnswer(await relay.post(chat()));
    expect(status).toBe(200);
    expect(performance.now() - began).toBeLessThan(1000);
    expect(loadOf(servers)).toEqual([1, 1]);
  });

  it('is spared for a second, and never taken to be down', async () => {
    const { servers, relay } = await startPlace({ replicas: 2, upstream: { circuit: { failures: 1 } } });
    servers[0]!.respond = ({ method }) => (method === 'POST' ? errorAnswer(429) : undefined);
    while (loadOf(servers)[0] === 0) expect(await statusesOf(relay, 1)).toEqual([200]);
    expect(await statusesOf(relay, 10)).toEqual(times(10, () => 200));
    expect(loadOf(servers)[0]).toBe(1);
    expect(relay.log.filter(({ msg }) => msg === 'replica down')).toEqual([]);
  });

  it.each([
    { header: '7', retryAfter: '7', retryAfterMs: '7000' },
    { header: '21', retryAfter: '21', retryAfterMs: '21000' },
    { header: '0.5', retryAfter: '1', retryAfterMs: '500' },
    { header: 'Wed, 21 Oct 2015 07:28:00 GMT', retryAfter: null, retryAfterMs: null },
    { header: undefined, retryAfter: null, retryAfterMs: null },
  ])('tells the client when to come back: $header', async ({ header, retryAfter, retryAfterMs }) => {
    const { servers, relay } = await startPlace({ upstream: { retries: 0 } });
    servers[0]!.queue(errorAnswer(429, header === undefined ? {} : { 'retry-after': header }));
    const response = await relay.post(chat());
    const { status, error } = await readAnswer(response);
    expect({ status, code: error?.code }).toEqual({ status: 429, code: 'rate_limit_exceeded' });
    expect(response.headers.get('retry-after')).toBe(retryAfter);
    expect(response.headers.get('retry-after-ms')).toBe(retryAfterMs);
  });

  it.each(FORMS)('is asked again after the time it wants: $form', async ({ stream }) => {
    const { servers, relay } = await startPlace();
    servers[0]!.queue(errorAnswer(429, { 'retry-after': '0.3' }));
    const began = performance.now();
    const { status, headers } = await readAnswer(await relay.post(chat({ stream })));
    expect(status).toBe(200);
    expect(performance.now() - began).toBeGreaterThanOrEqual(290);
    expect(headers.get('x-parlance-passed-over')).toBe(`${nameOf(servers[0]!)} 429 rate_limit_exceeded`);
    expect(loadOf(servers)).toEqual([2]);
  });

  it('is not waited for longer than 20 seconds', async () => {
    const { servers, relay } = await startPlace();
    servers[0]!.queue(errorAnswer(429, { 'retry-after': '20.5' }));
    const response = await relay.post(chat());
    expect([response.status, response.headers.get('retry-after-ms')]).toEqual([429, '20500']);
    expect(loadOf(servers)).toEqual([1]);
  });

  it('and whose account is empty is not asked again by anybody', async () => {
    const { servers, relay } = await startPlace();
    servers[0]!.queue(
      jsonAnswer(
        { error: { message: 'You exceeded your current quota', type: 'insufficient_quota' } },
        { status: 429 },
      ),
    );
    const response = await relay.post(chat());
    expect([response.status, response.headers.get('x-should-retry')]).toEqual([429, 'false']);
    expect(loadOf(servers)).toEqual([1]);
  });
});

describe('retries', () => {
  it.each([
    { retries: 0, replicas: 3, asked: 1 },
    { retries: 1, replicas: 3, asked: 2 },
    { retries: 2, replicas: 3, asked: 3 },
    { retries: 2, replicas: 5, asked: 3 },
    { retries: 1, replicas: 1, asked: 2 },
  ])('$retries of $replicas replicas: $asked are asked', async ({ retries, replicas, asked }) => {
    const { servers, relay } = await startPlace({ replicas, upstream: { retries } });
    for (const server of servers)
      server.respond = ({ method }) => (method === 'POST' ? errorAnswer(500) : undefined);
    const { status, headers } = await readAnswer(await relay.post(chat()));
    expect(status).toBe(500);
    expect(headers.get('x-parlance-passed-over')?.split('; ')).toHaveLength(asked);
    expect(totalLoadOf(servers)).toBe(asked);
  });

  it('add a fifth to the load at most, after the first hundred', async () => {
    const { servers, relay } = await startPlace({
      replicas: 2,
      upstream: { retries: 1, circuit: { failures: 1000 } },
    });
    for (const server of servers)
      server.respond = ({ method }) => (method === 'POST' ? errorAnswer(500) : undefined);
    for (let sent = 0; sent < 200; sent += 20) {
      await Promise.all(times(20, async () => (await relay.post(chat())).text()));
    }
    const retries = totalLoadOf(servers) - 200;
    expect(retries).toBeGreaterThanOrEqual(100);
    expect(retries).toBeLessThanOrEqual(100 + 200 / 5);
  });
});
