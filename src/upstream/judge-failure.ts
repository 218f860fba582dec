import { ERROR_KINDS, GatewayError } from '../errors.ts';
import type { FailedAttempt } from './retry.ts';
import { TransportError } from './transport-error.ts';

/** Whether a failed call may be made again. Contract section 11.3. */
export function judgeFailure(error: unknown): FailedAttempt {
  if (error instanceof TransportError) return { retryable: error.fault !== 'too-large' };
  if (!(error instanceof GatewayError)) return { retryable: false };
  const { retryAfterSeconds, shouldRetry = true } = error;
  return {
    retryable: shouldRetry && ERROR_KINDS[error.code].retryable,
    ...(retryAfterSeconds === undefined ? {} : { hintMs: retryAfterSeconds * 1000 }),
  };
}
