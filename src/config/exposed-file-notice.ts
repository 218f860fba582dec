import { statSync } from 'node:fs';
import { applicationCredentialsFile } from '../auth/outbound/google-credentials.ts';
import type { UpstreamConfig } from './complete-upstream.ts';
import type { ConfigSource } from './config-source.ts';
import type { Environment } from './interpolate.ts';
import type { FileConfig } from './schema.ts';

interface FilesInUse {
  readonly source: ConfigSource;
  readonly config: Pick<FileConfig, 'auth' | 'state'>;
  readonly upstreams: Readonly<Record<string, UpstreamConfig>>;
  readonly env: Environment;
}

/**
 * Files with secrets that other users of the machine can get at: the configuration where keys stand in it, and Google's
 * credentials. It is said and not refused, because containers are given files with such modes.
 *
 * @returns one notice for each file
 */
export function exposedFileNotices({ source, config, upstreams, env }: FilesInUse): string[] {
  const secrets = [...callerSecrets(config), ...Object.values(upstreams).flatMap(upstreamSecrets)];
  const holdsSecret = secrets.some((secret) => source.text.includes(secret));
  const credentials = Object.values(upstreams).map((upstream) => credentialsFile(upstream, env));
  return [
    ...noticeOf(holdsSecret ? source.file : null, 'keys stand in it', ', or take the keys from variables'),
    ...[...new Set(credentials)].flatMap((path) => noticeOf(path, 'it lets its reader in at Google')),
  ];
}

function noticeOf(path: string | null | undefined, why: string, instead = ''): string[] {
  const mode = path == null ? undefined : exposedMode(path);
  if (mode === undefined) return [];
  return [
    `Other users of this machine can read ${path} (mode ${mode.toString(8)}), and ${why}. Run: chmod 600 '${path}'${instead}.`,
  ];
}

/**
 * The mode of a file that others can read or change. The group may where the owner is somebody else: then it is
 * likely the way by which this server reads the file.
 */
function exposedMode(path: string): number | undefined {
  // Windows has no such bits; its home folders are private by themselves.
  if (process.platform === 'win32') return undefined;
  try {
    const { mode, uid } = statSync(path);
    const forbidden = uid === process.getuid?.() ? 0o066 : 0o006;
    return (mode & forbidden) === 0 ? undefined : mode & 0o777;
  } catch {
    // What is wrong with the file is told by who reads it.
    return undefined;
  }
}

function callerSecrets({ auth, state }: FilesInUse['config']): string[] {
  const urls = [state?.database, state?.redis].filter((url) => url !== undefined);
  return [...auth.keys, ...urls.filter((url) => (URL.parse(url)?.password ?? '') !== '')];
}

/** Headers that are likely to hold a credential. */
const SECRET_HEADER = /auth|key|token|secret|password|cookie/i;

function upstreamSecrets(upstream: UpstreamConfig): string[] {
  switch (upstream.kind) {
    case 'embedded':
      return [];
    case 'vertex':
      return [upstream.api_key, upstream.access_token].filter((secret) => secret !== undefined);
    case 'gemini':
      return [upstream.api_key];
    default: {
      const headers = Object.entries(upstream.headers).filter(([name]) => SECRET_HEADER.test(name));
      return [
        ...(upstream.api_key === undefined ? [] : [upstream.api_key]),
        ...headers.map(([, value]) => value),
      ];
    }
  }
}

function credentialsFile(upstream: UpstreamConfig, env: Environment): string | undefined {
  if (upstream.kind !== 'vertex' || upstream.api_key !== undefined) return undefined;
  return upstream.credentials === 'adc' ? applicationCredentialsFile(env) : upstream.credentials;
}
