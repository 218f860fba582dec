import type { AddressInfo } from 'node:net';
import type { Gate } from '../../src/auth/inbound/gatekeeper.ts';
import type { Backend } from '../../src/backends/backend.ts';
import { createLog } from '../../src/observability/log.ts';
import { ModelRouter, type ModelRouterOptions } from '../../src/routing/model-router.ts';
import { createHttpServer, type HttpLimits, type HttpServerOptions } from '../../src/server/http-server.ts';
import { gatekeeperOf } from '../support/gatekeeper.ts';
import { RawConnection, type RawResponse } from './raw-connection.ts';
import { ScriptedBackend, type Script } from './scripted-backend.ts';

export interface TestServerOptions extends Partial<
  Omit<HttpServerOptions, 'limits' | 'gatekeeper' | 'router'>
> {
  script?: Script;
  /** Stands behind every model and endpoint instead of the scripted one. */
  behind?: Backend;
  limits?: Partial<HttpLimits>;
  keys?: string[];
  /** Instead of what `keys` make. */
  gate?: Gate;
  models?: ModelRouterOptions['models'];
}

/** A server on a free port with one scripted backend behind every model and endpoint. */
export class TestServer implements AsyncDisposable {
  readonly backend: ScriptedBackend;
  readonly port: number;
  readonly url: string;
  /** Parsed lines of the log, at level trace. */
  readonly log: Record<string, unknown>[];
  readonly #close: () => Promise<void>;
  readonly #connections: RawConnection[] = [];

  private constructor(
    backend: ScriptedBackend,
    port: number,
    log: Record<string, unknown>[],
    close: () => Promise<void>,
  ) {
    this.backend = backend;
    this.port = port;
    this.url = `http://127.0.0.1:${port}`;
    this.log = log;
    this.#close = close;
  }

  static async start({
    script,
    behind,
    limits,
    keys,
    gate,
    models,
    ...options
  }: TestServerOptions = {}): Promise<TestServer> {
    const backend = new ScriptedBackend(script);
    const { name } = behind ?? backend;
    const log: Record<string, unknown>[] = [];
    const server = createHttpServer({
      log: createLog('trace', {
        write: (line) => {
          log.push(JSON.parse(line) as Record<string, unknown>);
        },
      }),
      router: new ModelRouter({
        backends: new Map<string, Backend>([[name, behind ?? backend]]),
        models: models ?? [{ match: '*', upstream: name }],
        endpoints: { '1234567890': { upstream: name } },
      }),
      unsupported: 'reject',
      usageMode: 'openai',
      streamKeepAliveMs: 0,
      gatekeeper: gatekeeperOf(gate ?? keys),
      limits: {
        maxBodyBytes: 100_000,
        largeBodyBytes: 64 * 1024 * 1024,
        maxHeaderBytes: 16_384,
        requestTimeoutMs: 60_000,
        keepAliveMs: 5000,
        ...limits,
      },
      ...options,
    });
    await server.listen({ host: '127.0.0.1', port: 0 });
    const { port } = server.server.address() as AddressInfo;
    return new TestServer(backend, port, log, async () => {
      server.server.closeAllConnections();
      await server.close();
    });
  }

  async connect(): Promise<RawConnection> {
    const connection = await RawConnection.open(this.port);
    this.#connections.push(connection);
    return connection;
  }

  /** Sends one request on a connection of its own and reads the answer to it. */
  async exchange(head: string[], body: string | Uint8Array = ''): Promise<RawResponse> {
    const connection = await this.connect();
    connection.send(RawConnection.request(head, body));
    const response = await connection.response(head[0]?.split(' ')[0]);
    connection.destroy();
    return response;
  }

  /** Posts JSON. @param path default: the plain chat route */
  post(
    body: unknown,
    path = '/v1/chat/completions',
    headers: Record<string, string> = {},
  ): Promise<Response> {
    return fetch(`${this.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#connections) connection.destroy();
    await this.#close();
  }
}

/** A small valid request; fields may be added or replaced. */
export function chatRequest(fields: Record<string, unknown> = {}): Record<string, unknown> {
  return { model: 'google/gemini-2.5-flash', messages: [{ role: 'user', content: 'Hi' }], ...fields };
}

export interface ErrorEnvelope {
  error: { message: string; type: string; param: string | null; code: string; problems?: unknown[] };
}

/** The JSON events of a stream, without comments; `[DONE]` stays text. */
export function eventsOf(stream: string): unknown[] {
  return stream
    .split('\n\n')
    .filter((event) => event.startsWith('data: '))
    .map((event) => event.slice('data: '.length))
    .map((data): unknown => (data === '[DONE]' ? data : JSON.parse(data)));
}
