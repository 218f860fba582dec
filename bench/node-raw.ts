/**
 * The least a proxy in Node.js can do: passes the bytes of requests and answers on, over `node:http` and undici. Takes
 * the upstream's URL as its argument; as a process it reports its port on the IPC channel and ends with it.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Pool } from 'undici';
import { GEMINI_PATH } from './node-translate.ts';

export function createRawProxy(upstream: string): Server {
  const pool = new Pool(upstream, { connections: 1024, pipelining: 1 });
  return createServer((request: IncomingMessage, response: ServerResponse) => {
    const parts: Buffer[] = [];
    request.on('data', (bytes: Buffer) => {
      parts.push(bytes);
    });
    request.on('end', () => {
      const body = Buffer.concat(parts);
      const method = body.includes('"stream":true') ? 'streamGenerateContent?alt=sse' : 'generateContent';
      const path = `${GEMINI_PATH}/gemini-2.5-flash:${method}`;
      pool.dispatch(
        { method: 'POST', path, body, headers: { 'content-type': 'application/json' } },
        {
          onRequestStart() {},
          onResponseStart(_, status, headers) {
            response.writeHead(status, { 'content-type': String(headers['content-type']) });
          },
          onResponseData(controller, chunk) {
            if (response.write(chunk)) return;
            controller.pause();
            response.once('drain', () => {
              controller.resume();
            });
          },
          onResponseEnd() {
            response.end();
          },
          onResponseError() {
            response.destroy();
          },
        },
      );
    });
  });
}

if (import.meta.main) {
  const server = createRawProxy(process.argv[2] ?? '');
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
    process.send?.((server.address() as AddressInfo).port);
  });
  process.on('disconnect', () => process.exit(0));
}
