/** A model server on loopback that does what a test says, down to single bytes and broken connections. */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises';
import { createServer as createSecureServer } from 'node:tls';
import { listen } from '../../scripts/listen.ts';
import { LOCALHOST } from './localhost-certificate.ts';
import { type Answer, goodAnswer, type Step } from './faulty-answers.ts';
import { type RawRequest, RequestReader } from './request-reader.ts';

export interface FaultyRequest extends RawRequest {
  /** Which connection it came on, counted from 1. */
  readonly connection: number;
  /** Resolves when that connection is closed, by either side. */
  readonly closed: Promise<void>;
  /** Bytes of the answer handed to the connection so far. No more are while the other side does not read. */
  sentBytes: number;
}

/** @returns `undefined` for what a server in good health answers */
export type Responder = (request: FaultyRequest) => Answer | undefined;

export class FaultyServer implements AsyncDisposable {
  /** Without a slash at the end; stays the same after {@link restart}. */
  readonly url: string;
  /** All requests that came in as a whole, health checks included. */
  readonly requests: FaultyRequest[] = [];
  /** Answers what {@link queue} has left. At first everything goes well. */
  respond: Responder = () => undefined;
  /** Connections there have been. */
  connections = 0;
  readonly #port: number;
  readonly #server: Server;
  readonly #queue: Answer[] = [];
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, port: number, scheme: 'http' | 'https') {
    this.#server = server;
    this.#port = port;
    this.url = scheme === 'http' ? `http://127.0.0.1:${port}` : `https://localhost:${port}`;
    server.on(
      scheme === 'http' ? 'connection' : 'secureConnection',
      (socket: Socket) => void this.#serve(socket),
    );
  }

  /** @param port 0 for a free one */
  static async start(port = 0): Promise<FaultyServer> {
    const server = createServer({ noDelay: true });
    return new FaultyServer(server, await listen(server, port), 'http');
  }

  /** The same over TLS, for who trusts {@link LOCALHOST}. */
  static async startSecure(): Promise<FaultyServer> {
    const server = createSecureServer(LOCALHOST);
    return new FaultyServer(server, await listen(server), 'https');
  }

  /** The request that came last. @throws {Error} when there was none */
  get last(): FaultyRequest {
    const request = this.requests.at(-1);
    if (request === undefined) throw new Error('the server was not asked');
    return request;
  }

  get openConnections(): number {
    return this.#sockets.size;
  }

  /** The next POST requests get these answers, one each. */
  queue(...answers: readonly Answer[]): void {
    this.#queue.push(...answers);
  }

  /** Breaks all open connections at once. New ones are accepted. */
  kill(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** From now on connections are refused; the open ones are closed. */
  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** Comes back on the same port after {@link stop}. */
  async restart(): Promise<void> {
    await listen(this.#server, this.#port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #serve(socket: Socket): Promise<void> {
    const connection = ++this.connections;
    this.#sockets.add(socket);
    const closed = new Promise<void>((settle) => {
      socket.once('close', () => {
        this.#sockets.delete(socket);
        settle();
      });
    });
    // Broken connections are what this server is for; `close` follows.
    socket.on('error', () => {});
    try {
      await this.#converse(socket, { connection, closed });
    } catch (error) {
      // A mistake of the test: whoever waits for an answer should not wait for long.
      socket.destroy();
      throw error;
    }
  }

  async #converse(socket: Socket, facts: Pick<FaultyRequest, 'connection' | 'closed'>): Promise<void> {
    const reader = new RequestReader(socket);
    for (let raw = await reader.next(); raw !== undefined; raw = await reader.next()) {
      const request: FaultyRequest = { ...raw, ...facts, sentBytes: 0 };
      this.requests.push(request);
      for (const step of this.#answerTo(request)) {
        await take(step, socket, request);
        if (socket.destroyed) return;
      }
    }
  }

  #answerTo(request: FaultyRequest): Answer {
    const { method, path, body } = request;
    const queued = method === 'POST' ? this.#queue.shift() : undefined;
    return queued ?? this.respond(request) ?? goodAnswer(method, path, body);
  }
}

/** @returns a base URL where nobody listens, so that connections are refused */
export async function refusingUrl(): Promise<string> {
  const server = await FaultyServer.start();
  await server.stop();
  return server.url;
}

async function take(step: Step, socket: Socket, request: FaultyRequest): Promise<void> {
  const { closed } = request;
  if (step === 'reset') socket.resetAndDestroy();
  else if (step === 'end') socket.end();
  if (typeof step === 'string') await closed;
  else if ('wait' in step) await Promise.race([pause(step.wait, undefined, { ref: false }), closed]);
  else if ('until' in step) await Promise.race([step.until, closed]);
  else {
    request.sentBytes += Buffer.byteLength(step.write);
    if (!socket.write(step.write)) await Promise.race([drained(socket), closed]);
    // Pieces written in one turn would arrive as one.
    await turn();
  }
}

/** `once` of node:events would throw when the connection breaks, which is no failure here. */
function drained(socket: Socket): Promise<void> {
  return new Promise((settle) => {
    socket.once('drain', settle);
  });
}
