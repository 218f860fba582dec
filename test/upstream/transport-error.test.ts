import { describe, expect, it } from 'vitest';
import { TransportError, type TransportFault } from '../../src/upstream/transport-error.ts';

function withCode(code: string, cause?: unknown): Error {
  return Object.assign(new Error('secret detail', { cause }), { code });
}

describe('TransportError.from', () => {
  it.each<{ code: string; fault: TransportFault }>([
    { code: 'ECONNREFUSED', fault: 'connect' },
    { code: 'ENOTFOUND', fault: 'connect' },
    { code: 'EAI_AGAIN', fault: 'connect' },
    { code: 'EHOSTUNREACH', fault: 'connect' },
    { code: 'ENETUNREACH', fault: 'connect' },
    { code: 'UND_ERR_CONNECT_TIMEOUT', fault: 'connect' },
    { code: 'UND_ERR_PRX_CONN', fault: 'connect' },
    { code: 'UND_ERR_PRX_TLS', fault: 'connect' },
    // A proxy that refuses to open a tunnel.
    { code: 'UND_ERR_ABORTED', fault: 'connect' },
    { code: 'UND_ERR_INVALID_ARG', fault: 'connect' },
    { code: 'ERR_TLS_CERT_ALTNAME_INVALID', fault: 'connect' },
    { code: 'CERT_HAS_EXPIRED', fault: 'connect' },
    // What a company's own authority looks like to a server that does not know it.
    { code: 'SELF_SIGNED_CERT_IN_CHAIN', fault: 'connect' },
    { code: 'DEPTH_ZERO_SELF_SIGNED_CERT', fault: 'connect' },
    { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', fault: 'connect' },
    { code: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', fault: 'connect' },
    { code: 'ERR_SSL_WRONG_VERSION_NUMBER', fault: 'connect' },
    { code: 'UND_ERR_HEADERS_TIMEOUT', fault: 'timeout' },
    { code: 'UND_ERR_BODY_TIMEOUT', fault: 'timeout' },
    { code: 'ETIMEDOUT', fault: 'timeout' },
    { code: 'ECONNRESET', fault: 'reset' },
    { code: 'EPIPE', fault: 'reset' },
    { code: 'UND_ERR_SOCKET', fault: 'reset' },
  ])('takes $code for $fault', ({ code, fault }) => {
    const error = TransportError.from(withCode(code));
    expect(error).toMatchObject({ fault, name: 'TransportError' });
    expect(error.message).toContain(`(${code})`);
    expect(error.message).not.toContain('secret detail');
  });

  it.each([
    { name: 'its cause', error: new TypeError('failed', { cause: withCode('ECONNREFUSED') }) },
    {
      name: 'the first of several',
      error: new AggregateError([withCode('ECONNREFUSED'), withCode('EPIPE')]),
    },
  ])('finds the code in $name', ({ error }) => {
    expect(TransportError.from(error)).toMatchObject({ fault: 'connect', cause: error });
  });

  it.each([{ error: new Error('no code') }, { error: 'a string' }, { error: undefined }])(
    'takes what it does not know for a broken connection: $error',
    ({ error }) => {
      expect(TransportError.from(error)).toMatchObject({ fault: 'reset', message: 'the connection broke' });
    },
  );

  it('tells a certificate that is not trusted from a server that cannot be reached', () => {
    expect(TransportError.from(withCode('CERT_HAS_EXPIRED')).message).toBe(
      'no connection, the certificate is not trusted (CERT_HAS_EXPIRED)',
    );
    expect(TransportError.from(withCode('ECONNREFUSED')).message).toBe('no connection (ECONNREFUSED)');
  });

  it('leaves an error of its own kind as it is', () => {
    const error = new TransportError('too-large', 'too much');
    expect(TransportError.from(error)).toBe(error);
  });
});
