import { createServer, type Server, type Socket } from 'node:net';
import { afterEach } from 'vitest';
import { listen } from '../../scripts/listen.ts';

/** A TCP server that a test writes HTTP with byte by byte. */
export interface RawServer {
  readonly origin: string;
  /** Connections that are open. */
  readonly sockets: ReadonlySet<Socket>;
  /** What arrived on each connection so far, by the order of the connections. */
  readonly received: readonly string[];
}

/** Starts servers that are stopped after the test. */
export function rawServers(): (onRequest: (socket: Socket, request: string) => void) => Promise<RawServer> {
  const running: { readonly server: Server; readonly sockets: ReadonlySet<Socket> }[] = [];
  afterEach(async () => {
    for (const { server, sockets } of running.splice(0)) {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    }
  });
  return async (onRequest) => {
    const sockets = new Set<Socket>();
    const received: string[] = [];
    const server = createServer((socket) => {
      const number = received.push('') - 1;
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      socket.on('error', () => undefined);
      socket.on('data', (chunk: Buffer) => {
        received[number] += chunk.toString('latin1');
        onRequest(socket, chunk.toString('latin1'));
      });
    });
    running.push({ server, sockets });
    const port = await listen(server);
    return { origin: `http://127.0.0.1:${port}`, sockets, received };
  };
}

/** A whole response. */
export function httpResponse(body: string, head = 'HTTP/1.1 200 OK'): string {
  return `${head}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}
