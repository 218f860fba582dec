/** A real Postgres on loopback, with an empty database of its own. */
import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../../scripts/free-port.ts';
import {
  makeFolder,
  programUser,
  type ProgramMissing,
  provideProgram,
  startProgram,
} from './debian-program.ts';

const run = promisify(execFile);

const PROGRAM = {
  program: 'postgres',
  debianPackage: 'postgresql',
  folders: ['/usr/lib/postgresql/*/bin'],
};

export interface PostgresServer extends AsyncDisposable {
  /** `postgres://…` */
  readonly url: string;
  /** Ends all connections and the server. */
  stop(): Promise<void>;
  /** Starts it again, on the same port and data. */
  restart(): Promise<void>;
}

/** Whether there is a Postgres, installed first where that is possible. */
export async function findPostgres(): Promise<string | ProgramMissing> {
  return await provideProgram(PROGRAM);
}

/** @throws {Error} when there is no Postgres or it does not start */
export async function startPostgres(): Promise<PostgresServer> {
  const path = await findPostgres();
  if (typeof path !== 'string') throw new Error(path.missing);
  // Postgres refuses to run as root.
  const user = await programUser('postgres');
  const folder = await makeFolder(user);
  const data = join(folder.path, 'data');
  const initArgs = ['-D', data, '-U', 'parlance', '-E', 'UTF8', '--locale=C', '--auth=trust', '--no-sync'];
  await run(join(dirname(path), 'initdb'), initArgs, { ...user, cwd: folder.path });
  const port = await freePort();
  const args = ['-D', data, '-p', String(port), '-c', 'listen_addresses=127.0.0.1'];
  const start = async () =>
    await startProgram({
      ...user,
      path,
      args: [...args, '-c', 'unix_socket_directories='],
      ready: /ready to accept connections/,
    });
  let running = await start();
  // Fast shutdown: connections are ended, not waited for.
  const stop = async (): Promise<void> => {
    await running.stop('SIGINT');
  };
  return {
    url: `postgres://parlance@127.0.0.1:${port}/postgres`,
    stop,
    async restart() {
      running = await start();
    },
    async [Symbol.asyncDispose]() {
      await stop();
      await folder[Symbol.asyncDispose]();
    },
  };
}
