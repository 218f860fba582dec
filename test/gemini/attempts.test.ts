/** How often Gemini is asked for one answer, and in which form. */
import { createApiKeySource } from '../../src/auth/outbound/fixed-token-source.ts';
import { describe, expect, it } from 'vitest';
import type { AuthHeaders } from '../../src/auth/outbound/token-source.ts';
import { bodyAnswer, errorAnswer, HANG, RESET, streamedAnswer } from '../support/gemini-answers.ts';
import { call, message } from '../translate/events/gemini-messages.ts';
import { chat, FORMS, last, readAnswer, saying, startPair, text } from './fixture.ts';

const OVERLOADED = errorAnswer({
  code: 503,
  status: 'UNAVAILABLE',
  message: 'The model is overloaded. Please try again later.',
});

const failure = (code: number, status: string, details?: readonly unknown[]) =>
  errorAnswer({ code, status, message: `It is ${status}`, ...(details === undefined ? {} : { details }) });

const retryInfo = (retryDelay: string) => ({
  '@type': 'type.googleapis.com/google.rpc.RetryInfo',
  retryDelay,
});

describe.each(FORMS)('a $form answer', ({ stream }) => {
  it.each([
    { name: '500', answer: failure(500, 'INTERNAL'), status: 500, code: 'internal_error' },
    {
      name: '502 of a proxy',
      answer: bodyAnswer(502, '<html>Bad Gateway</html>'),
      status: 502,
      code: 'bad_upstream_response',
    },
    { name: '503', answer: OVERLOADED, status: 503, code: 'overloaded' },
    { name: '504', answer: failure(504, 'DEADLINE_EXCEEDED'), status: 504, code: 'timeout' },
    { name: '429', answer: failure(429, 'RESOURCE_EXHAUSTED'), status: 429, code: 'rate_limit_exceeded' },
    { name: 'a broken connection', answer: RESET, status: 502, code: 'upstream_disconnected' },
    {
      name: 'an empty answer',
      answer: streamedAnswer([]),
      status: 502,
      code: stream ? 'empty_response' : 'bad_upstream_response',
    },
  ])('is asked for three times: $name', async ({ answer, status, code }) => {
    const { upstream, server } = await startPair({}, () => answer);
    const { status: actual, error } = await readAnswer(await server.post(chat({ stream })));
    expect({ status: actual, code: error?.code }).toEqual({ status, code });
    expect(error?.type).toBe(status === 429 ? 'rate_limit_error' : 'server_error');
    expect(upstream.requests).toHaveLength(3);
  });

  it.each([
    { answer: failure(400, 'INVALID_ARGUMENT'), status: 400 },
    { answer: failure(400, 'FAILED_PRECONDITION'), status: 400 },
    { answer: failure(403, 'PERMISSION_DENIED'), status: 403 },
    { answer: failure(404, 'NOT_FOUND'), status: 404 },
    { answer: failure(409, 'ABORTED'), status: 409 },
    { answer: bodyAnswer(413, '<html>Too Large</html>'), status: 413 },
    { answer: failure(499, 'CANCELLED'), status: 499 },
    { answer: failure(501, 'UNIMPLEMENTED'), status: 501 },
  ])('is asked for once: $answer.status', async ({ answer, status }) => {
    const { upstream, server } = await startPair({}, () => answer);
    expect((await server.post(chat({ stream }))).status).toBe(status);
    expect(upstream.requests).toHaveLength(1);
  });

  it.each([
    { name: '503', first: OVERLOADED },
    { name: '429 with a short delay', first: failure(429, 'RESOURCE_EXHAUSTED', [retryInfo('0.01s')]) },
    { name: 'a broken connection', first: RESET },
    { name: 'silence', first: HANG },
  ])('comes after $name', async ({ first }) => {
    const { upstream, server } = await startPair(
      { backend: { timeouts: { answerMs: 60_000, firstByteMs: 300, idleMs: 60_000 } } },
      saying(text('Hel'), last('lo')),
    );
    upstream.answer(first);
    const { status, content, finishReason } = await readAnswer(await server.post(chat({ stream })));
    expect({ status, content, finishReason }).toEqual({
      status: 200,
      content: 'Hello',
      finishReason: 'stop',
    });
    expect(upstream.requests).toHaveLength(2);
    expect(upstream.requests[1]?.body).toEqual(upstream.requests[0]?.body);
  });

  it('is asked for again when the model wrote a call that cannot be read', async () => {
    const { upstream, server } = await startPair({}, saying(last('Hello')));
    upstream.answer(
      saying(message([], { finishReason: 'MALFORMED_FUNCTION_CALL' }))({
        method: stream ? 'streamGenerateContent' : 'generateContent',
      }),
    );
    const { content } = await readAnswer(await server.post(chat({ stream })));
    expect(content).toBe('Hello');
    expect(upstream.requests).toHaveLength(2);
  });

  it('is asked for at most once more when the model writes such calls', async () => {
    const malformed = message([], {
      finishReason: 'MALFORMED_FUNCTION_CALL',
      finishMessage: 'Malformed: f(',
    });
    const { upstream, server } = await startPair({}, saying(malformed));
    const { status, error } = await readAnswer(await server.post(chat({ stream })));
    expect(status).toBe(502);
    expect(error).toMatchObject({ type: 'server_error', code: 'malformed_function_call' });
    expect(error?.message).toContain('Malformed: f(');
    expect(upstream.requests).toHaveLength(2);
  });

  it('is asked for with another token once, when the token is refused', async () => {
    const expired = errorAnswer({
      code: 401,
      status: 'UNAUTHENTICATED',
      message: 'Expected OAuth 2 access token',
    });
    const tokens = new Tokens();
    const { upstream, server } = await startPair(
      { backend: { credentials: tokens } },
      ({ headers, method }) =>
        headers.authorization === 'Bearer token-1' ? expired : saying(last('Hello'))({ method }),
    );
    const { content } = await readAnswer(await server.post(chat({ stream })));
    expect(content).toBe('Hello');
    expect(upstream.requests.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer token-1',
      'Bearer token-2',
    ]);

    upstream.clear();
    upstream.respond = () => expired;
    const { status, error } = await readAnswer(await server.post(chat({ stream })));
    expect({ status, code: error?.code }).toEqual({ status: 401, code: 'invalid_api_key' });
    expect(upstream.requests.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer token-2',
      'Bearer token-3',
    ]);
  });

  it('is not asked for again with the same key', async () => {
    const denied = errorAnswer({ code: 401, status: 'UNAUTHENTICATED', message: 'No such key' });
    const credentials = createApiKeySource('key-1');
    const { upstream, server } = await startPair({ backend: { credentials } }, () => denied);
    const { status, error } = await readAnswer(await server.post(chat({ stream })));
    expect([status, error?.message]).toEqual([401, 'No such key']);
    expect(upstream.requests).toHaveLength(1);
  });
});

/** Credentials that hand out a new token after each that was refused. */
class Tokens {
  #number = 1;

  async headers(): Promise<AuthHeaders> {
    return { authorization: `Bearer token-${this.#number}` };
  }

  invalidate({ authorization }: AuthHeaders): void {
    if (authorization === `Bearer token-${this.#number}`) this.#number++;
  }

  async projectId(): Promise<undefined> {}

  close(): void {}
}

describe('retries', () => {
  it('add a tenth to the load at most, after the first few', async () => {
    const { upstream, server } = await startPair({}, () => OVERLOADED);
    const requests = 150;
    for (let sent = 0; sent < requests; sent += 10) {
      const answers = await Promise.all(Array.from({ length: 10 }, () => server.post(chat())));
      expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 503));
      await Promise.all(answers.map((answer) => answer.text()));
    }
    const retries = upstream.requests.length - requests;
    expect(retries).toBeGreaterThanOrEqual(10);
    expect(retries).toBeLessThanOrEqual(10 + requests / 10);
  });

  it('can be turned off', async () => {
    const { upstream, server } = await startPair({ backend: { retry: { maxRetries: 0 } } }, () => OVERLOADED);
    expect((await server.post(chat())).status).toBe(503);
    expect(upstream.requests).toHaveLength(1);
  });

  it.each([
    {
      name: 'of the body',
      answer: failure(429, 'RESOURCE_EXHAUSTED', [retryInfo('34.4s')]),
      headers: { 'retry-after': '35', 'retry-after-ms': '34400' },
    },
    {
      name: 'of the header',
      answer: errorAnswer({ code: 503, status: 'UNAVAILABLE', message: 'busy' }, { 'retry-after': '60' }),
      headers: { 'retry-after': '60', 'retry-after-ms': '60000' },
    },
    {
      name: 'that is the longer one',
      answer: errorAnswer(
        { code: 429, status: 'RESOURCE_EXHAUSTED', message: 'busy', details: [retryInfo('21s')] },
        { 'retry-after': '40' },
      ),
      headers: { 'retry-after': '40', 'retry-after-ms': '40000' },
    },
  ])('are left to the client after a long delay: the one $name', async ({ answer, headers }) => {
    const { upstream, server } = await startPair({}, () => answer);
    const response = await server.post(chat());
    expect(response.status).toBe(answer.status);
    expect(Object.fromEntries(response.headers)).toMatchObject(headers);
    expect(response.headers.has('x-should-retry')).toBe(false);
    expect(upstream.requests).toHaveLength(1);
  });

  it('are of no use when the quota of the day is used up', async () => {
    const perDay = {
      '@type': 'type.googleapis.com/google.rpc.QuotaFailure',
      violations: [{ quotaId: 'GenerateRequestsPerDayPerProjectPerModel-FreeTier', quotaValue: '50' }],
    };
    const { upstream, server } = await startPair({}, () =>
      failure(429, 'RESOURCE_EXHAUSTED', [perDay, retryInfo('0.01s')]),
    );
    const { status, headers, error } = await readAnswer(await server.post(chat()));
    expect(status).toBe(429);
    expect(headers.get('x-should-retry')).toBe('false');
    expect(error).toMatchObject({
      type: 'insufficient_quota',
      code: 'insufficient_quota',
      google: { code: 429, status: 'RESOURCE_EXHAUSTED' },
    });
    expect(upstream.requests).toHaveLength(1);
  });

  it('are not made once something was sent to the client', async () => {
    const { upstream, server } = await startPair();
    upstream.answer({ ...streamedAnswer([]), steps: [...streamedAnswer([text('Hel')]).steps, 'reset'] });
    const { status, content, error, isDone } = await readAnswer(await server.post(chat({ stream: true })));
    expect({ status, content, isDone }).toEqual({ status: 200, content: 'Hel', isDone: false });
    expect(error?.code).toBe('upstream_disconnected');
    expect(upstream.requests).toHaveLength(1);
  });

  it('say what is wrong when nobody listens there', async () => {
    const { upstream, server } = await startPair();
    await upstream[Symbol.asyncDispose]();
    const { status, error } = await readAnswer(await server.post(chat()));
    expect({ status, code: error?.code }).toEqual({ status: 503, code: 'upstream_unavailable' });
    expect(error?.message).toContain('ECONNREFUSED');
  });
});

describe('schemas', () => {
  const schema = {
    type: 'object',
    properties: { city: { type: 'string' }, days: { type: ['integer', 'null'] } },
    required: ['city'],
  };
  const withBoth = {
    tools: [{ type: 'function', function: { name: 'weather', parameters: schema } }],
    response_format: { type: 'json_schema', json_schema: { name: 'answer', schema } },
  };
  const native = {
    type: 'OBJECT',
    properties: { city: { type: 'STRING' }, days: { type: 'INTEGER', nullable: true } },
    required: ['city'],
  };

  it.each([
    `Invalid JSON payload received. Unknown name "parametersJsonSchema" at 'tools[0].function_declarations[0]': Cannot find field.`,
    `Invalid JSON payload received. Unknown name "parameters_json_schema" at 'tools[0].function_declarations[0]': Cannot find field.`,
    'response_json_schema is not supported by this model',
  ])('are sent in the older language to a model that says: %s', async (refusal) => {
    const { upstream, server } = await startPair({}, saying(last('{"city":"Oslo"}')));
    upstream.answer(errorAnswer({ code: 400, status: 'INVALID_ARGUMENT', message: refusal }));
    const { content } = await readAnswer(await server.post(chat(withBoth)));
    expect(content).toBe('{"city":"Oslo"}');
    const [first, second] = upstream.requests.map(({ body }) => body);
    expect(first?.generationConfig).toHaveProperty('responseJsonSchema');
    expect(first?.tools?.[0]?.functionDeclarations?.[0]).toHaveProperty('parametersJsonSchema');
    expect(second?.generationConfig?.responseSchema).toMatchObject(native);
    expect(second?.generationConfig).not.toHaveProperty('responseJsonSchema');
    expect(second?.tools?.[0]?.functionDeclarations?.[0]?.parameters).toMatchObject(native);
    expect(upstream.requests).toHaveLength(2);
  });

  it('are sent in the older language once only', async () => {
    const { upstream, server } = await startPair({}, () =>
      errorAnswer({ code: 400, status: 'INVALID_ARGUMENT', message: 'Unknown name "responseJsonSchema"' }),
    );
    expect((await server.post(chat(withBoth))).status).toBe(400);
    expect(upstream.requests).toHaveLength(2);
  });
});

describe('a model the region does not have', () => {
  const missing = errorAnswer({
    code: 404,
    status: 'NOT_FOUND',
    message:
      'Publisher Model `projects/p/locations/us-central1/publishers/google/models/gemini-3-pro-preview` was not found',
  });
  const gemini3 = chat({ model: 'google/gemini-3-pro-preview' });

  it('is asked for at global', async () => {
    const { upstream, server } = await startPair({}, (request) =>
      request.location === 'global' ? saying(last('Hello'))(request) : missing,
    );
    const { content } = await readAnswer(await server.post(gemini3));
    expect(content).toBe('Hello');
    expect(upstream.requests.map(({ headers, location }) => [headers.host, location])).toEqual([
      ['us-central1-aiplatform.googleapis.com', 'us-central1'],
      ['aiplatform.googleapis.com', 'global'],
    ]);
  });

  it('is asked for at global only once, and then does not exist', async () => {
    const { upstream, server } = await startPair({}, () => missing);
    const { status, error } = await readAnswer(await server.post(gemini3));
    expect({ status, code: error?.code }).toEqual({ status: 404, code: 'model_not_found' });
    expect(upstream.requests).toHaveLength(2);
  });

  it.each([
    { name: 'is no Gemini 3', request: chat(), backend: {} },
    { name: 'must stay in its region', request: gemini3, backend: { globalFallback: false } },
  ])('does not exist when it $name', async ({ request, backend }) => {
    const { upstream, server } = await startPair({ backend }, () => missing);
    expect((await server.post(request)).status).toBe(404);
    expect(upstream.requests).toHaveLength(1);
  });

  it('is not looked for at Google when the configuration names another host', async () => {
    const { upstream, server } = await startPair({}, () => missing);
    const place = {
      upstream: 'vertex',
      project: 'p',
      isExpress: false,
      location: 'us-central1',
      version: 'v1',
      baseUrl: upstream.origin,
    } as const;
    const { server: proxied, upstream: other } = await startPair({ backend: { place } }, () => missing);
    expect((await proxied.post(gemini3)).status).toBe(404);
    expect(other.requests).toHaveLength(1);
    expect((await server.post(chat())).status).toBe(404);
  });
});

describe('a call of a function', () => {
  it('is not asked for again once it was sent', async () => {
    const { upstream, server } = await startPair();
    const { steps, ...head } = streamedAnswer([message([call('weather', { city: 'Oslo' })])]);
    upstream.answer({ ...head, steps: [...steps, 'reset'] });
    const { chunks, error } = await readAnswer(
      await server.post(chat({ stream: true, tools: [{ type: 'function', function: { name: 'weather' } }] })),
    );
    expect(chunks.flatMap(({ choices }) => choices[0]?.delta.tool_calls ?? [])).toHaveLength(1);
    expect(error?.code).toBe('upstream_disconnected');
    expect(upstream.requests).toHaveLength(1);
  });
});
