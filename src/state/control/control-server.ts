import { chmod, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import type { CallerPolicy } from '../../caller-policy.ts';
import type { NewKey } from '../keys/key-store.ts';
import type { StateAdmin } from '../state-admin.ts';
import { isUsageGroup, type UsageQuery } from '../usage/usage-totals.ts';

export interface ControlServer {
  close(): Promise<void>;
}

/** What travels for a new key: dates are texts in JSON. */
export interface WrittenKey {
  readonly name: string;
  readonly policy?: CallerPolicy;
  readonly expiresAt?: string;
}

/** What travels for a query of usage. */
export interface WrittenUsageQuery extends Omit<UsageQuery, 'from' | 'to'> {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/** Only who runs the server may use the socket. */
const SOCKET_MODE = 0o600;

/**
 * Lets other commands of this machine and this user work on keys and look at usage, while this process has the embedded
 * database: HTTP with JSON on a Unix socket that nobody else can open. To be called by the holder of the database's lock
 * only: a socket that is there already is what a killed process left behind.
 *
 * @throws {Error} when the socket cannot be made
 */
export async function serveControl(path: string, state: StateAdmin): Promise<ControlServer> {
  const server = createServer((request, response) => {
    void serve(request, response, state);
  });
  const isPipe = path.startsWith('\\\\');
  if (!isPipe) await rm(path, { force: true });
  await listen(server, path);
  if (!isPipe) await chmod(path, SOCKET_MODE);
  server.unref();
  return {
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function serve(request: IncomingMessage, response: ServerResponse, state: StateAdmin): Promise<void> {
  const { status, body } = await answer(request, state);
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

interface ControlAnswer {
  readonly status: number;
  readonly body: unknown;
}

const OTHER_VERSION: ControlAnswer = {
  status: 404,
  body: { message: 'The server is of another version: restart it.' },
};

async function answer(request: IncomingMessage, { keys, usage }: StateAdmin): Promise<ControlAnswer> {
  try {
    switch (`${request.method} ${request.url}`) {
      case 'GET /keys':
        return { status: 200, body: await keys.list() };
      case 'POST /keys':
        return { status: 200, body: await keys.create(toNewKey((await json(request)) as WrittenKey)) };
      case 'POST /keys/revoke': {
        const { id } = (await json(request)) as { id: string };
        return { status: 200, body: { key: await keys.revoke(id) } };
      }
      case 'POST /usage': {
        const query = toUsageQuery((await json(request)) as WrittenUsageQuery);
        return query.by.every(isUsageGroup)
          ? { status: 200, body: await usage.totals(query) }
          : OTHER_VERSION;
      }
      default:
        return OTHER_VERSION;
    }
  } catch (error) {
    return { status: 500, body: { message: error instanceof Error ? error.message : String(error) } };
  }
}

function toNewKey({ name, policy, expiresAt }: WrittenKey): NewKey {
  return {
    name,
    ...(policy && { policy }),
    ...(expiresAt !== undefined && { expiresAt: new Date(expiresAt) }),
  };
}

function toUsageQuery({ from, to, ...query }: WrittenUsageQuery): UsageQuery {
  return {
    ...query,
    ...(from !== undefined && { from: new Date(from) }),
    ...(to !== undefined && { to: new Date(to) }),
  };
}
