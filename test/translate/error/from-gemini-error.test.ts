import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ERROR_KINDS, type ErrorCode, type GatewayError } from '../../../src/errors.ts';
import { fromGeminiError } from '../../../src/translate/error/from-gemini-error.ts';
import { toErrorBody } from '../../../src/wire/openai/error.ts';

const QUOTA = 'type.googleapis.com/google.rpc.QuotaFailure';

interface NativeError {
  code?: number;
  status?: string;
  message?: string;
  details?: unknown;
}

function translated(error: NativeError, more: { status?: number; retryAfter?: string } = {}): GatewayError {
  return fromGeminiError({
    status: error.code ?? 400,
    contentType: 'application/json',
    body: JSON.stringify({ error }),
    ...more,
  });
}

const retryInfo = (retryDelay: unknown): object => ({
  '@type': 'type.googleapis.com/google.rpc.RetryInfo',
  retryDelay,
});

describe('status names (contract 11.2)', () => {
  it.each<[string, number, ErrorCode, number]>([
    ['INVALID_ARGUMENT', 400, 'invalid_argument', 400],
    ['OUT_OF_RANGE', 400, 'invalid_argument', 400],
    ['FAILED_PRECONDITION', 400, 'invalid_argument', 400],
    ['UNAUTHENTICATED', 401, 'invalid_api_key', 401],
    ['PERMISSION_DENIED', 403, 'permission_denied', 403],
    ['NOT_FOUND', 404, 'not_found', 404],
    ['ALREADY_EXISTS', 409, 'conflict', 409],
    ['ABORTED', 409, 'conflict', 409],
    ['RESOURCE_EXHAUSTED', 429, 'rate_limit_exceeded', 429],
    ['CANCELLED', 499, 'cancelled', 499],
    ['INTERNAL', 500, 'internal_error', 500],
    ['UNKNOWN', 500, 'internal_error', 500],
    ['DATA_LOSS', 500, 'internal_error', 500],
    ['UNIMPLEMENTED', 501, 'unsupported', 501],
    ['UNAVAILABLE', 503, 'overloaded', 503],
    ['DEADLINE_EXCEEDED', 504, 'timeout', 504],
  ])('%s', (status, httpStatus, code, ours) => {
    const error = translated({ code: httpStatus, status, message: ' It failed. ' });
    expect([error.code, error.status, error.message]).toEqual([code, ours, 'It failed.']);
    expect(error.google).toEqual({ code: httpStatus, status });
    // In the middle of a stream the HTTP status was sent before, and was 200.
    expect(translated({ code: httpStatus, status }, { status: 200 }).code).toBe(code);
  });

  it.each<[number, ErrorCode]>([
    [400, 'invalid_argument'],
    [401, 'invalid_api_key'],
    [403, 'permission_denied'],
    [404, 'not_found'],
    [408, 'timeout'],
    [409, 'conflict'],
    [413, 'request_too_large'],
    [429, 'rate_limit_exceeded'],
    [499, 'cancelled'],
    [500, 'internal_error'],
    [501, 'unsupported'],
    [502, 'bad_upstream_response'],
    [503, 'overloaded'],
    [504, 'timeout'],
    [418, 'bad_upstream_response'],
    [200, 'bad_upstream_response'],
  ])('HTTP %i without a name', (status, code) => {
    expect(fromGeminiError({ status, body: '' }).code).toBe(code);
    expect(translated({ message: 'x', status: 'A_NEW_NAME' }, { status }).code).toBe(code);
    expect(translated({ message: 'x', code: status }, { status: 200 }).code).toBe(code);
  });
});

describe('more exact codes', () => {
  it.each<[string, NativeError, ErrorCode]>([
    [
      'tokens',
      {
        status: 'INVALID_ARGUMENT',
        message: 'The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).',
      },
      'context_length_exceeded',
    ],
    [
      'signature, Developer API',
      {
        status: 'INVALID_ARGUMENT',
        message: 'Function call is missing a thought_signature in functionCall parts. This is required.',
      },
      'missing_thought_signature',
    ],
    [
      'signature, Vertex AI',
      {
        status: 'INVALID_ARGUMENT',
        message:
          'Unable to submit request because function call `f` in the 2. content block is missing a `thought_signature`.',
      },
      'missing_thought_signature',
    ],
    [
      'a broken signature',
      { status: 'INVALID_ARGUMENT', message: 'Corrupted thought signature.' },
      'invalid_argument',
    ],
    [
      'schema (B16)',
      {
        status: 'INVALID_ARGUMENT',
        message: 'The specified schema produces a constraint that has too many states for serving.',
      },
      'schema_too_complex',
    ],
    [
      'unknown name',
      {
        status: 'INVALID_ARGUMENT',
        message: 'Invalid JSON payload received. Unknown name "foo": Cannot find field.',
      },
      'unsupported_parameter',
    ],
    [
      'tools with JSON',
      {
        status: 'INVALID_ARGUMENT',
        message: "Function calling with a response mime type: 'application/json' is unsupported",
      },
      'unsupported_parameter',
    ],
    [
      'candidates',
      { status: 'INVALID_ARGUMENT', message: 'Multiple candidates is not enabled for this model' },
      'unsupported_parameter',
    ],
    [
      'the caller’s country',
      { status: 'FAILED_PRECONDITION', message: 'User location is not supported for the API use.' },
      'invalid_argument',
    ],
    [
      'a wrong key',
      { status: 'INVALID_ARGUMENT', message: 'Wrong.', details: [{ reason: 'API_KEY_INVALID' }] },
      'invalid_api_key',
    ],
    [
      'a wrong key without details',
      { status: 'INVALID_ARGUMENT', message: 'API key not valid. Please pass a valid API key.' },
      'invalid_api_key',
    ],
    [
      'a model, Developer API',
      {
        code: 404,
        status: 'NOT_FOUND',
        message: 'models/nope is not found for API version v1beta, or is not supported for generateContent.',
      },
      'model_not_found',
    ],
    [
      'a model, Vertex AI',
      {
        code: 404,
        status: 'NOT_FOUND',
        message: 'Publisher Model `projects/p/locations/l/publishers/google/models/nope` was not found.',
      },
      'model_not_found',
    ],
    [
      'a tuned model',
      { code: 404, status: 'NOT_FOUND', message: 'tunedModels/x does not exist' },
      'model_not_found',
    ],
    [
      'a cache',
      { code: 404, status: 'NOT_FOUND', message: 'Not found: cache content metadata 875.' },
      'not_found',
    ],
    [
      'quota per day',
      {
        code: 429,
        status: 'RESOURCE_EXHAUSTED',
        details: [
          {
            '@type': QUOTA,
            violations: [
              { quotaId: 'RequestsPerMinute' },
              { quotaId: 'GenerateRequestsPerDayPerProjectPerModel-FreeTier' },
            ],
          },
        ],
      },
      'insufficient_quota',
    ],
    [
      'quota of 0',
      {
        code: 429,
        status: 'RESOURCE_EXHAUSTED',
        details: [{ '@type': QUOTA, violations: [{ quotaId: 'X', quotaValue: '0' }] }],
      },
      'insufficient_quota',
    ],
    [
      'quota of 0 in the message',
      {
        code: 429,
        status: 'RESOURCE_EXHAUSTED',
        message: 'Quota exceeded for metric: x, limit: 0, model: y',
      },
      'insufficient_quota',
    ],
    [
      'quota per day of Service Control',
      {
        code: 429,
        status: 'RESOURCE_EXHAUSTED',
        details: [{ reason: 'RATE_LIMIT_EXCEEDED', metadata: { quota_limit: 'RequestsPerDay' } }],
      },
      'insufficient_quota',
    ],
    [
      'quota per minute',
      {
        code: 429,
        status: 'RESOURCE_EXHAUSTED',
        message: 'limit: 10',
        details: [
          {
            '@type': QUOTA,
            violations: [{ quotaId: 'GenerateRequestsPerMinutePerProjectPerModel', quotaValue: '10' }],
          },
        ],
      },
      'rate_limit_exceeded',
    ],
    [
      'details of wrong types',
      {
        code: 429,
        status: 'RESOURCE_EXHAUSTED',
        details: [null, 3, { violations: {}, metadata: [] }, { violations: [null, { quotaId: 4 }] }],
      },
      'rate_limit_exceeded',
    ],
  ])('%s', (_, error, code) => {
    expect(translated(error).code).toBe(code);
  });

  it('a used-up quota is not to be retried', () => {
    const details = [{ '@type': QUOTA, violations: [{ quotaId: 'RequestsPerDay' }] }];
    expect(translated({ code: 429, status: 'RESOURCE_EXHAUSTED', details }).shouldRetry).toBe(false);
    expect(translated({ code: 429, status: 'RESOURCE_EXHAUSTED' }).shouldRetry).toBeUndefined();
  });
});

describe('forms of the body (contract 11.1, B6)', () => {
  const error = { code: 503, message: 'The model is overloaded.', status: 'UNAVAILABLE' };
  it.each<[string, string, string?]>([
    ['object', JSON.stringify({ error })],
    [
      'object, pretty-printed, as an event stream',
      `${JSON.stringify({ error }, undefined, 2)}\n`,
      'text/event-stream',
    ],
    ['array of one', JSON.stringify([{ error }])],
    ['array with other elements', JSON.stringify([{}, null, { error }])],
    ['a server-sent event', `data: ${JSON.stringify({ error })}\r\n\r\n`, 'text/event-stream'],
    ['bare status', JSON.stringify(error)],
    ['a byte order mark', `\uFEFF${JSON.stringify({ error })}`],
    [
      'inside the message of a proxy’s error',
      JSON.stringify({ error: { code: 500, message: JSON.stringify({ error }) } }),
    ],
    ['HTML type, JSON body', JSON.stringify({ error }), 'text/html'],
  ])('%s', (_, body, contentType) => {
    const found = fromGeminiError({
      status: 500,
      body,
      ...(contentType === undefined ? {} : { contentType }),
    });
    expect(toErrorBody(found)).toEqual({
      error: {
        message: 'The model is overloaded.',
        type: 'server_error',
        param: null,
        code: 'overloaded',
        google: { code: 503, status: 'UNAVAILABLE' },
      },
    });
  });

  it.each<[string, string, string | undefined, string]>([
    [
      'empty',
      '',
      undefined,
      'The upstream answered HTTP 502 with something that is not an answer of Gemini.',
    ],
    [
      'white space',
      ' \n ',
      'application/json',
      'The upstream answered HTTP 502 with something that is not an answer of Gemini.',
    ],
    [
      'text',
      'upstream connect error\r\n  or disconnect',
      'text/plain',
      'Gemini: upstream connect error or disconnect',
    ],
    [
      'HTML',
      '<!DOCTYPE html><html><head><title>Error 502</title><style>a{b:c}</style><script>alert("x<y")</script></head><body><p><b>502.</b>&nbsp;Bad Gateway</p>',
      'text/html; charset=UTF-8',
      'Gemini: Error 502 502. Bad Gateway',
    ],
    ['HTML without its type', '<html><b>Nope</b></html>', undefined, 'Gemini: Nope'],
    ['an unclosed tag', 'no <b onclick="steal()', 'text/html', 'Gemini: no'],
    ['control characters', 'a\u0000b\u001B[31mc\u202E', 'text/plain', 'Gemini: a b [31mc'],
    ['JSON that is no error', '{"candidates":[]}', 'application/json', 'Gemini: {"candidates":[]}'],
    ['an error that is no object', '{"error":17}', 'application/json', 'Gemini: {"error":17}'],
    ['broken JSON', '{"error":{"code":400', 'application/json', 'Gemini: {"error":{"code":400'],
  ])('%s is shown as a short excerpt', (_, body, contentType, end) => {
    const found = fromGeminiError({
      status: 502,
      body,
      ...(contentType === undefined ? {} : { contentType }),
    });
    expect(found.code).toBe('bad_upstream_response');
    expect(found.message.endsWith(end)).toBe(true);
    expect(found.google).toBeUndefined();
  });

  it('never shows more than a few words of what it does not know', () => {
    for (const body of [
      'x '.repeat(50_000),
      '<'.repeat(50_000),
      `{"a":${'['.repeat(100_000)}`,
      '<script'.repeat(20_000),
    ]) {
      expect(fromGeminiError({ status: 500, body }).message.length).toBeLessThan(300);
    }
  });

  it('cuts a message that is a book', () => {
    const { message } = translated({
      status: 'INTERNAL',
      message: `${'x'.repeat(8191)}😀${'y'.repeat(9000)}`,
    });
    expect(message).toHaveLength(8193);
    expect(message.isWellFormed()).toBe(true);
  });

  it.each([
    ['no message', { code: 500, status: 'INTERNAL' }],
    ['an empty message', { code: 500, message: '  ' }],
    ['a message of a wrong type', { code: 500, message: { text: 'x' } }],
  ])('%s', (_, native) => {
    expect(translated(native as NativeError).message).toBe('Gemini answered HTTP 500 and gave no reason.');
  });

  it('OAuth’s form', () => {
    const body = '{"error":"invalid_grant","error_description":"Bad Request"}';
    expect(fromGeminiError({ status: 401, body })).toMatchObject({
      code: 'invalid_api_key',
      message: 'invalid_grant: Bad Request',
    });
  });

  it('any body is an error with a status of ours', () => {
    const body = fc.oneof(
      fc.string(),
      fc.json(),
      fc.jsonValue().map((value) => JSON.stringify({ error: value })),
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 100, max: 599 }),
        body,
        fc.option(fc.string(), { nil: undefined }),
        (status, text, retryAfter) => {
          const found = fromGeminiError({
            status,
            body: text,
            ...(retryAfter === undefined ? {} : { retryAfter }),
          });
          expect(ERROR_KINDS).toHaveProperty(found.code);
          expect(found.message).not.toBe('');
          expect(found.retryAfterSeconds ?? 1).toBeGreaterThan(0);
        },
      ),
    );
  });
});

describe('retry hints (contract 11.3)', () => {
  it('contract 17.5', () => {
    const body =
      '[{"error":{"code":429,"message":"Quota exceeded","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34.4s"}]}}]';
    const error = fromGeminiError({ status: 429, contentType: 'application/json', body });
    expect([error.status, error.retryAfterSeconds]).toEqual([429, 34.4]);
    expect(toErrorBody(error)).toEqual({
      error: {
        message: 'Quota exceeded',
        type: 'rate_limit_error',
        param: null,
        code: 'rate_limit_exceeded',
        google: {
          code: 429,
          status: 'RESOURCE_EXHAUSTED',
          details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '34.4s' }],
        },
      },
    });
  });

  it.each<[string, unknown, string | undefined, number | undefined]>([
    ['whole seconds', '26s', undefined, 26],
    ['fractions', '0.5s', undefined, 0.5],
    ['an object', { seconds: '3', nanos: 500_000_000 }, undefined, 3.5],
    ['a larger header', '2s', '7', 7],
    ['a smaller header', '9.5s', '7', 9.5],
    ['the header alone', undefined, '12', 12],
    ['a header with fractions', undefined, '1.5', 1.5],
    ['a header with a date', '3s', 'Wed, 21 Oct 2026 07:28:00 GMT', 3],
    ['zero', '0s', '0', undefined],
    ['nonsense', 'soon', '-5', undefined],
    ['an object without numbers', { seconds: 'x' }, undefined, undefined],
    ['none', undefined, undefined, undefined],
  ])('%s', (_, retryDelay, retryAfter, seconds) => {
    const details = retryDelay === undefined ? [] : [retryInfo(retryDelay)];
    const more = retryAfter === undefined ? {} : { retryAfter };
    expect(translated({ code: 429, status: 'RESOURCE_EXHAUSTED', details }, more).retryAfterSeconds).toBe(
      seconds,
    );
  });

  it('is found at any depth, also in what a proxy wrapped', () => {
    const inner = JSON.stringify({
      error: { code: 429, status: 'RESOURCE_EXHAUSTED', details: [retryInfo('4s')] },
    });
    const bodies = [
      JSON.stringify({
        error: { code: 429, message: 'x', inner: [{ deep: { details: [retryInfo('4s')] } }] },
      }),
      JSON.stringify({ error: { code: 429, message: 'x' }, hints: [retryInfo('2s'), retryInfo('4s')] }),
      JSON.stringify({ error: { code: 500, message: inner } }),
    ];
    for (const body of bodies) expect(fromGeminiError({ status: 429, body }).retryAfterSeconds).toBe(4);
  });

  it('holds for text bodies too', () => {
    expect(fromGeminiError({ status: 503, body: 'busy', retryAfter: '5' })).toMatchObject({
      code: 'overloaded',
      retryAfterSeconds: 5,
    });
  });
});

describe('param (contract 11.2)', () => {
  it.each<[string, string | null]>([
    ['generation_config.temperature', 'temperature'],
    ['generationConfig.topK', 'top_k'],
    ['GenerateContentRequest.generation_config.max_output_tokens', 'max_completion_tokens'],
    ['generation_config.stop_sequences[1]', 'stop'],
    ['generation_config.candidate_count', 'n'],
    ['generation_config.response_logprobs', 'logprobs'],
    ['generation_config.logprobs', 'top_logprobs'],
    ['generation_config.response_schema.properties[2].value.items', 'response_format.json_schema.schema'],
    [
      'generationConfig.responseJsonSchema.properties.myProp',
      'response_format.json_schema.schema.properties.myProp',
    ],
    ['generation_config.response_mime_type', 'response_format'],
    ['generation_config.thinking_config.thinking_level', 'extra_body.google.thinking_config.thinking_level'],
    ['generation_config', 'extra_body.google.generation_config'],
    ['generation_config.foo', 'extra_body.google.generation_config.foo'],
    ['contents[2].parts[0].text', 'messages'],
    ['system_instruction.parts', 'messages'],
    ['tools[0].function_declarations[3].parameters', 'tools'],
    ['tool_config.function_calling_config', 'tool_choice'],
    ['safety_settings[0].threshold', 'extra_body.google.safety_settings[0].threshold'],
    ['cached_content', 'extra_body.google.cached_content'],
    ['model', 'model'],
    ['model_armor_config', null],
    ['something_new', null],
    ['', null],
  ])('%s is %s', (field, param) => {
    const details = [{ '@type': 'x' }, { fieldViolations: [{ field, description: 'wrong' }] }];
    expect(translated({ code: 400, status: 'INVALID_ARGUMENT', message: 'wrong', details }).param).toBe(
      param,
    );
  });

  it.each<[string, string, string | null]>([
    ['a place in quotes', `Invalid value at 'generation_config.seed' (TYPE_INT32), "x"`, 'seed'],
    [
      'a place in front',
      '* GenerateContentRequest.contents[0].parts: contents.parts must not be empty.',
      'messages',
    ],
    ['no place', 'Unknown name "foo": Cannot find field.', null],
  ])('%s of the message', (_, text, param) => {
    const error = translated({ code: 400, status: 'INVALID_ARGUMENT', message: text });
    expect([error.param, error.message]).toEqual([param, text]);
  });

  it('is for refused requests only', () => {
    const details = [{ fieldViolations: [{ field: 'model' }] }];
    expect(translated({ code: 500, status: 'INTERNAL', message: 'x', details }).param).toBeNull();
  });
});

describe('recorded errors', () => {
  const folder = new URL('../../recordings/', import.meta.url);
  const recorded = ['gemini-developer', 'vertex'].flatMap((api) =>
    readdirSync(new URL(api, folder))
      .filter((file) => file.includes('error'))
      .map((file) => {
        const { response } = JSON.parse(readFileSync(new URL(`${api}/${file}`, folder), 'utf8')) as {
          response: { status: number; headers: Record<string, string>; body: { error: NativeError } };
        };
        return Object.assign(response, { name: `${api}/${file}` });
      }),
  );

  const CODES: Record<string, ErrorCode> = {
    'gemini-developer/stream-error-400-gemini-2.5-flash-01.json': 'invalid_api_key',
    'gemini-developer/stream-error-404-gemini-nonexistent-rig-test-01.json': 'model_not_found',
    'gemini-developer/unary-error-404-gemini-1.5-flash-01.json': 'model_not_found',
  };
  const BY_STATUS: Record<number, ErrorCode> = {
    400: 'invalid_argument',
    403: 'permission_denied',
    404: 'not_found',
    429: 'rate_limit_exceeded',
  };

  it('are here', () => {
    expect(recorded.length).toBeGreaterThanOrEqual(14);
    expect(recorded.map(({ name }) => name)).toEqual(expect.arrayContaining(Object.keys(CODES)));
  });

  it.each(recorded)('$name', ({ name, status, headers, body }) => {
    const contentType = headers['content-type'] ?? '';
    for (const text of [JSON.stringify(body, undefined, 2), JSON.stringify([body])]) {
      const error = fromGeminiError({ status, contentType, body: text });
      expect(error.code).toBe(CODES[name] ?? BY_STATUS[status]);
      expect(error.message).toBe(body.error.message);
      expect(error.google).toMatchObject({ code: status, status: body.error.status });
    }
  });
});
