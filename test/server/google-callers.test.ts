/** Callers with Google's access tokens, many at once, while Google is slow or does not answer. */
import { describe, expect, it } from 'vitest';
import { GoogleAccessTokens } from '../../src/auth/inbound/google-access-tokens.ts';
import { StaticKeys } from '../../src/auth/inbound/static-keys.ts';
import { type Fault, identityFixture, START } from '../auth/inbound/identity-server.ts';
import { likeToken, runMany } from '../support/like-tokens.ts';
import { startGuarded } from './guarded-server.ts';
import { chatRequest, type ErrorEnvelope } from './test-server.ts';

/** Clients that call at the same moment, some with the same token. */
const CLIENTS = 50;
const TOKENS = 5;

const fixture = identityFixture();

/** A server that asks Google about tokens. Google knows those that {@link ownerOf} has an owner for. */
async function startPlace(ownerOf: (token: string) => string | undefined, timeoutMs = 10_000) {
  const { server: google, dispatcher, now, onFailure } = fixture();
  google.answer = ({ bearer = '' }) => {
    const email = ownerOf(bearer);
    if (email === undefined) return { status: 400, body: { error: 'invalid_token' } };
    const scope = 'https://www.googleapis.com/auth/cloud-platform';
    return { body: { email, email_verified: 'true', scope, expires_in: '3600' } };
  };
  const tokens = new GoogleAccessTokens({
    dispatcher,
    now,
    onFailure,
    timeoutMs,
    rules: { domains: ['gmail.com'] },
    tokeninfoUrl: new URL(`${google.origin}/tokeninfo`),
    userinfoUrl: new URL(`${google.origin}/userinfo`),
  });
  const server = await startGuarded({
    gate: { kind: 'closed', keys: new StaticKeys([]), authenticators: [tokens] },
  });
  const post = (token: string, content = 'Hi'): Promise<Response> => {
    const messages = [{ role: 'user', content }];
    return server.post(chatRequest({ messages }), undefined, { authorization: `Bearer ${token}` });
  };
  /** What 50 clients see that call at once, so many seconds after the start, by status. */
  const moment = async (kind: string, seconds: number): Promise<Record<number, number>> => {
    fixture().time = START + seconds * 1000;
    const counts: Record<number, number> = {};
    const call = async (client: number): Promise<void> => {
      const response = await post(`ya29.${kind}-${client % TOKENS}`);
      await response.arrayBuffer();
      counts[response.status] = (counts[response.status] ?? 0) + 1;
    };
    await Promise.all(Array.from({ length: CLIENTS }, (_, client) => call(client)));
    return counts;
  };
  return { google, server, post, moment };
}

const goodOnes = (token: string): string | undefined =>
  token.startsWith('ya29.good') || token.startsWith('ya29.late') ? 'ann@gmail.com' : undefined;

describe('while Google is slow', () => {
  it('each token is asked about once', async () => {
    const { google, moment } = await startPlace(goodOnes);
    google.delayMs = 300;
    expect(await Promise.all([moment('good', 0), moment('bad', 0)])).toEqual([
      { 200: CLIENTS },
      { 401: CLIENTS },
    ]);
    expect(await Promise.all([moment('good', 29), moment('bad', 29)])).toEqual([
      { 200: CLIENTS },
      { 401: CLIENTS },
    ]);
    expect([google.requests.length, google.mostAlike]).toEqual([2 * TOKENS, 1]);
  });

  it('nobody with a known token waits while it is asked about again', async () => {
    const { google, moment } = await startPlace(goodOnes);
    await moment('good', 0);
    const { promise, resolve } = Promise.withResolvers<void>();
    google.gate = promise;
    for (const seconds of [240, 250, 299]) expect(await moment('good', seconds)).toEqual({ 200: CLIENTS });
    resolve();
    await fixture().idle();
    expect(await moment('good', 300)).toEqual({ 200: CLIENTS });
    expect([google.requests.length, google.mostAlike]).toEqual([2 * TOKENS, 1]);
  });
});

describe('while Google', () => {
  it.each<{ what: string; outage: Fault; timeoutMs?: number }>([
    { what: 'answers 500', outage: { status: 500, body: {} } },
    { what: 'breaks off its answers', outage: 'cut' },
    { what: 'says nothing', outage: 'hang', timeoutMs: 1000 },
  ])('$what, known tokens serve to their end, and others are 503', async ({ outage, timeoutMs }) => {
    const { google, server, post, moment } = await startPlace(goodOnes, timeoutMs);
    await moment('good', 0);
    google.outage = outage;
    for (const seconds of [240, 310, 3599]) expect(await moment('good', seconds)).toEqual({ 200: CLIENTS });
    expect(await moment('late', 3599.9)).toEqual({ 503: CLIENTS });
    const unknown = await post('ya29.late');
    expect([unknown.headers.get('retry-after'), unknown.headers.has('www-authenticate')]).toEqual([
      '5',
      false,
    ]);
    expect(((await unknown.json()) as ErrorEnvelope).error).toMatchObject({
      type: 'server_error',
      code: 'overloaded',
      message: expect.stringContaining('does not answer, so this token cannot be checked now'),
    });
    expect(await moment('good', 3600)).toEqual({ 401: CLIENTS });
    google.outage = undefined;
    // One may try; until its answer is there, others are still 503.
    expect(await moment('late', 3700)).toHaveProperty('200');
    expect(await moment('late', 3701)).toEqual({ 200: CLIENTS });
    expect(google.mostAlike).toBe(1);
    expect(JSON.stringify(server.log)).not.toContain('ya29.');
  });
});

it('1,000 tokens that look alike each stand for their own caller', async () => {
  const indices = Array.from({ length: 1000 }, (_, index) => index);
  // The odd ones are not valid.
  const owners = new Map(
    indices.filter((index) => index % 2 === 0).map((index) => [likeToken(index), `u${index}@gmail.com`]),
  );
  const { google, server, post } = await startPlace((token) => owners.get(token));
  const statuses: number[] = [];
  await runMany(1000, CLIENTS, async (index) => {
    const response = await post(likeToken(index), `number ${index}`);
    await response.arrayBuffer();
    statuses[index] = response.status;
  });
  expect(statuses).toEqual(indices.map((index) => (index % 2 === 0 ? 200 : 401)));
  const callers = server.backend.calls.map(({ tenant, body }) => [
    body.request().messages[0]?.content,
    tenant,
  ]);
  expect(new Map(callers as [string, string][])).toEqual(
    new Map([...owners.values()].map((email) => [`number ${email.slice(1, -10)}`, `google:${email}`])),
  );
  expect(google.requests).toHaveLength(1000);
});
