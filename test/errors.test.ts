import { describe, expect, it } from 'vitest';
import {
  ERROR_KINDS,
  type ErrorCode,
  errorFromProblems,
  GatewayError,
  type Problem,
  toGatewayError,
} from '../src/errors.ts';
import { toErrorBody } from '../src/wire/openai/error.ts';

const CODES = Object.keys(ERROR_KINDS) as ErrorCode[];

const problem = (index: number): Problem => ({
  param: `p${index}`,
  message: 'is wrong',
  code: 'invalid_argument',
});

describe('ERROR_KINDS', () => {
  it.each(CODES)('%s has a status of an error and a type that fits it', (code) => {
    const { status, type } = ERROR_KINDS[code];
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(600);
    const types: Record<number, string[]> = {
      401: ['authentication_error'],
      403: ['permission_error'],
      409: ['conflict_error'],
      429: ['rate_limit_error', 'insufficient_quota'],
      499: ['server_error'],
      501: ['invalid_request_error'],
    };
    expect(types[status] ?? [status < 500 ? 'invalid_request_error' : 'server_error']).toContain(type);
  });

  it.each(CODES)('%s is not called retryable where a client is at fault', (code) => {
    const { status, retryable } = ERROR_KINDS[code];
    const mayPass = [408, 429, 500, 502, 503, 504].includes(status);
    expect(retryable && !mayPass).toBe(false);
  });
});

describe('toErrorBody', () => {
  it.each(CODES)('makes an envelope of %s', (code) => {
    expect(toErrorBody(new GatewayError(code, 'What happened.', { param: 'messages[0]' }))).toEqual({
      error: { message: 'What happened.', type: ERROR_KINDS[code].type, param: 'messages[0]', code },
    });
  });

  it('shows several problems, and never a cause', () => {
    const error = new GatewayError('invalid_argument', 'x', {
      cause: new Error('SECRET'),
      problems: [problem(0), problem(1)],
    });
    expect(toErrorBody(error).error.problems).toHaveLength(2);
    expect(JSON.stringify(toErrorBody(error))).not.toContain('SECRET');
  });
});

describe('errorFromProblems', () => {
  it('names the first problem and lists all', () => {
    const error = errorFromProblems([
      { param: null, message: 'No.', code: 'unsupported_schema' },
      problem(1),
    ]);
    expect(error).toMatchObject({
      code: 'unsupported_schema',
      param: null,
      message: 'No.; p1: is wrong',
      status: 400,
    });
  });

  it('shows at most 20 and counts the rest', () => {
    const error = errorFromProblems(Array.from({ length: 25 }, (_, index) => problem(index)));
    expect(error.problems).toHaveLength(20);
    expect(error.message).toMatch(/p19: is wrong; and 5 more$/);
  });

  it('needs one', () => {
    expect(() => errorFromProblems([])).toThrow(RangeError);
  });
});

describe('toGatewayError', () => {
  it('leaves our own errors as they are', () => {
    const error = new GatewayError('overloaded', 'x');
    expect(toGatewayError(error)).toBe(error);
  });

  it.each([new Error('SECRET'), 'SECRET', undefined, null, { message: 'SECRET', code: 'overloaded' }])(
    'says nothing of %o',
    (thrown) => {
      const error = toGatewayError(thrown);
      expect(error).toMatchObject({ code: 'internal_error', status: 500, param: null });
      expect(error.message).not.toContain('SECRET');
      expect(error.cause).toBe(thrown);
    },
  );
});
