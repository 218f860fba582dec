/** A configuration with a secret in every place that takes one. */
import { generateKeyPairSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { refusingUrl } from '../support/faulty-server.ts';
import type { Plants } from './plants.ts';
import { ownerOf, type RepeatingUpstream } from './repeating-upstream.ts';

/** Upstreams that can be asked, by the credential they are called with. */
export const UPSTREAMS = ['server', 'checked', 'gemini', 'token', 'express', 'account'] as const;

export interface PlantedConfig {
  readonly text: string;
  readonly env: Readonly<Record<string, string>>;
  /** Keys of clients. */
  readonly keys: readonly [string, string];
}

/** Time in which upstreams have to answer, in milliseconds: tests wait for it, and a busy machine needs it. */
const PATIENCE = 1000;

/** @param folder where the files go that it names */
export async function makePlantedConfig(
  plants: Plants,
  upstream: RepeatingUpstream,
  folder: string,
): Promise<PlantedConfig> {
  const own = (name: string, what: string): string => plants.put(`${what} of ${name}`, ownerOf(name));
  const keys = [plants.put('auth.keys[0]'), plants.put('auth.keys[1], a variable')] as const;
  const header = own('server', 'a header, a variable');
  const limits = `retries: 0, first_byte_timeout_ms: ${PATIENCE}, idle_timeout_ms: ${PATIENCE}`;
  const at = (name: string): string => `base_url: "${upstream.urlOf(name)}", ${limits}`;
  const calm = 'health: { interval_ms: 0 }, circuit: { failures: 1000 }';
  const account = await writeAccount(plants, upstream, join(folder, 'account.json'));
  const text = `
server: { max_body_bytes: 65536, shutdown_grace_ms: 200 }
log: { level: trace }
auth:
  mode: keys
  keys: ["${keys[0]}", "\${PLANTED_KEY}"]
  routes: { vertex: [local, keys, google], devapi: passthrough }
  google: { allow: { domains: [example.com] }, audiences: [planted] }
  oidc: [{ issuer: "${upstream.urlOf('issuer')}", audiences: [planted], allow: { domains: [example.com] } }]
upstreams:
  server:
    { kind: vllm, api_key: "${own('server', 'api_key')}", ${at('server')}, ${calm},
      headers: { x-extra: "${own('server', 'a header')}", x-variable: "\${PLANTED_HEADER}" } }
  checked:
    { kind: openai, model: planted, api_key: "${own('checked', 'api_key')}", ${at('checked')}, ${calm},
      structured_output: { check: always, repairs: 0 } }
  gone:
    { kind: openai, base_url: "${await refusingUrl()}", retries: 0, api_key: "${own('gone', 'api_key')}", fallback: [server] }
  gemini: { kind: gemini, api_key: "${own('gemini', 'api_key')}", ${at('gemini')} }
  token: { kind: vertex, project: p-1, access_token: "${own('token', 'access_token')}", ${at('token')} }
  express: { kind: vertex, api_key: "${own('express', 'api_key')}", ${at('express')} }
  account: { kind: vertex, project: p-1, credentials: "${account}", ${at('account')} }
  misplaced: { kind: vertex, project: p-1, ${at('misplaced')} }
models:
${[...UPSTREAMS, 'gone', 'misplaced'].map((name) => `  - { match: "${name}", upstream: ${name} }`).join('\n')}
`;
  const env = {
    PLANTED_KEY: keys[1],
    PLANTED_HEADER: header,
    // Nobody is there: what would go to Google's servers stays on this machine.
    HTTPS_PROXY: `http://ann:${encodeURIComponent(plants.put('password of a proxy'))}@127.0.0.1:1`,
    // What belongs into a file, and is often put here.
    GOOGLE_APPLICATION_CREDENTIALS: JSON.stringify({
      private_key: plants.put('a key in the place of its path'),
    }),
  };
  plants.enter(text, JSON.stringify(env));
  return { text, env, keys };
}

/** The key file of a service account whose tokens come from the upstream. @returns its path */
async function writeAccount(plants: Plants, upstream: RepeatingUpstream, path: string): Promise<string> {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  // A key begins and ends as every other. That it was read is proved by the token it got.
  plants.adopt('private_key', pem.split('\n')[9]!);
  plants.enter(pem);
  const account = {
    type: 'service_account',
    client_email: 'planted@p-1.iam.gserviceaccount.com',
    private_key: pem,
    private_key_id: plants.put('private_key_id', ownerOf('account')),
    token_uri: `${upstream.urlOf('account')}/token?key=${encodeURIComponent(plants.put('query of token_uri', ownerOf('account')))}`,
  };
  await writeFile(path, JSON.stringify(account), { mode: 0o600 });
  return path;
}
