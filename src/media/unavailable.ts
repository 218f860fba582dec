import { GatewayError } from '../errors.ts';
import { TransportError } from '../upstream/transport-error.ts';

export interface Unavailability {
  /** Whether it may be there later. @default false */
  readonly mayPass?: boolean;
  readonly cause?: unknown;
}

/**
 * A medium that its own server does not give: the client's mistake as far as this server can tell, for the client chose the
 * address. OpenAI's clients send such a request again only where they are told to.
 */
export function unavailable(message: string, { mayPass = false, cause }: Unavailability): GatewayError {
  return new GatewayError('invalid_argument', message, { cause, ...(mayPass && { shouldRetry: true }) });
}

/** Besides these all from 500 on. */
const PASSING_STATUSES: ReadonlySet<number> = new Set([408, 429]);

/** What does not pass by itself: no such name, no TLS, a certificate that is not trusted, a head that is too large. */
const LASTING_CODES =
  /^(?:ENOTFOUND|ERR_(?:TLS|SSL)_|CERT_|SELF_SIGNED_CERT|DEPTH_ZERO_|UNABLE_TO_|UND_ERR_(?:INVALID_ARG|HEADERS_OVERFLOW)$)/;

/** Whether asking a medium's server again may help, after a status or a broken exchange. */
export function isPassing(failure: number | TransportError): boolean {
  if (failure instanceof TransportError) return !LASTING_CODES.test(failure.code);
  return failure >= 500 || PASSING_STATUSES.has(failure);
}
