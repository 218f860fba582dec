import { describe, expect, it } from 'vitest';
import { isPassing, unavailable } from '../../src/media/unavailable.ts';
import { TransportError } from '../../src/upstream/transport-error.ts';

describe('unavailable', () => {
  it('tells clients to ask again only for what may pass', () => {
    const cause = new Error('underneath');
    expect(unavailable('It is not there.', { cause })).toMatchObject({
      code: 'invalid_argument',
      message: 'It is not there.',
      shouldRetry: undefined,
      cause,
    });
    expect(unavailable('It is slow.', { mayPass: true })).toMatchObject({ status: 400, shouldRetry: true });
  });
});

describe('isPassing', () => {
  it.each([408, 429, 500, 502, 503, 504, 599])('is so for %i', (status) => {
    expect(isPassing(status)).toBe(true);
  });

  it.each([201, 206, 302, 400, 401, 403, 404, 410, 416])('is not so for %i', (status) => {
    expect(isPassing(status)).toBe(false);
  });

  it.each([
    ['ECONNREFUSED', true],
    ['ECONNRESET', true],
    ['EAI_AGAIN', true],
    ['UND_ERR_SOCKET', true],
    ['UND_ERR_CONNECT_TIMEOUT', true],
    ['UND_ERR_BODY_TIMEOUT', true],
    ['HPE_INVALID_EOF_STATE', true],
    ['ENOTFOUND', false],
    ['CERT_HAS_EXPIRED', false],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', false],
    ['ERR_TLS_CERT_ALTNAME_INVALID', false],
    ['ERR_SSL_WRONG_VERSION_NUMBER', false],
    ['UND_ERR_HEADERS_OVERFLOW', false],
  ])('after %s: %s', (code, passes) => {
    expect(isPassing(TransportError.from(Object.assign(new Error('failed'), { code })))).toBe(passes);
  });

  it('is so for a transfer that was given up', () => {
    expect(isPassing(new TransportError('reset', 'given up'))).toBe(true);
  });
});
