/** In mode `passthrough` the credential of the client goes to the model server, and nothing else of it. Contract section 1.3. */
import { describe, expect, it } from 'vitest';
import { FORMS, readAnswer } from '../gemini/fixture.ts';
import {
  type Answer,
  bodyAnswer,
  chunks,
  completion,
  errorAnswer,
  jsonAnswer,
  sseAnswer,
} from '../support/faulty-answers.ts';
import { likeToken, runMany } from '../support/like-tokens.ts';
import {
  answerFirst,
  chat,
  chatsOf,
  type RelayPlace,
  startRelay,
  startServers,
  upstreamOf,
} from './fixture.ts';

const OWN_KEY = 's3cret-of-the-server';

async function startPassthrough(upstream: object = {}, replicas = 1): Promise<RelayPlace> {
  const servers = await startServers(replicas);
  const relay = await startRelay({
    auth: { mode: 'passthrough' },
    upstreams: { servers: upstreamOf(servers, { api_key: OWN_KEY, ...upstream }) },
  });
  await relay.settled();
  return { servers, relay };
}

const contentOf = (body: string) =>
  (JSON.parse(body) as { messages: [{ content: string }] }).messages[0].content;

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe.each(FORMS)('a $form request', ({ stream }) => {
  it.each([
    ['authorization', { authorization: 'Bearer of-the-client' }, ''],
    ['authorization in other letters', { AUTHORIZATION: 'bearer   of-the-client' }, ''],
    ['x-goog-api-key', { 'x-goog-api-key': 'of-the-client' }, ''],
    ['api-key', { 'api-key': 'of-the-client' }, ''],
    ['the query', {}, '?key=of-the-client'],
  ])(
    'with a credential in %s brings it as a bearer, never the configured one',
    async (_place, headers, query) => {
      const { servers, relay } = await startPassthrough();
      const path = `/v1/chat/completions${query}`;
      const { status } = await readAnswer(await relay.post(chat({ stream }), { headers, path }));
      expect(status).toBe(200);
      const [sent] = chatsOf(servers[0]!);
      expect(sent?.headers['authorization']).toBe('Bearer of-the-client');
      expect(sent?.path).toBe('/v1/chat/completions');
      expect(JSON.stringify([sent?.headers, sent?.body])).not.toContain(OWN_KEY);
    },
  );

  it('brings nothing else of the client', async () => {
    const { servers, relay } = await startPassthrough({ headers: { 'X-Team': 'search' } });
    const headers = {
      ...bearer('token-of-the-client'),
      'x-goog-api-key': 'second-of-the-client',
      'api-key': 'third-of-the-client',
      cookie: 'session=of-the-client',
      'openai-organization': 'org-of-the-client',
      'openai-project': 'project-of-the-client',
      'x-goog-user-project': 'project-of-the-client',
      'x-goog-request-params': 'of-the-client',
      'proxy-authorization': 'Basic of-the-client',
      'x-forwarded-for': '203.0.113.7',
      'x-team': 'of-the-client',
      'user-agent': 'of-the-client',
    };
    await readAnswer(await relay.post(chat({ stream }), { headers }));
    const { 'x-request-id': id, host, ...sent } = chatsOf(servers[0]!)[0]!.headers;
    expect([id, host]).toEqual([expect.any(String), new URL(servers[0]!.url).host]);
    expect(sent).toEqual({
      connection: 'keep-alive',
      'content-type': 'application/json',
      'content-length': expect.any(String),
      authorization: 'Bearer token-of-the-client',
      'x-team': 'search',
    });
  });

  it('without a credential is refused, and nothing is sent', async () => {
    const { servers, relay } = await startPassthrough();
    for (const headers of [
      {},
      { authorization: 'Basic a2V5' },
      { authorization: 'Bearer' },
      { cookie: 'key=x' },
    ]) {
      const answer = await readAnswer(await relay.post(chat({ stream }), { headers }));
      expect(answer).toMatchObject({ status: 401, error: { code: 'invalid_api_key' } });
      expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="parlance"');
    }
    expect(chatsOf(servers[0]!)).toEqual([]);
  });

  it.each([401, 403])('that the model server refuses with %i is refused with the same', async (status) => {
    const { servers, relay } = await startPassthrough({}, 2);
    for (const server of servers)
      server.respond = ({ method }) => (method === 'POST' ? errorAnswer(status) : undefined);
    const answer = await readAnswer(await relay.post(chat({ stream }), { headers: bearer('wrong-token') }));
    expect(answer.status).toBe(status);
    expect(answer.error).toMatchObject({ message: expect.any(String) });
    expect(JSON.stringify([answer.error, relay.log])).not.toMatch(/wrong-token|s3cret/);
  });

  it('brings the same credential to the next replica', async () => {
    const { servers, relay } = await startPassthrough({}, 2);
    answerFirst(servers, errorAnswer(500));
    const { status } = await readAnswer(await relay.post(chat({ stream }), { headers: bearer('t') }));
    expect(status).toBe(200);
    expect(servers.flatMap(chatsOf).map(({ headers }) => headers['authorization'])).toEqual([
      'Bearer t',
      'Bearer t',
    ]);
  });
});

/** What a server may write that is an error, or no answer at all, with something it was sent in it. */
const REPEATING: readonly [name: string, stream: boolean, answer: (sent: string) => Answer][] = [
  ['a refusal', false, (sent) => jsonAnswer({ error: { message: sent } }, { status: 400 })],
  ['a refusal in text', false, (sent) => bodyAnswer(`refused: ${sent}`, { status: 400 })],
  ['a kind of failure', false, (sent) => jsonAnswer({ error: { type: sent, code: sent } }, { status: 400 })],
  ['a field', false, (sent) => jsonAnswer({ error: { message: 'x', param: sent } }, { status: 400 })],
  ['an error with status 200', false, (sent) => jsonAnswer({ error: { message: sent } })],
  ['JSON that is no answer', false, (sent) => jsonAnswer({ sent })],
  ['text that is no answer', false, (sent) => bodyAnswer(sent)],
  ['long text that is no answer', false, (sent) => bodyAnswer(sent + ' '.repeat(300_000))],
  ['a refusal of a stream', true, (sent) => jsonAnswer({ detail: sent }, { status: 400 })],
  ['an error in place of a stream', true, (sent) => jsonAnswer({ error: { message: sent } })],
  ['an event of a stream that is an error', true, (sent) => sseAnswer([errorEvent(sent)])],
  ['an event that is no JSON', true, (sent) => sseAnswer([sent])],
  ['an event that is no chunk', true, (sent) => sseAnswer([JSON.stringify({ message: sent })])],
  ['a line that is no event', true, (sent) => sseAnswer([Buffer.from(`${sent}\n\n`)])],
  ['an error behind chunks', true, (sent) => sseAnswer([...chunks().slice(0, 2), errorEvent(sent)])],
  [
    'an error line behind chunks',
    true,
    (sent) => sseAnswer([...chunks().slice(0, 2), Buffer.from(`error: ${errorEvent(sent)}\n\n`)]),
  ],
  [
    'a named event behind chunks',
    true,
    (sent) => sseAnswer([...chunks().slice(0, 2), Buffer.from(`event: error\ndata: ${sent}\n\n`)]),
  ],
  [
    'bare JSON at the end of a stream',
    true,
    (sent) => sseAnswer(chunks().slice(0, 2), { partial: errorEvent(sent) }),
  ],
];

const errorEvent = (message: string): string => JSON.stringify({ error: { message, code: 500 } });

describe.each(REPEATING)('what was sent, in %s,', (_name, stream, answer) => {
  it.each([
    ['with our credential', { mode: 'open' }, OWN_KEY],
    ["with the client's", { mode: 'passthrough' }, 'token-of-the-client'],
  ])('is shown without credentials, %s', async (_whose, auth, credential) => {
    const [server] = await startServers(1);
    const relay = await startRelay({
      auth,
      upstreams: {
        servers: upstreamOf([server!], {
          api_key: OWN_KEY,
          headers: { 'X-Secret': 'in-another-header' },
          retries: 0,
        }),
      },
    });
    await relay.settled();
    server!.respond = ({ method, headers }) =>
      method === 'POST' ? answer(`${headers['authorization']} ${headers['x-secret']}`) : undefined;
    const { error } = await readAnswer(
      await relay.post(chat({ stream }), { headers: bearer('token-of-the-client') }),
    );
    const shown = JSON.stringify(error);
    expect(shown).toMatch(/\[authorization\].*\[x-secret\]/);
    for (const secret of [credential, OWN_KEY, 'in-another-header']) {
      expect(shown).not.toContain(secret);
      expect(JSON.stringify(relay.log)).not.toContain(secret);
    }
  });
});

describe('a credential', () => {
  it.each([
    ['a line break', '%0d%0ax-team:%20evil'],
    ['a line feed', 'a%0ab'],
    ['a null', 'a%00b'],
    ['a space', 'a%20b'],
    ['a letter that no header can hold', 'a%E2%82%ACb'],
    ['a byte that is no letter', 'a%7Fb'],
  ])('with %s is refused, and nothing is sent', async (_what, key) => {
    const { servers, relay } = await startPassthrough();
    const response = await relay.post(chat(), { path: `/v1/chat/completions?key=${key}` });
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ error: { code: 'invalid_api_key' } });
    expect(chatsOf(servers[0]!)).toEqual([]);
  });

  it('that cannot be sent is no failure of the model server', async () => {
    const { servers, relay } = await startPassthrough();
    for (let count = 0; count < 30; count++) {
      await (await relay.post(chat(), { path: '/v1/chat/completions?key=a%0ab' })).text();
    }
    expect((await relay.readiness()).status).toBe('ready');
    expect((await readAnswer(await relay.post(chat(), { headers: bearer('t') }))).status).toBe(200);
    expect(chatsOf(servers[0]!)).toHaveLength(1);
  });

  it.each([401, 403])('that model servers refuse with %i is no failure of theirs', async (status) => {
    const { servers, relay } = await startPassthrough();
    servers[0]!.respond = ({ method, headers }) =>
      method === 'POST' && headers['authorization'] !== 'Bearer right' ? errorAnswer(status) : undefined;
    for (let count = 0; count < 30; count++) {
      await (await relay.post(chat(), { headers: bearer(`wrong-${count}`) })).text();
    }
    expect((await relay.readiness()).status).toBe('ready');
    expect((await readAnswer(await relay.post(chat(), { headers: bearer('right') }))).status).toBe(200);
  });

  it('of one client never goes with the request of another', async () => {
    const { servers, relay } = await startPassthrough({}, 2);
    // The answer repeats the number that came, so that crossed answers show too.
    for (const server of servers) {
      server.respond = ({ method, body }) =>
        method === 'POST' ? jsonAnswer(completion({ content: contentOf(body) })) : undefined;
    }
    const answers: string[] = [];
    await runMany(1000, 50, async (index) => {
      const messages = [{ role: 'user', content: `number ${index}` }];
      const headers = bearer(likeToken(index));
      answers[index] = (await readAnswer(await relay.post(chat({ messages }), { headers }))).content;
    });
    expect(answers).toEqual(Array.from({ length: 1000 }, (_, index) => `number ${index}`));
    const sent = servers.flatMap(chatsOf);
    const tokens = new Map(sent.map(({ headers, body }) => [contentOf(body), headers['authorization']]));
    expect(sent).toHaveLength(1000);
    expect(tokens.size).toBe(1000);
    for (let index = 0; index < 1000; index++) {
      expect(tokens.get(`number ${index}`)).toBe(`Bearer ${likeToken(index)}`);
    }
    expect(JSON.stringify(relay.log)).not.toContain('ya29.');
  });
});

it('probes of the health of a server carry the configured credential, never one of a client', async () => {
  const { servers, relay } = await startPassthrough({ health: { interval_ms: 100, down_interval_ms: 100 } });
  await readAnswer(await relay.post(chat(), { headers: bearer('of-the-client') }));
  const before = servers[0]!.requests.length;
  await expect.poll(() => servers[0]!.requests.length).toBeGreaterThan(before);
  const probes = servers[0]!.requests.filter(({ method }) => method === 'GET');
  expect(new Set(probes.map(({ headers }) => headers['authorization']))).toEqual(
    new Set([`Bearer ${OWN_KEY}`]),
  );
});
