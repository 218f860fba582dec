import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../src/errors.ts';
import { judgeFailure } from '../../src/upstream/judge-failure.ts';
import { TransportError } from '../../src/upstream/transport-error.ts';

describe('judgeFailure', () => {
  it.each<[error: unknown, verdict: object]>([
    [new TransportError('connect', 'm'), { retryable: true }],
    [new TransportError('reset', 'm'), { retryable: true }],
    [new TransportError('timeout', 'm'), { retryable: true }],
    [new TransportError('too-large', 'm'), { retryable: false }],
    [new GatewayError('internal_error', 'm'), { retryable: true }],
    [
      new GatewayError('rate_limit_exceeded', 'm', { retryAfterSeconds: 1.5 }),
      { retryable: true, hintMs: 1500 },
    ],
    [new GatewayError('insufficient_quota', 'm'), { retryable: false }],
    [new GatewayError('invalid_argument', 'm'), { retryable: false }],
    [new GatewayError('schema_mismatch', 'm'), { retryable: true }],
    [new GatewayError('schema_mismatch', 'm', { shouldRetry: false }), { retryable: false }],
    // What SDKs are told does not make a mistake of theirs right.
    [new GatewayError('invalid_argument', 'm', { shouldRetry: true }), { retryable: false }],
    [new TypeError('a bug'), { retryable: false }],
    ['no error at all', { retryable: false }],
  ])('of %s', (error, verdict) => {
    expect(judgeFailure(error)).toEqual(verdict);
  });
});
