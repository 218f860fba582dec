/** The server's own Google tokens end, and are renewed, while clients keep asking. Contract section 1.3. */
import { describe, expect, it } from 'vitest';
import { credentialFixture, serviceAccountFile, START } from '../auth/outbound/credential-fixture.ts';
import type { Fault } from '../auth/outbound/token-server.ts';
import { errorAnswer } from '../support/gemini-answers.ts';
import { chat, last, type ReadAnswer, readAnswer, saying, startPair } from './fixture.ts';

/** Requests of one moment. */
const CLIENTS = 50;

/** Longest wait of the server for its token endpoint, in milliseconds; shorter than usual, for one that says nothing. */
const FETCH_TIMEOUT_MS = 1000;

/** For `expect.poll`: a machine may be busy. */
const PATIENT = { timeout: 10_000 };

const UNAUTHENTICATED = errorAnswer({
  code: 401,
  status: 'UNAUTHENTICATED',
  message: 'Request had invalid authentication credentials.',
});

const ALL_WELL = { 200: CLIENTS };

const fixture = credentialFixture();

/** A server with a service account, its token endpoint, and a Gemini that takes living tokens only. */
async function startPlace(fetchTimeoutMs = 10_000) {
  const { server: tokens, openFile } = fixture();
  const renewalFailures: unknown[] = [];
  const credentials = openFile(serviceAccountFile(tokens), {
    fetchTimeoutMs,
    onRenewalFailure: (error) => renewalFailures.push(error),
  });
  /** By token. */
  const uses = new Map<string, number>();
  const withdrawn = new Set<string>();
  let refusals = 0;
  const { server } = await startPair({ backend: { credentials } }, ({ method, headers }) => {
    const token = headers.authorization?.replace('Bearer ', '') ?? '';
    const isAlive = (tokens.ends.get(token) ?? 0) > tokens.now && !withdrawn.has(token);
    if (isAlive) uses.set(token, (uses.get(token) ?? 0) + 1);
    else refusals += 1;
    return isAlive ? saying(last('Hello'))({ method }) : UNAUTHENTICATED;
  });
  const setClock = (seconds: number): void => {
    fixture().now = START + seconds * 1000;
    tokens.now = fixture().now;
  };
  /** What 50 clients see who ask at once, so many seconds after the start: half of them whole answers, half streams. */
  const ask = async (seconds: number): Promise<readonly ReadAnswer[]> => {
    setClock(seconds);
    const requests = Array.from({ length: CLIENTS }, (_, client) => chat({ stream: client % 2 === 0 }));
    return Promise.all(requests.map(async (body) => readAnswer(await server.post(body))));
  };
  /** The same, counted by status. */
  const moment = async (seconds: number): Promise<Record<number, number>> => {
    const counts: Record<number, number> = {};
    for (const { status } of await ask(seconds)) counts[status] = (counts[status] ?? 0) + 1;
    return counts;
  };
  return { tokens, server, uses, withdrawn, renewalFailures, refusals: () => refusals, ask, moment };
}

describe('a token', () => {
  it('is fetched once for all who have to wait, at first and when it has ended', async () => {
    const { tokens, moment, refusals } = await startPlace();
    tokens.delayMs = 300;
    for (const [before, seconds] of [0, 3595].entries()) {
      expect(tokens.requests).toHaveLength(before);
      expect(await moment(seconds)).toEqual(ALL_WELL);
    }
    expect([tokens.requests.length, tokens.mostAtOnce, refusals()]).toEqual([2, 1, 0]);
  });

  it('is renewed before it ends, and nobody waits for that, however long it takes', async () => {
    const { tokens, moment, uses, refusals } = await startPlace();
    await moment(0);
    // A token counts from when it was asked for, which is 300 seconds before the end of the one before.
    for (let life = 1, end = 3600; life <= 2; life++, end += 3300) {
      expect(await moment(end - 301)).toEqual(ALL_WELL);
      expect(tokens.requests).toHaveLength(life);
      const { promise, resolve } = Promise.withResolvers<void>();
      tokens.gate = promise;
      // All are answered while the renewal is not.
      for (const ahead of [300, 200, 11]) expect(await moment(end - ahead)).toEqual(ALL_WELL);
      expect(tokens.requests).toHaveLength(life + 1);
      expect(uses.size).toBe(life);
      resolve();
      while (uses.size === life) expect(await moment(end - 11)).toEqual(ALL_WELL);
    }
    expect([...uses.keys()]).toEqual(['ya29.1', 'ya29.2', 'ya29.3']);
    expect([tokens.requests.length, tokens.mostAtOnce, refusals()]).toEqual([3, 1, 0]);
  });

  it('that never lives for ten seconds does for all who wait for it, and is then fetched anew', async () => {
    const { tokens, moment, refusals } = await startPlace();
    tokens.lifetime = 2;
    tokens.delayMs = 20;
    for (let seconds = 0; seconds < 3; seconds++) expect(await moment(seconds)).toEqual(ALL_WELL);
    expect([tokens.mostAtOnce, refusals()]).toEqual([1, 0]);
    expect(tokens.requests.length).toBeGreaterThanOrEqual(3);
  });

  it('that Gemini refuses before its end is replaced once for all', async () => {
    const { tokens, moment, withdrawn, refusals } = await startPlace();
    await moment(0);
    withdrawn.add('ya29.1');
    tokens.delayMs = 100;
    expect(await moment(100)).toEqual(ALL_WELL);
    expect([tokens.requests.length, tokens.mostAtOnce, refusals()]).toEqual([2, 1, CLIENTS]);
    expect(await moment(101)).toEqual(ALL_WELL);
    expect([tokens.requests.length, refusals()]).toEqual([2, CLIENTS]);
  });

  it('is fetched on for those who stay when most of the clients leave', async () => {
    const { tokens, server } = await startPlace();
    const { promise, resolve } = Promise.withResolvers<void>();
    tokens.gate = promise;
    const leave = new AbortController();
    const leaving = Array.from({ length: CLIENTS }, () =>
      server.post(chat(), { signal: leave.signal }).catch(() => 'left'),
    );
    const staying = server.post(chat());
    await expect.poll(() => tokens.requests.length, PATIENT).toBe(1);
    leave.abort();
    expect(new Set(await Promise.all(leaving))).toEqual(new Set(['left']));
    resolve();
    expect((await readAnswer(await staying)).status).toBe(200);
    expect(tokens.requests).toHaveLength(1);
  });
});

describe('a token endpoint', () => {
  it.each<{ what: string; outage: Fault }>([
    { what: 'answers 500', outage: { status: 500 } },
    { what: 'breaks connections', outage: 'reset' },
    { what: 'breaks off its answers', outage: 'cut' },
    { what: 'says nothing', outage: 'hang' },
  ])('that $what does no harm while the old token lives; then 502, until it is back', async ({ outage }) => {
    const { tokens, ask, moment, renewalFailures, refusals } = await startPlace(FETCH_TIMEOUT_MS);
    await moment(0);
    tokens.outage = outage;
    for (const seconds of [3300, 3591, 3599.9]) expect(await moment(seconds)).toEqual(ALL_WELL);
    await expect.poll(() => renewalFailures.length, PATIENT).toBeGreaterThan(0);
    for (const { status, headers, error } of await ask(3601)) {
      expect({ status, retry: headers.get('x-should-retry') }).toEqual({ status: 502, retry: 'true' });
      expect(error).toMatchObject({ type: 'server_error', code: 'upstream_credentials', param: null });
      expect(error?.message).toContain(`${tokens.origin}/token`);
      expect(error?.message).not.toMatch(/ya29|eyJ|PRIVATE/);
    }
    const asked = tokens.requests.length;
    expect(await moment(3601.9)).toEqual({ 502: CLIENTS });
    expect(tokens.requests).toHaveLength(asked);
    tokens.outage = undefined;
    expect(await moment(3603)).toEqual(ALL_WELL);
    expect([tokens.requests.length, tokens.mostAtOnce, refusals()]).toEqual([asked + 1, 1, 0]);
  });

  it('that fails for a while is not asked all the time, and nobody notices', async () => {
    const { tokens, moment, uses, renewalFailures, refusals } = await startPlace();
    await moment(0);
    tokens.outage = { status: 503, html: '<html>Unavailable</html>' };
    for (const [seconds, tries] of [
      [3300, 1],
      [3300.9, 1],
      [3301, 2],
    ] as const) {
      expect(await moment(seconds)).toEqual(ALL_WELL);
      await expect.poll(() => renewalFailures.length, PATIENT).toBe(tries);
      // Each is one request and two repetitions of it.
      expect(tokens.requests).toHaveLength(1 + 3 * tries);
    }
    tokens.outage = undefined;
    while (uses.size === 1) expect(await moment(3303)).toEqual(ALL_WELL);
    expect([tokens.requests.length, tokens.mostAtOnce, refusals()]).toEqual([8, 1, 0]);
  });

  it('that is down when Gemini refuses a token makes 502 of it, until it is back', async () => {
    const { tokens, moment, withdrawn } = await startPlace();
    await moment(0);
    withdrawn.add('ya29.1');
    tokens.outage = 'reset';
    expect(await moment(100)).toEqual({ 502: CLIENTS });
    tokens.outage = undefined;
    expect(await moment(102)).toEqual(ALL_WELL);
    expect(tokens.mostAtOnce).toBe(1);
  });

  it('that refuses the account is not asked again and again', async () => {
    const { tokens, ask } = await startPlace();
    tokens.outage = { status: 400, body: { error: 'invalid_grant', error_description: 'Account deleted' } };
    for (const { status, headers, error } of await ask(0)) {
      expect({ status, retry: headers.get('x-should-retry') }).toEqual({ status: 502, retry: 'false' });
      expect(error?.message).toContain('Account deleted');
    }
    expect(tokens.requests).toHaveLength(1);
  });
});
