import { type ErrorCode, GatewayError } from '../../errors.ts';
import { TransportError } from '../transport-error.ts';
import type { Lease, ReplicaFault } from './replica.ts';

/** Tells the lease what a failure says about its replica; nothing for a mistake of our own. */
export function giveVerdict(lease: Lease, error: unknown): void {
  if (error instanceof TransportError && error.fault === 'too-large') lease.succeed();
  else if (error instanceof TransportError) {
    lease.fail(error.message, error.fault === 'connect' ? 'unreachable' : 'failed');
  } else if (error instanceof GatewayError) {
    const fault = faultOf(error);
    if (fault === undefined) lease.succeed();
    else lease.fail(reasonOf(error), fault, (error.retryAfterSeconds ?? 0) * 1000);
  }
}

/**
 * Whether it may be the request that a replica failed at, and not the replica: an error of its own words with status
 * 500, which some servers answer to mistakes of a client. What another replica makes of the request decides.
 */
export function isUndecided(error: unknown): boolean {
  return error instanceof GatewayError && error.code === 'internal_error' && error.upstream?.status === 500;
}

/** Codes with a status of 5xx that say nothing against the server. */
const WELL: ReadonlySet<ErrorCode> = new Set(['unsupported', 'schema_mismatch']);

/** @returns `undefined` for what a well server does, such as a refusal */
function faultOf({ code, status, retryAfterSeconds }: GatewayError): ReplicaFault | undefined {
  if (status === 429 || (code === 'overloaded' && retryAfterSeconds !== undefined)) return 'overloaded';
  return status >= 500 && !WELL.has(code) ? 'failed' : undefined;
}

/** In a few words, without secrets. */
export function reasonOf(error: unknown): string {
  if (error instanceof TransportError) return error.message;
  if (error instanceof GatewayError) return `${error.upstream?.status ?? error.status} ${error.code}`;
  return 'failed';
}
