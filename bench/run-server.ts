import type { AddressInfo, Server } from 'node:net';

/** Lets a program be a server: on a free loopback port, which it reports on the IPC channel; it ends with that. */
export function runServer(server: Server): void {
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
    process.send?.((server.address() as AddressInfo).port);
  });
  process.on('disconnect', () => process.exit(0));
}
