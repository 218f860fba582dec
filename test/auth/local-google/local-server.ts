import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { listen } from '../../../scripts/listen.ts';
import { readClientCredential } from '../../../src/auth/inbound/client-credential.ts';
import {
  createLocalSignIn,
  type LocalSignIn,
  type LocalSignInOptions,
} from '../../../src/auth/local-google/create-local-sign-in.ts';
import { toGatewayError } from '../../../src/errors.ts';

/** Where the server tells who calls, as a chat completion route would have to know it. */
export const CHAT_PATH = '/v1/projects/p/locations/l/endpoints/openapi/chat/completions';

/** A server of nothing but the local sign-in, and one route that asks who calls. */
export interface LocalServer {
  readonly origin: string;
  /** `host:port`. */
  readonly address: string;
  /** `GET /path?query` of every request. */
  readonly requests: string[];
  close(): Promise<void>;
}

export async function startLocalServer(options: Omit<LocalSignInOptions, 'port'>): Promise<LocalServer> {
  const requests: string[] = [];
  let port: number | undefined;
  const signIn = createLocalSignIn({ ...options, port: () => port });
  await signIn.prepare();
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    void answer(signIn, request, response);
  });
  port = await listen(server);
  return {
    origin: `http://127.0.0.1:${port}`,
    address: `127.0.0.1:${port}`,
    requests,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}

async function answer(
  { google, tokens }: LocalSignIn,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method = '', url = '', headers } = request;
  const [path = '', query = ''] = url.split('?', 2);
  try {
    const body = await text(request);
    const own = await google.handle({ method, path, query: new URLSearchParams(query), headers, body });
    if (own !== undefined) {
      response.writeHead(own.status, own.headers).end(own.body);
      return;
    }
    const key = path === CHAT_PATH ? readClientCredential(headers) : undefined;
    const caller = key === undefined ? undefined : await tokens.authenticate(key);
    const status = caller === undefined ? (path === CHAT_PATH ? 401 : 404) : 200;
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ caller }));
  } catch (error) {
    const { status, message } = toGatewayError(error);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ message }));
  }
}
