import type { Dispatcher } from 'undici';
import type { HeldMedia } from '../../media/held-media.ts';
import type { RequestBody } from '../../upstream/composed-body.ts';
import { exchange, type ExchangeResponse } from '../../upstream/exchange.ts';
import type { Replica } from '../../upstream/replicas/replica.ts';

export interface ServerConnectionOptions {
  readonly dispatcher: Dispatcher;
  /** For small questions: long answers must not keep a probe waiting until the server is taken to be down. */
  readonly askDispatcher: Dispatcher;
  /** Sent with every request: credentials and what the configuration adds. */
  readonly headers: Readonly<Record<string, string>>;
  /** Longest wait for the head of a response, in milliseconds. */
  readonly firstByteMs: number;
  /** Longest silence within a response, in milliseconds. */
  readonly idleMs: number;
}

/** One chat request as it is sent. */
export interface ChatExchange {
  /** The request as the server gets it, with marks for its media. */
  readonly body: string;
  readonly media: HeldMedia;
  readonly requestId: string;
  /** Goes in place of the configured credentials. */
  readonly clientCredential: string | undefined;
  readonly signal: AbortSignal;
}

/** The version at the end of an API's root: what stands before it is the server's root. */
const API_VERSION = /\/v\d[^/]*$/;

/** Requests to the replicas of one model server. */
export class ServerConnection {
  readonly #options: ServerConnectionOptions;
  readonly #postHeaders: Readonly<Record<string, string>>;

  constructor(options: ServerConnectionOptions) {
    this.#options = options;
    this.#postHeaders = { ...options.headers, 'content-type': 'application/json' };
  }

  /** Asks for a chat completion. @throws {TransportError} when there is no response */
  chat(
    replica: Replica,
    { body, media, requestId, clientCredential, signal }: ChatExchange,
  ): Promise<ExchangeResponse> {
    const own = { ...this.#postHeaders, 'x-request-id': requestId };
    return this.#exchange(this.#options.dispatcher, replica, {
      method: 'POST',
      path: `${replica.pathPrefix}/chat/completions`,
      headers: clientCredential === undefined ? own : { ...own, authorization: `Bearer ${clientCredential}` },
      body: media.compose(body),
      signal,
    });
  }

  /**
   * Asks for something small.
   *
   * @param path from the server's root; what begins with `/v1/` from the API's
   * @param body sent as JSON, with POST
   */
  ask(
    replica: Replica,
    path: string,
    options: { signal: AbortSignal; body?: object },
  ): Promise<ExchangeResponse> {
    const { signal, body } = options;
    const place = path.startsWith('/v1/')
      ? replica.pathPrefix + path.slice('/v1'.length)
      : replica.pathPrefix.replace(API_VERSION, '') + path;
    return this.#exchange(this.#options.askDispatcher, replica, {
      method: body === undefined ? 'GET' : 'POST',
      path: place,
      headers: body === undefined ? this.#options.headers : this.#postHeaders,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal,
    });
  }

  #exchange(
    dispatcher: Dispatcher,
    { origin }: Replica,
    request: {
      method: 'GET' | 'POST';
      path: string;
      headers: Readonly<Record<string, string>>;
      body?: RequestBody;
      signal: AbortSignal;
    },
  ): Promise<ExchangeResponse> {
    const { firstByteMs, idleMs } = this.#options;
    return exchange(dispatcher, { ...request, origin, headersTimeoutMs: firstByteMs, idleTimeoutMs: idleMs });
  }
}
