import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Knows the connections that have not sent a request yet. Clients open some ahead of need; Node does not count them as
 * idle, so that one of them would hold up a shutdown for as long as it lives.
 */
export class UnusedConnections {
  readonly #sockets = new Set<Socket>();

  constructor(server: Server) {
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    server.prependListener('request', ({ socket }) => this.#sockets.delete(socket));
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
