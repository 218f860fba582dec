import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { httpResponse } from '../../upstream/raw-server.ts';

/** Whether this machine can be reached over IPv6 from itself. */
export const HAS_IPV6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === '::1'),
);

/** Counts who connects, on several of this machine's own addresses but one port, and answers anything with `secret`. */
export class CountingServer implements AsyncDisposable {
  connections = 0;
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();

  private constructor() {}

  static async start(hosts: readonly string[], port = 0): Promise<CountingServer> {
    const counting = new CountingServer();
    for (const host of hosts) await counting.#listen(host, port === 0 ? counting.#port : port);
    return counting;
  }

  get port(): number {
    return this.#port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(
      this.#servers.map(async (server) => {
        const closed = once(server, 'close');
        server.close();
        await closed;
      }),
    );
  }

  get #port(): number {
    const [first] = this.#servers;
    return first === undefined ? 0 : (first.address() as AddressInfo).port;
  }

  async #listen(host: string, port: number): Promise<void> {
    const server = createServer((socket) => {
      this.connections++;
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => undefined);
      socket.on('data', () => socket.write(httpResponse('secret')));
    });
    server.listen(port, host);
    await once(server, 'listening');
    this.#servers.push(server);
  }
}
