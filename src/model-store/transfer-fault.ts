import { codeOf } from '../code-of.ts';

/** A source could not deliver. The message is for people and says nothing secret. */
export class TransferFault extends Error {
  override readonly name = 'TransferFault';
  /** Whether the same request may succeed a moment later. */
  readonly transient: boolean;

  constructor(message: string, options: { transient?: boolean; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.transient = options.transient ?? false;
  }
}

const WORDS_BY_CODE: Readonly<Record<string, string>> = {
  ENOTFOUND: 'the host name cannot be resolved; is there a network?',
  EAI_AGAIN: 'the host name cannot be resolved at the moment; is there a network?',
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was closed',
  ENETUNREACH: 'the network cannot be reached',
  EHOSTUNREACH: 'the host cannot be reached',
  ETIMEDOUT: 'the connection timed out',
  UND_ERR_CONNECT_TIMEOUT: 'no connection within the time limit',
  UND_ERR_HEADERS_TIMEOUT: 'the server accepted the request and sent no answer within the time limit',
  UND_ERR_BODY_TIMEOUT: 'the transfer stalled',
  UND_ERR_SOCKET: 'the connection was closed before the end',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'the answer was cut short',
  HPE_INVALID_EOF_STATE: 'the answer was cut short',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
};

const LOCAL_CODES: ReadonlySet<string> = new Set([
  'ENOSPC',
  'EDQUOT',
  'EACCES',
  'EPERM',
  'EROFS',
  'EISDIR',
  'ENOTDIR',
]);

const BROKEN_TRANSFER_CODES: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_SOCKET',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
  'HPE_INVALID_EOF_STATE',
]);

const NO_CONNECTION_CODES: ReadonlySet<string> = new Set([
  'EAI_AGAIN',
  'ENOTFOUND',
  'ECONNREFUSED',
  'ENETUNREACH',
  'EHOSTUNREACH',
]);

/**
 * Whether a retry makes sense.
 *
 * @param madeProgress a host that answered before and is now out of reach comes back; one that never
 *   answered is most likely blocked or misspelt, and waiting for it only delays the next source
 */
export function isTransient(error: unknown, madeProgress: boolean): boolean {
  if (error instanceof TransferFault) return error.transient;
  const code = codeOf(error);
  return BROKEN_TRANSFER_CODES.has(code) || (madeProgress && NO_CONNECTION_CODES.has(code));
}

/** Whether this machine's own disk is at fault, so that no other source can help. */
export function isLocalFault(error: unknown): boolean {
  const isSocketCall = error instanceof Error && 'syscall' in error && error.syscall === 'connect';
  return LOCAL_CODES.has(codeOf(error)) && !isSocketCall;
}

/** One line that says what went wrong, without credentials. */
export function describeFault(error: unknown): string {
  if (error instanceof TransferFault) return error.message;
  const code = codeOf(error);
  const words = WORDS_BY_CODE[code];
  if (words !== undefined) {
    const path = error instanceof Error && 'path' in error ? ` at ${String(error.path)}` : '';
    return `${words} (${code})${isLocalFault(error) ? path : ''}`;
  }
  if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code)) {
    return `the server's certificate is not trusted (${code}); NODE_EXTRA_CA_CERTS can name your own authority`;
  }
  return redactCredentials(error instanceof Error && error.message !== '' ? error.message : String(error));
}

/** Removes `user:password@` from every URL in a text. */
export function redactCredentials(text: string): string {
  return text.replaceAll(/(\w:\/\/)[^\s/@'"]*@/g, '$1');
}
