import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { listen } from '../../scripts/listen.ts';

/** What the server does to one request. */
export type Fault =
  | { readonly kind: 'none' }
  /** Sends this many bytes of the body and closes the connection. */
  | { readonly kind: 'cut'; readonly afterBytes: number; readonly chunked?: boolean }
  /** Sends this many bytes of the body, then nothing more. */
  | { readonly kind: 'stall'; readonly afterBytes: number }
  /** Sends no headers. */
  | { readonly kind: 'silence' }
  | { readonly kind: 'status'; readonly status: number; readonly headers?: Record<string, string> }
  /** Answers 200 with everything, whatever range was asked for. */
  | { readonly kind: 'ignore-range' }
  /** Answers 206 with another range than asked for. */
  | { readonly kind: 'wrong-range' };

export interface FileServer {
  readonly origin: string;
  /** Headers of every request so far. */
  readonly requests: IncomingMessage[];
  close(): Promise<void>;
}

export interface FileServerOptions {
  /** What each path holds; may be changed between requests. */
  readonly files: Record<string, Buffer>;
  /** What happens to the first, second, ... request; none to later ones. */
  readonly faults?: readonly Fault[];
  /** `null` sends none. @default '"v1"' */
  readonly etag?: string | null;
  /**
   * Whether the client has put this many bytes of the file away; a cut waits for it, because a client
   * loses what it has not read when the connection breaks. @default a cut waits for nothing
   */
  readonly hasStored?: (bytes: number) => boolean;
}

/** A loopback HTTP server with byte ranges (RFC 9110 section 14), that misbehaves as told. */
export async function startFileServer(options: FileServerOptions): Promise<FileServer> {
  const { files, faults = [], etag = '"v1"', hasStored = () => true } = options;
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    const fault = faults[requests.length] ?? { kind: 'none' };
    requests.push(request);
    const file = files[request.url ?? ''];
    if (file === undefined) response.writeHead(404).end();
    else answer(request, response, { file, fault, etag, hasStored });
  });
  return {
    origin: `http://127.0.0.1:${await listen(server)}`,
    requests,
    close: () => closeServer(server),
  };
}

function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
  });
}

interface Answer {
  readonly file: Buffer;
  readonly fault: Fault;
  readonly etag: string | null;
  readonly hasStored: (bytes: number) => boolean;
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { file, fault, etag, hasStored }: Answer,
): void {
  if (fault.kind === 'silence') return;
  if (fault.kind === 'status') {
    response.writeHead(fault.status, fault.headers).end();
    return;
  }
  const match = /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
  const fresh = request.headers['if-range'] === undefined || request.headers['if-range'] === etag;
  const ranged = match !== null && fresh && fault.kind !== 'ignore-range';
  const start = ranged ? Number(match[1]) : 0;
  if (ranged && start >= file.length) {
    response.writeHead(416).end();
    return;
  }
  const body = file.subarray(start);
  const isChunked = fault.kind === 'cut' && fault.chunked === true;
  const shownStart = fault.kind === 'wrong-range' ? start + 1 : start;
  response.writeHead(ranged ? 206 : 200, {
    ...(request.url?.startsWith('/simple/') === true && { 'content-type': 'text/html' }),
    ...(!isChunked && { 'content-length': body.length }),
    ...(etag !== null && { etag }),
    ...(ranged && { 'content-range': `bytes ${shownStart}-${file.length - 1}/${file.length}` }),
  });
  if (fault.kind === 'cut') {
    response.flushHeaders();
    response.write(body.subarray(0, fault.afterBytes));
    const timer = setInterval(() => {
      if (!response.destroyed && !hasStored(start + fault.afterBytes)) return;
      clearInterval(timer);
      response.destroy();
    }, 5);
  } else if (fault.kind === 'stall') response.write(body.subarray(0, fault.afterBytes));
  else response.end(body);
}
