/** nginx as a reverse proxy: about the least that passing bytes on can cost. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram, pathFolders } from '../scripts/find-program.ts';
import { freePort } from '../scripts/free-port.ts';
import { childProcesses } from './process-clock.ts';
import { type ServerProcess, startProgram } from './server-process.ts';

/** What is to be said where there is none. */
export const NO_NGINX = 'nginx: not on the PATH (Debian: apt-get install nginx).';

/** Path of the program; Debian keeps it outside of what most users search. */
export function findNginx(): string | undefined {
  return findProgram('nginx', [...pathFolders(), '/usr/sbin']);
}

/** One worker in front of `upstreamUrl`, connections kept on both sides, answers passed on as they come. */
export async function startNginx(program: string, upstreamUrl: string): Promise<ServerProcess> {
  const directory = mkdtempSync(join(tmpdir(), 'parlance-bench-nginx-'));
  const remove = (): void => {
    rmSync(directory, { recursive: true, force: true });
  };
  const port = await freePort();
  const file = join(directory, 'nginx.conf');
  writeFileSync(file, configuration({ directory, port, upstream: new URL(upstreamUrl).host }));
  try {
    const server = await startProgram([program, '-e', 'stderr', '-p', directory, '-c', file], {
      env: {},
      url: `http://127.0.0.1:${port}`,
      healthPath: HEALTH_PATH,
    });
    const stop = async (): Promise<void> => {
      await server.stop();
      remove();
    };
    const [worker] = childProcesses(server.pid);
    if (worker !== undefined) return { url: server.url, pid: worker, stop };
    await stop();
    throw new Error('nginx has no worker process');
  } catch (error) {
    remove();
    throw error;
  }
}

const HEALTH_PATH = '/healthz';

export interface NginxOptions {
  /** For all files it writes. */
  readonly directory: string;
  readonly port: number;
  /** Host and port. */
  readonly upstream: string;
}

function configuration({ directory, port, upstream }: NginxOptions): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${join(directory, kind)};`,
  );
  // Its worker would otherwise change to a user that cannot enter the folder.
  const user = process.getuid?.() === 0 ? 'user root root;' : '';
  return `
daemon off; ${user} worker_processes 1; worker_rlimit_nofile 16384;
pid ${join(directory, 'nginx.pid')}; error_log stderr crit;
events { worker_connections 8192; }
http {
  access_log off;
  client_max_body_size 64m; client_body_buffer_size 2m; ${temporary.join(' ')}
  keepalive_timeout 65; keepalive_requests 10000000;
  upstream model_server { server ${upstream}; keepalive 1024; keepalive_requests 10000000; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location = ${HEALTH_PATH} { return 200; }
    location / {
      proxy_pass http://model_server; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_buffering off;
    }
  }
}
`;
}
