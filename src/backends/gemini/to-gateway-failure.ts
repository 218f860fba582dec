import { type ErrorCode, GatewayError } from '../../errors.ts';
import { TransportError, type TransportFault } from '../../upstream/transport-error.ts';

const CODES: Readonly<Record<TransportFault, ErrorCode>> = {
  connect: 'upstream_disconnected',
  reset: 'upstream_disconnected',
  timeout: 'timeout',
  'too-large': 'bad_upstream_response',
};

/** What a client is told when Gemini gave no whole answer. Anything but a failure of the transport stays as it is. */
export function toGatewayFailure(error: unknown): unknown {
  if (!(error instanceof TransportError)) return error;
  return new GatewayError(CODES[error.fault], `Gemini gave no complete answer: ${error.message}.`, {
    cause: error,
  });
}
