import { type ErrorCode, GatewayError } from '../errors.ts';
import { TransportError, type TransportFault } from './transport-error.ts';

const CODES: Readonly<Record<TransportFault, ErrorCode>> = {
  connect: 'upstream_unavailable',
  reset: 'upstream_disconnected',
  timeout: 'timeout',
  'too-large': 'bad_upstream_response',
};

/**
 * What a client is told when an upstream gave no whole answer. Anything but a failure of the transport stays as it is.
 *
 * @param who as it stands at the beginning of a sentence
 */
export function toGatewayFailure(error: unknown, who: string): unknown {
  if (!(error instanceof TransportError)) return error;
  return new GatewayError(CODES[error.fault], `${who} gave no complete answer: ${error.message}.`, {
    cause: error,
  });
}
