/** A real Redis on loopback, which keeps nothing. */
import { freePort } from '../../scripts/free-port.ts';
import {
  makeFolder,
  programUser,
  type ProgramMissing,
  provideProgram,
  startProgram,
} from './debian-program.ts';

export interface RedisServer extends AsyncDisposable {
  /** `redis://…` */
  readonly url: string;
  /** Ends it at once, as a crash does; what it knew is gone. */
  stop(): Promise<void>;
  /** Starts it again, empty, on the same port. */
  restart(): Promise<void>;
  /** Holds it up: connections stay, answers do not come. */
  freeze(): void;
  thaw(): void;
}

/** Whether there is a Redis, installed first where that is possible. */
export async function findRedis(): Promise<string | ProgramMissing> {
  return await provideProgram({ program: 'redis-server', debianPackage: 'redis-server' });
}

/** @throws {Error} when there is no Redis or it does not start */
export async function startRedis(): Promise<RedisServer> {
  const path = await findRedis();
  if (typeof path !== 'string') throw new Error(path.missing);
  const user = await programUser('nobody');
  const folder = await makeFolder(user);
  const port = await freePort();
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder.path];
  const start = async () =>
    await startProgram({
      ...user,
      path,
      args: [...args, '--save', '', '--appendonly', 'no'],
      ready: /Ready to accept connections/,
    });
  let running = await start();
  const stop = async (): Promise<void> => {
    await running.stop('SIGKILL');
  };
  return {
    url: `redis://127.0.0.1:${port}`,
    stop,
    async restart() {
      running = await start();
    },
    freeze() {
      running.process.kill('SIGSTOP');
    },
    thaw() {
      running.process.kill('SIGCONT');
    },
    async [Symbol.asyncDispose]() {
      await stop();
      await folder[Symbol.asyncDispose]();
    },
  };
}
