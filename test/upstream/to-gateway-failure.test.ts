import { expect, it } from 'vitest';
import { toGatewayFailure } from '../../src/upstream/to-gateway-failure.ts';
import { GatewayError } from '../../src/errors.ts';
import { TransportError, type TransportFault } from '../../src/upstream/transport-error.ts';

it.each<[TransportFault, string, number]>([
  ['connect', 'upstream_unavailable', 503],
  ['reset', 'upstream_disconnected', 502],
  ['timeout', 'timeout', 504],
  ['too-large', 'bad_upstream_response', 502],
])('a failure of the transport of kind %s is %s', (fault, code, status) => {
  const error = new TransportError(fault, 'the words of the transport');
  expect(toGatewayFailure(error, 'Gemini')).toMatchObject({
    code,
    status,
    cause: error,
    message: 'Gemini gave no complete answer: the words of the transport.',
  });
});

it.each([new GatewayError('cancelled', 'The client left.'), new TypeError('a bug'), 'no error at all'])(
  'everything else stays what it is: %s',
  (error) => {
    expect(toGatewayFailure(error, 'Gemini')).toBe(error);
  },
);
