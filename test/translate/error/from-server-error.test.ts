import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ERROR_KINDS, type ErrorCode, type GatewayError, type ServerStatus } from '../../../src/errors.ts';
import { fromServerError, readStreamError } from '../../../src/translate/error/from-server-error.ts';
import { toErrorBody } from '../../../src/wire/openai/error.ts';
import type { JsonObject } from '../../../src/wire/validation/structure-checks.ts';

function failed(
  status: number,
  body: unknown,
  more: { contentType?: string; retryAfter?: string } = {},
): GatewayError {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return fromServerError({ status, body: text, upstream: 'gemma', ...more });
}

/** What servers answer with, by who does; each says "It failed." and nothing that has a code of its own. */
const SHAPES: [shape: string, body: unknown, upstream: Omit<ServerStatus, 'status'>][] = [
  [
    'OpenAI',
    { error: { message: 'It failed.', type: 'some_error', param: null, code: 'a_code' } },
    { type: 'some_error', code: 'a_code' },
  ],
  [
    'vLLM, llama.cpp',
    { error: { message: ' It failed. ', type: 'SomeError', param: null, code: 418 } },
    { type: 'SomeError', code: 418 },
  ],
  [
    'Ollama',
    { error: { message: 'It failed.', type: 'api_error', param: null, code: null } },
    { type: 'api_error' },
  ],
  [
    'older vLLM, SGLang',
    { object: 'error', message: 'It failed.', type: 'SomeError', param: null, code: 418 },
    { type: 'SomeError', code: 418 },
  ],
  ['TGI', { error: 'It failed.', error_type: 'some' }, { type: 'some' }],
  ['a text', { error: 'It failed.' }, {}],
  ['texts', { error: ['It', 'failed.'] }, {}],
  ['FastAPI', { detail: 'It failed.' }, {}],
  ['FastAPI, an error inside', { detail: { error: { message: 'It failed.', type: 'x' } } }, { type: 'x' }],
  ['a message', { message: 'It failed.' }, {}],
  ['a message and more', { message: 'It failed.', type: 't', code: 'c' }, { type: 't', code: 'c' }],
  ['an array of one', [{ error: { message: 'It failed.', type: 'x' } }], { type: 'x' }],
  ['an array with others', [null, {}, { message: 'It failed.' }], {}],
  ['Mistral', { object: 'error', message: { detail: 'It failed.' }, type: 't' }, { type: 't' }],
];

const STATUSES: [status: number, code: ErrorCode, ours: number][] = [
  [400, 'invalid_argument', 400],
  [401, 'invalid_api_key', 401],
  [402, 'insufficient_quota', 429],
  [403, 'permission_denied', 403],
  [404, 'not_found', 404],
  [405, 'invalid_argument', 400],
  [408, 'request_timeout', 408],
  [409, 'conflict', 409],
  [413, 'request_too_large', 413],
  [415, 'invalid_argument', 400],
  [418, 'invalid_argument', 400],
  [422, 'invalid_argument', 400],
  [424, 'internal_error', 500],
  [429, 'rate_limit_exceeded', 429],
  [499, 'cancelled', 499],
  [500, 'internal_error', 500],
  [501, 'unsupported', 501],
  [502, 'bad_upstream_response', 502],
  [503, 'overloaded', 503],
  [504, 'timeout', 504],
  [520, 'bad_upstream_response', 502],
];

describe.each(SHAPES)('%s', (_, body, upstream) => {
  it.each(STATUSES)('HTTP %i is %s', (status, code, ours) => {
    const error = failed(status, body);
    expect([error.code, error.status]).toEqual([code, ours]);
    expect(error.message.replace('; ', ' ')).toBe('It failed.');
    expect(error.upstream).toEqual({ status, ...upstream });
    expect(error.param).toBeNull();
  });
});

describe('a body that is no error of a known form', () => {
  it.each(STATUSES)('HTTP %i is %s', (status, code) => {
    for (const [body, contentType] of [
      ['', undefined],
      ['Nope', 'text/plain'],
      ['<html><b>Nope</b></html>', 'text/html'],
      ['{"choices":[]}', 'application/json'],
    ] as const) {
      const error = failed(status, body, contentType === undefined ? {} : { contentType });
      expect(error.code).toBe(code);
      expect(error.upstream).toEqual({ status });
    }
  });

  it.each<[string, string, string | undefined, string]>([
    ['empty', '', undefined, 'The upstream gemma answered HTTP 503 and gave no reason.'],
    ['white space', ' \r\n', 'application/json', 'The upstream gemma answered HTTP 503 and gave no reason.'],
    [
      'plain text',
      'upstream connect error\r\n  or disconnect',
      'text/plain',
      'The upstream gemma answered HTTP 503: upstream connect error or disconnect',
    ],
    [
      'HTML',
      '<!DOCTYPE html><html><head><title>503</title><script>alert(1)</script></head><body>Busy&nbsp;now',
      'text/html; charset=utf-8',
      'The upstream gemma answered HTTP 503: 503 Busy now',
    ],
    [
      'broken JSON',
      '{"error":{"mess',
      'application/json',
      'The upstream gemma answered HTTP 503: {"error":{"mess',
    ],
    ['other JSON', '{"a":1}', 'application/json', 'The upstream gemma answered HTTP 503: {"a":1}'],
    [
      'an error of an odd type',
      '{"error":17}',
      'application/json',
      'The upstream gemma answered HTTP 503: {"error":17}',
    ],
    [
      'an empty list',
      '{"detail":[]}',
      'application/json',
      'The upstream gemma answered HTTP 503: {"detail":[]}',
    ],
  ])('%s', (_, body, contentType, message) => {
    expect(failed(503, body, contentType === undefined ? {} : { contentType }).message).toBe(message);
  });

  it.each([
    ['', 'The upstream gemma answered HTTP 200 with something that is not a chat completion: nothing.'],
    [
      '<html>Sign in</html>',
      'The upstream gemma answered HTTP 200 with something that is not a chat completion: Sign in',
    ],
    ['OK', 'The upstream gemma answered HTTP 200 with something that is not a chat completion: OK'],
  ])('with HTTP 200: %j', (body, message) => {
    expect(failed(200, body)).toMatchObject({
      code: 'bad_upstream_response',
      message,
      upstream: { status: 200 },
    });
  });

  it.each([204, 301, 302, 100])('HTTP %i', (status) => {
    expect(failed(status, '').code).toBe('bad_upstream_response');
  });

  it('is shown in a few words only', () => {
    for (const body of ['x '.repeat(50_000), `{"a":${'['.repeat(100_000)}`, '<script'.repeat(20_000)])
      expect(failed(500, body).message.length).toBeLessThan(300);
  });
});

describe('more exact codes', () => {
  it.each<[string, number, unknown, ErrorCode]>([
    [
      'vLLM: too long',
      400,
      {
        object: 'error',
        message:
          "This model's maximum context length is 4096 tokens. However, you requested 4472 tokens (376 in the messages, 4096 in the completion).",
        type: 'BadRequestError',
        code: 400,
      },
      'context_length_exceeded',
    ],
    [
      'vLLM: the prompt alone too long',
      400,
      {
        error: {
          message: 'The decoder prompt (length 163840) is longer than the maximum model length of 131072.',
        },
      },
      'context_length_exceeded',
    ],
    [
      'SGLang: too long',
      400,
      {
        object: 'error',
        message: "The input (61709 tokens) is longer than the model's context length (40960 tokens).",
      },
      'context_length_exceeded',
    ],
    [
      'SGLang: too long with the answer',
      400,
      {
        object: 'error',
        message: "Requested token count exceeds the model's maximum context length of 131072 tokens.",
      },
      'context_length_exceeded',
    ],
    [
      'SGLang: more than the memory',
      400,
      { message: 'Input length (160062 tokens) exceeds the maximum allowed length (59862 tokens).' },
      'context_length_exceeded',
    ],
    [
      'TGI: too long',
      422,
      {
        error:
          'Input validation error: `inputs` tokens + `max_new_tokens` must be <= 2048. Given: 1887 `inputs` tokens and 1024 `max_new_tokens`',
        error_type: 'validation',
      },
      'context_length_exceeded',
    ],
    [
      'TGI: the prompt alone too long',
      422,
      {
        error: 'Input validation error: `inputs` must have less than 1024 tokens. Given: 3000',
        error_type: 'validation',
      },
      'context_length_exceeded',
    ],
    [
      'TGI behind a router',
      422,
      {
        error: {
          message: '`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 8740',
          http_status_code: 422,
        },
      },
      'context_length_exceeded',
    ],
    [
      'llama.cpp: too long',
      400,
      {
        error: {
          code: 400,
          message: 'the request exceeds the available context size. try increasing the context size',
          type: 'exceed_context_size_error',
          n_prompt_tokens: 1407,
          n_ctx: 256,
        },
      },
      'context_length_exceeded',
    ],
    [
      'llama.cpp: too long, first version',
      500,
      { error: { code: 500, message: 'too much', type: 'exceed_context_size_error' } },
      'context_length_exceeded',
    ],
    [
      'Ollama: too long',
      400,
      { error: { message: 'prompt too long; exceeded max context length by 12 tokens' } },
      'context_length_exceeded',
    ],
    [
      'OpenAI: too long',
      400,
      { error: { message: 'Too much.', type: 'invalid_request_error', code: 'context_length_exceeded' } },
      'context_length_exceeded',
    ],
    [
      'a body too long for the model',
      413,
      { error: 'prompt is too long: 213462 tokens' },
      'context_length_exceeded',
    ],
    ['as plain text', 400, 'Your input exceeds the context window of this model', 'context_length_exceeded'],
    [
      'TGI: another limit',
      422,
      { error: '`max_new_tokens` must be <= 1512', error_type: 'validation' },
      'invalid_argument',
    ],
    ['a context length in a failure', 500, { error: 'maximum context length' }, 'internal_error'],

    [
      'vLLM: no such model',
      404,
      { error: { message: 'The model `x` does not exist.', type: 'NotFoundError', code: 404 } },
      'model_not_found',
    ],
    ['Ollama: no such model', 404, { error: { message: "model 'x' not found" } }, 'model_not_found'],
    ['OpenAI: no such model', 404, { error: { message: 'No.', code: 'model_not_found' } }, 'model_not_found'],
    ['FastAPI: no such path', 404, { detail: 'Not Found' }, 'not_found'],
    ['a path with models in it', 404, { error: 'Nothing at /v1/models/x' }, 'not_found'],

    [
      'OpenAI: nothing left',
      429,
      {
        error: {
          message: 'You exceeded your current quota.',
          type: 'insufficient_quota',
          code: 'insufficient_quota',
        },
      },
      'insufficient_quota',
    ],
    [
      'by type alone',
      429,
      { error: { message: 'x', type: 'exceeded_current_quota_error' } },
      'insufficient_quota',
    ],
    ['TGI: busy', 429, { error: 'Model is overloaded', error_type: 'overloaded' }, 'rate_limit_exceeded'],
    [
      'TGI: failed',
      424,
      { error: 'Request failed during generation: x', error_type: 'generation' },
      'internal_error',
    ],
    [
      'llama.cpp: not ready',
      503,
      { error: { code: 503, message: 'Loading model', type: 'unavailable_error' } },
      'overloaded',
    ],
  ])('%s', (_, status, body, code) => {
    expect(failed(status, body).code).toBe(code);
  });

  it('a balance that is used up is not to be retried', () => {
    expect(failed(402, { error: 'Insufficient Balance' }).shouldRetry).toBe(false);
    expect(failed(429, { error: { code: 'insufficient_quota' } }).shouldRetry).toBe(false);
    expect(failed(429, { error: 'slow down' }).shouldRetry).toBeUndefined();
  });
});

describe('another status inside', () => {
  it.each<[string, number, unknown, ErrorCode, number]>([
    ['counts behind HTTP 200', 200, { error: { code: 400, message: 'x' } }, 'invalid_argument', 400],
    ['as text', 200, { error: { code: '503', message: 'x' } }, 'overloaded', 503],
    [
      'under another name',
      200,
      { error: { message: 'x', http_status_code: 429 } },
      'rate_limit_exceeded',
      429,
    ],
    ['by its kind', 200, { error: 'x', error_type: 'validation' }, 'invalid_argument', 400],
    [
      'by a class name',
      200,
      { object: 'error', message: 'x', type: 'BadRequestError' },
      'invalid_argument',
      400,
    ],
    ['without any', 200, { error: { message: 'x' } }, 'internal_error', 500],
    ['does not count behind a failure', 503, { error: { code: 400, message: 'x' } }, 'overloaded', 503],
    ['that is none', 200, { error: { code: 12, status: [400], message: 'x' } }, 'internal_error', 500],
  ])('%s', (_, status, body, code, said) => {
    const error = failed(status, body);
    expect(error.code).toBe(code);
    expect(error.upstream?.status).toBe(said);
  });
});

describe('what is kept', () => {
  it('the field', () => {
    expect(failed(400, { error: { message: 'x', param: 'max_tokens' } }).param).toBe('max_tokens');
    expect(failed(400, { object: 'error', message: 'x', param: 'messages[0]' }).param).toBe('messages[0]');
    for (const param of [null, 7, '', {}])
      expect(failed(400, { error: { message: 'x', param } }).param).toBeNull();
  });

  it('what FastAPI found, and where', () => {
    const detail = [
      { type: 'missing', loc: ['body', 'messages', 0, 'role'], msg: 'Field required' },
      { loc: ['body', 'messages', 1, 'UserMessage', 'content'], msg: 'not a string' },
      { loc: ['query', 'x'], msg: 'unknown' },
      { loc: 'body', msg: '' },
      null,
    ];
    const error = failed(422, { detail });
    expect([error.code, error.status, error.param]).toEqual(['invalid_argument', 400, 'messages[0].role']);
    expect(error.message).toBe('messages[0].role: Field required; messages[1]: not a string; unknown');
    expect(failed(422, { detail: [{ msg: 'wrong' }] })).toMatchObject({ param: null, message: 'wrong' });
    expect(failed(422, { detail: [{ loc: ['body'], msg: 'wrong' }] })).toMatchObject({
      param: null,
      message: 'wrong',
    });
    const many = Array.from({ length: 9 }, (_, at) => ({ msg: `problem ${at}` }));
    expect(failed(422, { detail: many }).message).toBe(
      'problem 0; problem 1; problem 2; problem 3; problem 4',
    );
  });

  it('the reason beside a status', () => {
    expect(failed(400, { statusCode: 400, error: 'Bad Request', message: 'no temperature' }).message).toBe(
      'Bad Request: no temperature',
    );
  });

  it('of a long message the first part', () => {
    const { message } = failed(500, { error: `${'x'.repeat(8191)}😀${'y'.repeat(9000)}` });
    expect(message).toHaveLength(8193);
    expect(message.isWellFormed()).toBe(true);
    const { upstream, param } = failed(500, {
      error: { type: 't'.repeat(900), code: 'c'.repeat(900), param: 'p'.repeat(900) },
    });
    for (const word of [upstream?.type, upstream?.code, param]) expect(word).toHaveLength(257);
  });

  it.each([
    ['no message', { error: { code: 418 } }],
    ['an empty message', { error: { message: ' ', code: 418 } }],
    ['a message of a wrong type', { error: { message: 7, code: 418 } }],
    ['nothing', { error: {} }],
    ['a bare error', { object: 'error' }],
  ])('%s', (_, body) => {
    expect(failed(503, body).message).toBe('The upstream gemma answered HTTP 503 and gave no reason.');
  });

  it.each<[string | undefined, number | undefined]>([
    ['12', 12],
    [' 1.5 ', 1.5],
    ['0', undefined],
    ['-5', undefined],
    ['soon', undefined],
    ['Wed, 21 Oct 2026 07:28:00 GMT', undefined],
    [undefined, undefined],
  ])('retry-after: %s', (retryAfter, seconds) => {
    const more = retryAfter === undefined ? {} : { retryAfter };
    for (const body of [{ error: 'busy' }, 'busy'])
      expect(failed(429, body, more).retryAfterSeconds).toBe(seconds);
  });

  it('the whole envelope', () => {
    const body = { error: { message: 'Bad.', type: 'BadRequestError', param: 'top_k', code: 400 } };
    expect(toErrorBody(failed(400, body))).toEqual({
      error: {
        message: 'Bad.',
        type: 'invalid_request_error',
        param: 'top_k',
        code: 'invalid_argument',
        upstream: { status: 400, type: 'BadRequestError', code: 400 },
      },
    });
  });
});

describe('an error in a stream', () => {
  it.each<[string, JsonObject, ErrorCode, string, ServerStatus | undefined]>([
    [
      'llama.cpp',
      { error: { code: 400, message: 'No.', type: 'invalid_request_error' } },
      'invalid_argument',
      'No.',
      { status: 400, type: 'invalid_request_error', code: 400 },
    ],
    [
      'vLLM',
      { error: { message: 'No.', type: 'InternalServerError', param: null, code: 500 } },
      'internal_error',
      'No.',
      { status: 500, type: 'InternalServerError', code: 500 },
    ],
    [
      'SGLang',
      { object: 'error', message: 'No.', type: 'BadRequestError', param: null, code: 400 },
      'invalid_argument',
      'No.',
      { status: 400, type: 'BadRequestError', code: 400 },
    ],
    [
      'TGI, refused',
      {
        error: 'Input validation error: `inputs` tokens + `max_new_tokens` must be <= 20',
        error_type: 'validation',
      },
      'context_length_exceeded',
      'Input validation error: `inputs` tokens + `max_new_tokens` must be <= 20',
      { type: 'validation' },
    ],
    [
      'TGI, failed',
      { error: 'No.', error_type: 'generation' },
      'internal_error',
      'No.',
      { type: 'generation' },
    ],
    ['TGI, busy', { error: 'No.', error_type: 'overloaded' }, 'overloaded', 'No.', { type: 'overloaded' }],
    ['a text', { error: 'No.' }, 'internal_error', 'No.', undefined],
    [
      'OpenAI',
      { error: { message: 'No.', type: 'insufficient_quota', code: 'insufficient_quota' } },
      'insufficient_quota',
      'No.',
      { type: 'insufficient_quota', code: 'insufficient_quota' },
    ],
    [
      'a chunk with an error beside choices',
      { id: 'x', object: 'chat.completion.chunk', choices: [], error: { code: 502, message: 'No.' } },
      'bad_upstream_response',
      'No.',
      { status: 502, code: 502 },
    ],
    [
      'without a reason',
      { error: { type: 'server_error' } },
      'internal_error',
      'The upstream gemma reported an error and gave no reason.',
      { type: 'server_error' },
    ],
    [
      'with a status alone',
      { error: { code: 503 } },
      'overloaded',
      'The upstream gemma answered HTTP 503 and gave no reason.',
      { status: 503, code: 503 },
    ],
    [
      'nothing but the word',
      { object: 'error' },
      'internal_error',
      'The upstream gemma reported an error and gave no reason.',
      undefined,
    ],
  ])('%s', (_, event, code, message, upstream) => {
    const error = readStreamError(event, 'gemma');
    expect(error?.code).toBe(code);
    expect(error?.message).toBe(message);
    expect(error?.upstream).toEqual(upstream);
  });

  it.each<JsonObject>([
    {},
    { id: 'x', object: 'chat.completion.chunk', choices: [] },
    { choices: [], error: null },
    { choices: [], error: '' },
    { choices: [], error: {} },
    { choices: [], error: false },
    { error: [] },
    { object: 'list', data: [] },
    { message: 'x', detail: 'y' },
    { choices: [{ delta: { content: 'x' }, error: { message: 'x' } }] },
  ])('%j is none', (event) => {
    expect(readStreamError(event, 'gemma')).toBeUndefined();
  });
});

describe('any body', () => {
  it('is an error with a status of ours', () => {
    const body = fc.oneof(
      fc.string(),
      fc.json(),
      fc.jsonValue().map((value) => JSON.stringify({ error: value })),
      fc.jsonValue().map((value) => JSON.stringify({ detail: value, message: value, object: 'error' })),
    );
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 599 }), body, (status, text) => {
        const error = failed(status, text);
        expect(ERROR_KINDS).toHaveProperty(error.code);
        expect(error.message).not.toBe('');
        expect(JSON.parse(JSON.stringify(toErrorBody(error)))).toHaveProperty('error.upstream.status');
      }),
    );
  });
});

describe('mistakes of a client that llama.cpp reports with 500', () => {
  it.each([
    'Failed to parse tools: [json.exception.out_of_range.403] key not found',
    'Failed to parse messages: [json.exception.type_error.302] type must be string, but is number',
  ])('%s', (message) => {
    const error = failed(500, JSON.stringify({ error: { code: 500, message, type: 'server_error' } }));
    expect(error).toMatchObject({
      code: 'invalid_argument',
      status: 400,
      message,
      upstream: { status: 500 },
    });
  });

  it('are told from failures of its own', () => {
    const body = { error: { code: 500, message: 'Compute error', type: 'server_error' } };
    expect(failed(500, JSON.stringify(body)).code).toBe('internal_error');
  });
});

describe('recorded errors', () => {
  const folder = new URL('../../recordings/', import.meta.url);
  const recorded = ['llamacpp', 'ollama', 'openai-like-hosted'].flatMap((api) =>
    readdirSync(new URL(api, folder))
      .filter((file) => file.includes('error'))
      .map((file) => {
        const { response } = JSON.parse(readFileSync(new URL(`${api}/${file}`, folder), 'utf8')) as {
          response: { status: number; headers: Record<string, string>; body: { error: JsonObject | string } };
        };
        return Object.assign(response, { name: `${api}/${file}` });
      }),
  );

  const CODES: Record<number, ErrorCode> = {
    400: 'invalid_argument',
    401: 'invalid_api_key',
    404: 'model_not_found',
    500: 'internal_error',
  };

  it('are here', () => {
    expect(recorded.length).toBeGreaterThanOrEqual(7);
  });

  it.each(recorded)('$name', ({ status, headers, body }) => {
    const error = failed(status, JSON.stringify(body), { contentType: headers['content-type'] ?? '' });
    const said = typeof body.error === 'string' ? body.error : body.error['message'];
    expect([error.code, error.message]).toEqual([CODES[status], said]);
    expect(error.upstream).toMatchObject({ status });
    expect(readStreamError(body, 'gemma')?.message).toBe(said);
  });
});
