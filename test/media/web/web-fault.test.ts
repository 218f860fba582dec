import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../../src/errors.ts';
import { WebFault } from '../../../src/media/web/web-fault.ts';
import { TransportError } from '../../../src/upstream/transport-error.ts';

const refused = new WebFault('unsupported_media', 'its host is odd');

describe('WebFault.toGatewayFailure', () => {
  it.each<{ error: Error; code: string; shouldRetry?: boolean; message: string }>([
    { error: refused, code: 'unsupported_media', message: 'The medium is not fetched: its host is odd.' },
    {
      error: new WebFault('invalid_argument', 'its server answers 404'),
      code: 'invalid_argument',
      message: 'The medium cannot be fetched: its server answers 404.',
    },
    {
      error: new WebFault('invalid_argument', 'its server answers 503', { mayPass: true }),
      code: 'invalid_argument',
      shouldRetry: true,
      message: 'The medium cannot be fetched: its server answers 503.',
    },
    {
      error: new TransportError('timeout', 'no answer in time (X)'),
      code: 'invalid_argument',
      shouldRetry: true,
      message: 'The medium cannot be fetched: no answer in time (X).',
    },
    {
      // How a refusal to connect comes through the connection.
      error: TransportError.from(new Error('closed', { cause: refused })),
      code: 'unsupported_media',
      message: 'The medium is not fetched: its host is odd.',
    },
  ])('says: $message', ({ error, shouldRetry, ...told }) => {
    expect(WebFault.toGatewayFailure(error, 'The medium')).toMatchObject({
      ...told,
      shouldRetry,
      cause: error,
    });
  });

  it.each([
    { error: new GatewayError('cancelled', 'The client left.') },
    { error: new GatewayError('unsupported_media', 'Another medium is not fetched.', { cause: refused }) },
    { error: new TypeError('a mistake') },
    { error: 'a string' },
  ])('leaves $error as it is', ({ error }) => {
    expect(WebFault.toGatewayFailure(error, 'The medium')).toBe(error);
  });
});
