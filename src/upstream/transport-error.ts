import { codeOf } from '../code-of.ts';

/**
 * Why an exchange has no whole answer: `connect`, nothing could be sent; `timeout`, the upstream was silent for too long;
 * `reset`, the connection broke; `too-large`, the answer exceeds a limit.
 */
export type TransportFault = 'connect' | 'timeout' | 'reset' | 'too-large';

const CONNECT_CODES: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
  // A request that has no HTTP form, such as one with a line break in a header; also a proxy's 407.
  'UND_ERR_INVALID_ARG',
  // A proxy that opens no tunnel, cannot be spoken to, or hangs up.
  'UND_ERR_ABORTED',
  'UND_ERR_PRX_CONN',
  'UND_ERR_PRX_TLS',
  // An upstream that does not speak TLS.
  'ERR_SSL_WRONG_VERSION_NUMBER',
]);
/** A certificate that is not trusted: codes of Node.js and of OpenSSL. */
const CERTIFICATE_CODES = /^(ERR_TLS|CERT_|SELF_SIGNED_CERT|DEPTH_ZERO_SELF_SIGNED|UNABLE_TO_)/;
const TIMEOUT_CODES: ReadonlySet<string> = new Set([
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'ETIMEDOUT',
]);

/** A failure of the transport, not an answer of the upstream. */
export class TransportError extends Error {
  override readonly name = 'TransportError';
  readonly fault: TransportFault;

  constructor(fault: TransportFault, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.fault = fault;
  }

  /** By which Node.js or undici names what happened underneath; empty where there is none. */
  get code(): string {
    return firstCode(this.cause);
  }

  /** An error of undici or of the socket in these terms. */
  static from(error: unknown): TransportError {
    if (error instanceof TransportError) return error;
    const code = firstCode(error);
    if (CONNECT_CODES.has(code)) return new TransportError('connect', `no connection (${code})`, error);
    if (CERTIFICATE_CODES.test(code))
      return new TransportError('connect', `no connection, the certificate is not trusted (${code})`, error);
    if (TIMEOUT_CODES.has(code)) return new TransportError('timeout', `no answer in time (${code})`, error);
    return new TransportError('reset', `the connection broke${code === '' ? '' : ` (${code})`}`, error);
  }
}

/** The code of an error, or of what caused it. */
function firstCode(error: unknown): string {
  for (let current: unknown = error; current instanceof Error; current = current.cause) {
    const code = codeOf(current);
    if (code !== '') return code;
    if (current instanceof AggregateError) return firstCode(current.errors[0]);
  }
  return '';
}
