import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where gcloud keeps its state. */
export function gcloudFolder(env: NodeJS.ProcessEnv): string {
  const named = env['CLOUDSDK_CONFIG'];
  if (named !== undefined && named !== '') return named;
  const appData = env['APPDATA'];
  if (process.platform === 'win32' && appData !== undefined) return join(appData, 'gcloud');
  return join(env['HOME'] ?? homedir(), '.config', 'gcloud');
}

/** The file that `gcloud auth application-default login` writes. */
export function wellKnownCredentialsFile(env: NodeJS.ProcessEnv): string {
  return join(gcloudFolder(env), 'application_default_credentials.json');
}

/** The project of gcloud's active configuration. */
export async function gcloudProject(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const folder = gcloudFolder(env);
  const named =
    env['CLOUDSDK_ACTIVE_CONFIG_NAME'] ?? (await readIfThere(join(folder, 'active_config'))).trim();
  const configuration = await readIfThere(
    join(folder, 'configurations', `config_${named === '' ? 'default' : named}`),
  );
  let section = '';
  for (const line of configuration.split('\n')) {
    section = /^\s*\[(.+)\]\s*$/.exec(line)?.[1] ?? section;
    const project = /^\s*project\s*=\s*(\S+)\s*$/.exec(line)?.[1];
    if (section === 'core' && project !== undefined) return project;
  }
  return undefined;
}

/** Only a hint is wanted, so a file that cannot be read is as good as none. */
async function readIfThere(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}
