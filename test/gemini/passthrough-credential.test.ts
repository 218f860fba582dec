/** In mode `passthrough` the credential of the client goes to Google, and nothing else of it. Contract section 1.3. */
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { describe, expect, it } from 'vitest';
import { errorAnswer } from '../support/gemini-answers.ts';
import { gatekeeperOf } from '../support/gatekeeper.ts';
import { type GeminiServerOptions, ROUTES, SECRETS } from '../support/gemini-server.ts';
import { likeToken, runMany } from '../support/like-tokens.ts';
import type { Responder } from '../support/replay-upstream.ts';
import { chat, FORMS, last, readAnswer, saying, startPair } from './fixture.ts';

function startPassthrough(kind: 'vertex' | 'gemini', respond: Responder = saying(last('Hello'))) {
  const options: GeminiServerOptions = { kind, http: { gatekeeper: gatekeeperOf({ kind: 'passthrough' }) } };
  return startPair(options, respond);
}

const KINDS = ['vertex', 'gemini'] as const;
const KINDS_AND_FORMS = KINDS.flatMap((kind) => FORMS.map(({ form, stream }) => ({ kind, form, stream })));

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe.each(KINDS_AND_FORMS)('a $form request to $kind', ({ kind, stream }) => {
  it.each([
    ['ya29.of-the-client', { authorization: 'Bearer ya29.of-the-client' }],
    ['eyJh.eyJp.sig', { authorization: 'Bearer eyJh.eyJp.sig' }],
    [`Bearer AIzaOfTheClient`, { 'x-goog-api-key': 'AIzaOfTheClient' }],
    [`Bearer AIzaOfTheClient`, { authorization: 'Bearer AIzaOfTheClient' }],
    [`Bearer AQ.of-the-client`, { 'api-key': 'AQ.of-the-client' }],
  ])('brings %s where Google looks for it, and not that of the server', async (credential, headers) => {
    const { upstream, server } = await startPassthrough(kind);
    const { status } = await readAnswer(await server.post(chat({ stream }), { headers }));
    expect(status).toBe(200);
    const isApiKey = credential.startsWith('Bearer ');
    const [sent] = upstream.received;
    expect(sent?.headers['x-goog-api-key']).toBe(isApiKey ? credential.slice('Bearer '.length) : undefined);
    expect(sent?.headers['authorization']).toBe(isApiKey ? undefined : `Bearer ${credential}`);
    expect(JSON.stringify(upstream.received)).not.toMatch(new RegExp(Object.values(SECRETS).join('|')));
    expect(sent?.target).not.toContain('of-the-client');
  });

  it('brings nothing else of the client', async () => {
    const { upstream, server } = await startPassthrough(kind);
    const headers = {
      ...bearer('ya29.token'),
      'x-goog-api-key': 'AIza-of-the-client',
      'api-key': 'of-the-client',
      cookie: 'session=of-the-client',
      'openai-organization': 'org-of-the-client',
      'openai-project': 'project-of-the-client',
      'x-goog-user-project': 'project-of-the-client',
      'x-goog-request-params': 'of-the-client',
      'x-forwarded-for': '203.0.113.7',
      'user-agent': 'of-the-client',
    };
    await readAnswer(await server.post(chat({ stream }), { headers }));
    expect(Object.keys(upstream.received[0]!.headers).toSorted()).toEqual([
      'authorization',
      'connection',
      'content-length',
      'content-type',
      'host',
    ]);
    expect(JSON.stringify(upstream.received)).not.toMatch(/of-the-client/);
  });

  it('without a credential is refused, and nothing is sent', async () => {
    const { upstream, server } = await startPassthrough(kind);
    for (const headers of [{}, { authorization: 'Basic a2V5' }, { cookie: 'key=x' }]) {
      const answer = await readAnswer(await server.post(chat({ stream }), { headers }));
      expect(answer).toMatchObject({ status: 401, error: { code: 'invalid_api_key' } });
    }
    expect(upstream.received).toEqual([]);
  });

  it.each([
    [401, 'UNAUTHENTICATED', 'Request had invalid authentication credentials.', undefined, 401],
    [403, 'PERMISSION_DENIED', 'Permission denied.', undefined, 403],
    [400, 'INVALID_ARGUMENT', 'API key not valid. Please pass a valid API key.', 'API_KEY_INVALID', 401],
  ])('that Google refuses with %i %s is refused', async (code, status, message, reason, expected) => {
    const details = reason && [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason }];
    const refusal = errorAnswer({ code, status, message, ...(details ? { details } : {}) });
    const { upstream, server } = await startPassthrough(kind, () => refusal);
    const answer = await readAnswer(await server.post(chat({ stream }), { headers: bearer('ya29.wr0ng') }));
    expect(answer.status).toBe(expected);
    expect(JSON.stringify([answer.error, server.log])).not.toMatch(/wr0ng|of-the-server/);
    // Whoever is refused is never helped out with the credentials of the server.
    expect(new Set(upstream.received.map(({ headers }) => headers.authorization))).toEqual(
      new Set(['Bearer ya29.wr0ng']),
    );
  });
});

describe('the place of a request with the credential of a client', () => {
  it.each([
    ['vertex', 'ya29.t', '/v1/projects/my-project/locations/us-central1/publishers/'],
    ['plain', 'ya29.t', '/v1/projects/p/locations/us-central1/publishers/'],
    ['vertex', 'AIza-t', '/v1/publishers/'],
    ['plain', 'AIza-t', '/v1/publishers/'],
  ] as const)('on the route %s with %s is %s', async (route, token, path) => {
    const { upstream, server } = await startPassthrough('vertex');
    await readAnswer(await server.post(chat(), { route, headers: bearer(token) }));
    expect(upstream.last.path).toBe(`${path}google/models/gemini-2.5-flash:generateContent`);
  });

  it.each(['a', '-', 'evil-com', 'us-central1-aiplatform', 'x--', 'xn--', 'xn--a', 'us', 'global'])(
    'at the location %s is a host of Google, or none',
    async (location) => {
      const { upstream, server } = await startPassthrough('vertex');
      const status = await postTo(server.url, ROUTES.vertex.replace('us-central1', location));
      expect([200, 400, 404]).toContain(status);
      expect(upstream.received).toHaveLength(status === 200 ? 1 : 0);
      for (const { headers } of upstream.received) {
        expect(headers.host).toMatch(/^[a-z0-9.-]+\.googleapis\.com$/);
      }
    },
  );

  it.each(['..', '.', ':', 'p:x', 'example.com:p'])(
    'of the project %s never leaves its place in the URL',
    async (project) => {
      const { upstream, server } = await startPassthrough('vertex');
      const status = await postTo(server.url, ROUTES.vertex.replace('my-project', project));
      expect([200, 400, 404]).toContain(status);
      expect(upstream.received).toHaveLength(status === 200 ? 1 : 0);
      for (const { target } of upstream.received) {
        expect(target).toMatch(
          /^\/v1\/projects\/(?!\.+\/)[\w.%-]+\/locations\/us-central1\/publishers\/google\/models\/[\w.-]+:generateContent$/,
        );
      }
    },
  );
});

/** Posts to a path as it is: `fetch` would take the dots out of it. @returns the status */
async function postTo(url: string, root: string): Promise<number | undefined> {
  const headers = { 'content-type': 'application/json', ...bearer('ya29.t') };
  const sent = request(url, { method: 'POST', path: `${root}/chat/completions`, headers });
  sent.end(JSON.stringify(chat()));
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  response.resume();
  return response.statusCode;
}

it.each(KINDS)('1,000 credentials that look alike each go to %s with their own request', async (kind) => {
  const { upstream, server } = await startPassthrough(kind, (asked) =>
    saying(last(contentOf(asked.body)))(asked),
  );
  const answers: string[] = [];
  await runMany(1000, 50, async (index) => {
    const messages = [{ role: 'user', content: `number ${index}` }];
    const response = await server.post(chat({ messages }), { headers: bearer(likeToken(index)) });
    answers[index] = (await readAnswer(response)).content;
  });
  expect(answers).toEqual(Array.from({ length: 1000 }, (_, index) => `number ${index}`));
  const tokens = new Map(
    upstream.requests.map(({ headers, body }) => [contentOf(body), headers.authorization]),
  );
  expect(upstream.requests).toHaveLength(1000);
  expect(tokens.size).toBe(1000);
  for (let index = 0; index < 1000; index++) {
    expect(tokens.get(`number ${index}`)).toBe(`Bearer ${likeToken(index)}`);
  }
  expect(server.log.join('')).not.toContain('ya29.');
});

function contentOf({
  contents,
}: {
  readonly contents: readonly { readonly parts?: readonly object[] }[];
}): string {
  const [part] = contents[0]?.parts ?? [];
  return part !== undefined && 'text' in part ? String(part.text) : '';
}
