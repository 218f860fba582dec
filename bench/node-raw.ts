/**
 * The least a proxy in Node.js can do: passes the bytes of requests and answers on, over `node:http` and undici. Takes
 * the upstream's URL and the name of a path rule as its arguments; as a process it reports its port on the IPC channel
 * and ends with it.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Pool } from 'undici';
import { GEMINI_PATH } from './node-translate.ts';
import { runServer } from './run-server.ts';

/** Path at the upstream for a request's own path and its body. */
type PathRule = (path: string, body: Buffer) => string;

const PATH_RULES = {
  same: (path) => path,
  gemini: (_, body) => {
    const method = body.includes('"stream":true') ? 'streamGenerateContent?alt=sse' : 'generateContent';
    return `${GEMINI_PATH}/gemini-2.5-flash:${method}`;
  },
} satisfies Record<string, PathRule>;

export type PathRuleName = keyof typeof PATH_RULES;

export function createRawProxy(upstream: string, rule: PathRuleName = 'same'): Server {
  const pool = new Pool(upstream, { connections: 1024, pipelining: 1 });
  const pathOf: PathRule = PATH_RULES[rule];
  return createServer((request: IncomingMessage, response: ServerResponse) => {
    const parts: Buffer[] = [];
    request.on('data', (bytes: Buffer) => {
      parts.push(bytes);
    });
    request.on('end', () => {
      const body = Buffer.concat(parts);
      const path = pathOf(request.url ?? '/', body);
      pool.dispatch(
        { method: 'POST', path, body, headers: { 'content-type': 'application/json' } },
        {
          onRequestStart(controller) {
            response.on('close', () => {
              if (!response.writableFinished) controller.abort(new Error('the client left'));
            });
          },
          onResponseStart(_, status, headers) {
            const length = headers['content-length'];
            response.writeHead(status, {
              'content-type': String(headers['content-type']),
              ...(length === undefined ? {} : { 'content-length': String(length) }),
            });
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
  runServer(createRawProxy(process.argv[2] ?? '', process.argv[3] as PathRuleName | undefined));
}
