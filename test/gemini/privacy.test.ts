/** What must not get from one side of the server to the other. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bodyAnswer,
  errorAnswer,
  RESET,
  streamedAnswer,
  type UpstreamAnswer,
  wholeAnswer,
} from '../support/gemini-answers.ts';
import { SECRETS } from '../support/gemini-server.ts';
import { chat, FORMS, last, readAnswer, saying, startPair, text } from './fixture.ts';

const NAME_PIECES =
  '.. . / %2F %2e : ? # @ \\ \r\n \u0000 é &key=1 google/ models/ publishers/ endpoints/ tunedModels/'
    .split(' ')
    .concat(
      'projects/x/locations/y/',
      'gemini-2.5-flash',
      ':predict',
      '?alt=json',
      'https://example.com/',
      ' ',
    );

describe("a client's request", () => {
  const clientHeaders = {
    authorization: 'Bearer key-of-the-client-1',
    'x-goog-api-key': 'key-of-the-client-2',
    'openai-organization': 'org-secret',
    'openai-project': 'proj-secret',
    cookie: 'session=secret',
    'x-forwarded-for': '10.1.2.3',
    'x-goog-user-project': 'project-of-the-client',
    'user-agent': 'client/1.0',
  };

  it.each([
    { kind: 'vertex', credential: 'authorization', value: `Bearer ${SECRETS.token}` },
    { kind: 'gemini', credential: 'x-goog-api-key', value: SECRETS.apiKey },
  ] as const)('takes nothing of its headers to $kind', async ({ kind, credential, value }) => {
    const { upstream, server } = await startPair({ kind }, saying(last('Hello')));
    const response = await server.post(chat({ user: 'user-secret', metadata: { a: 'metadata-secret' } }), {
      headers: clientHeaders,
    });
    expect(response.status).toBe(200);
    const [request] = upstream.received;
    expect(Object.keys(request?.headers ?? {}).toSorted()).toEqual(
      ['host', 'connection', 'content-type', 'content-length', credential].toSorted(),
    );
    expect(request?.headers[credential]).toBe(value);
    expect(JSON.stringify([upstream.received, upstream.last.body])).not.toMatch(
      /of-the-client|-secret"|10\.1\.2\.3/,
    );
  });

  it('never leaves the place its model has in the URL', async () => {
    const { upstream, server } = await startPair({}, saying(last('Hello')));
    const { upstream: devapi, server: devapiServer } = await startPair(
      { kind: 'gemini' },
      saying(last('Hello')),
    );
    const piece = fc.constantFrom(...NAME_PIECES);
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { minLength: 1, maxLength: 6 }), async (pieces) => {
        const model = pieces.join('');
        for (const [name, at] of [
          ['vertex', { upstream, server }],
          ['gemini', { upstream: devapi, server: devapiServer }],
        ] as const) {
          at.upstream.clear();
          const response = await at.server.post(chat({ model }));
          await response.arrayBuffer();
          expect([200, 400, 404]).toContain(response.status);
          for (const { target } of at.upstream.received) expect(target).toMatch(PATH_OF[name]);
          expect(at.upstream.received).toHaveLength(response.status === 200 ? 1 : 0);
        }
      }),
      { numRuns: 40 },
    );
  });

  it.each([
    'google/..',
    'google/../../x',
    'models/..',
    'endpoints/..',
    'tunedModels/..',
    'publishers/google/models/..',
  ])('for the model %j goes nowhere', async (model) => {
    const { upstream, server } = await startPair({}, saying(last('Hello')));
    expect([400, 404]).toContain((await server.post(chat({ model }))).status);
    expect(upstream.received).toEqual([]);
  });

  it.each([
    ['gemini-2.5-flash:predict', 'gemini-2.5-flash%3Apredict'],
    ['google/gemini-2.5-flash@default', 'gemini-2.5-flash%40default'],
  ])('for the model %j asks for no other method', async (model, segment) => {
    const { upstream, server } = await startPair({}, saying(last('Hello')));
    expect((await server.post(chat({ model }))).status).toBe(200);
    expect(upstream.last.path).toBe(
      `/v1/projects/p/locations/us-central1/publishers/google/models/${segment}:generateContent`,
    );
  });

  it('for a tuned model goes to the configured project, whatever it names', async () => {
    const { upstream, server } = await startPair({}, saying(last('Hello')));
    await server.post(chat({ model: 'projects/other/locations/europe-west4/endpoints/123' }));
    expect(upstream.last.path).toBe('/v1/projects/p/locations/us-central1/endpoints/123:generateContent');
  });
});

const PATH_OF = {
  vertex:
    /^\/v1\/projects\/p\/locations\/us-central1\/(?:publishers\/google\/models|endpoints)\/[^/?#:\s]+:generateContent$/,
  gemini: /^\/v1beta\/(?:models|tunedModels)\/[^/?#:\s]+:generateContent$/,
} as const;

describe.each(FORMS)('the log and a $form answer', ({ stream }) => {
  const denied = { code: 403, status: 'PERMISSION_DENIED', message: 'denied' };
  const failures: readonly { name: string; answers: readonly UpstreamAnswer[] }[] = [
    { name: 'a good answer', answers: [] },
    {
      name: 'a refused token',
      answers: Array.from({ length: 2 }, () =>
        errorAnswer({ ...denied, code: 401, status: 'UNAUTHENTICATED' }),
      ),
    },
    { name: 'a refusal', answers: [errorAnswer(denied)] },
    {
      name: 'a page of a proxy',
      answers: Array.from({ length: 3 }, () => bodyAnswer(502, '<html>Bad Gateway</html>')),
    },
    { name: 'a broken connection', answers: [RESET, RESET, RESET] },
    {
      name: 'an answer that is no JSON',
      answers: Array.from({ length: 3 }, () =>
        bodyAnswer(200, 'data: hush-hush\n\n', { 'content-type': 'text/event-stream' }),
      ),
    },
    {
      name: 'an answer that breaks off',
      answers: Array.from({ length: 3 }, () => ({
        ...streamedAnswer([]),
        steps: [...streamedAnswer([text('Hel')]).steps, 'reset' as const],
      })),
    },
  ];

  it.each(failures)('hold no secrets: $name', async ({ answers }) => {
    const key = 'the-key-of-the-client';
    const { upstream, server } = await startPair({ keys: [key] }, saying(last('Hello')));
    upstream.answer(...answers);
    const request = chat({ stream, messages: [{ role: 'user', content: 'The prompt is private.' }] });
    const response = await server.post(request, { headers: { authorization: `Bearer ${key}` } });
    const shown = `${JSON.stringify([...response.headers])}${await response.text()}`;
    await expect.poll(() => server.log.join('')).toContain('"requestId"');
    for (const place of [shown, server.log.join('')]) {
      expect(place).not.toContain(SECRETS.token);
      expect(place).not.toContain(key);
      expect(place).not.toContain('The prompt is private.');
    }
    expect(server.log.join('')).not.toContain('hush-hush');
    expect(upstream.requests.length).toBeGreaterThan(0);
  });
});

/** What Gemini, or a proxy before it, may write that is an error or no answer, with something it was sent in it. */
const REPEATING: readonly [name: string, stream: boolean, answer: (sent: string) => UpstreamAnswer][] = [
  ['a refusal', false, (sent) => errorAnswer({ code: 400, status: 'INVALID_ARGUMENT', message: sent })],
  [
    'details of a refusal',
    true,
    (sent) =>
      errorAnswer({ code: 403, status: sent, message: 'x', details: [{ metadata: { sent: [sent] } }] }),
  ],
  ['a page of a proxy', false, (sent) => bodyAnswer(502, `<html><h1>${sent}</h1></html>`)],
  ['a refused credential', false, (sent) => bodyAnswer(401, sent)],
  ['an error with status 200', false, (sent) => wholeAnswer(failed(sent))],
  ['text that is no answer', false, (sent) => bodyAnswer(200, sent)],
  ['an event that is an error', true, (sent) => streamedAnswer([failed(sent)])],
  ['an event that is no JSON', true, (sent) => eventsAnswer(`data: ${sent}\n\n`)],
  ['an error behind events', true, (sent) => streamedAnswer([text('Hel'), failed(sent)])],
  ['no JSON behind events', true, (sent) => eventsAnswer(`${eventOf(text('Hel'))}data: ${sent}\n\n`)],
  [
    'bare JSON behind events',
    true,
    (sent) => eventsAnswer(eventOf(text('Hel')) + JSON.stringify(failed(sent))),
  ],
  ['no events at all', true, (sent) => eventsAnswer(sent)],
  [
    'an error in an array',
    true,
    (sent) =>
      bodyAnswer(200, JSON.stringify([text('Hel'), failed(sent)]), { 'content-type': 'application/json' }),
  ],
  ['a call that cannot be used', false, (sent) => wholeAnswer(malformed(sent))],
];

const failed = (sent: string): object => ({ error: { code: 500, status: 'INTERNAL', message: sent } });
const malformed = (sent: string): object => ({
  candidates: [{ finishReason: 'MALFORMED_FUNCTION_CALL', finishMessage: sent }],
});
const eventOf = (value: object): string => `data: ${JSON.stringify(value)}\n\n`;
const eventsAnswer = (body: string): UpstreamAnswer =>
  bodyAnswer(200, body, { 'content-type': 'text/event-stream' });

describe.each(REPEATING)('what was sent, in %s,', (_name, stream, answer) => {
  it.each(['vertex', 'gemini'] as const)('is shown without the credential of %s', async (kind) => {
    const { server } = await startPair(
      { kind, backend: { retry: { maxRetries: 0 }, malformedRetries: 0 } },
      ({ headers: { authorization = '', 'x-goog-api-key': key } }) =>
        answer(`${authorization} ${String(key)}`),
    );
    const { error } = await readAnswer(await server.post(chat({ stream })));
    const shown = JSON.stringify(error);
    expect(shown).toContain(kind === 'vertex' ? '[authorization]' : '[x-goog-api-key]');
    for (const place of [shown, server.log.join('')]) expect(place).not.toContain('of-the-server');
  });
});

describe('an error of the upstream', () => {
  it('cannot put line breaks or markup of a proxy into the answer', async () => {
    const { server } = await startPair({}, () =>
      bodyAnswer(403, '<html><script>alert(1)</script><h1>Blocked\r\nby\u0007 policy</h1></html>', {
        'content-type': 'text/html',
      }),
    );
    const { status, error } = await readAnswer(await server.post(chat()));
    expect(status).toBe(403);
    expect(error?.message).toBe(
      'The upstream answered HTTP 403 with something that is not an answer of Gemini: Blocked by policy',
    );
  });
});
