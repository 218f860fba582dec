import { exchange, readText } from '../../upstream/exchange.ts';
import type { Credential } from './credential.ts';
import { type TokenContext, requestText, requestToken } from './token-request.ts';

/** The fixed address works without DNS, the name also where there is only IPv6. */
const ADDRESSES = ['169.254.169.254', 'metadata.google.internal'];
const ADDRESS_VARIABLES = ['GCE_METADATA_HOST', 'GCE_METADATA_ROOT', 'GCE_METADATA_IP'] as const;

const HEADERS = { 'metadata-flavor': 'Google' };

/** The address that the environment names, such as `127.0.0.1:8080`. */
export function namedMetadataServer(env: NodeJS.ProcessEnv): string | undefined {
  return ADDRESS_VARIABLES.map((name) => env[name]).find(
    (address) => address !== undefined && address !== '',
  );
}

/** Where a metadata server is looked for. */
export function metadataAddresses(env: NodeJS.ProcessEnv): readonly string[] {
  const named = namedMetadataServer(env);
  return named === undefined ? ADDRESSES : [named];
}

/**
 * Looks for a metadata server. All addresses are asked at the same time and only once, since off Google Cloud nobody
 * answers there.
 *
 * @param timeoutMs longest wait
 * @returns its address, `undefined` when there is none
 */
export async function detectMetadataServer(
  context: TokenContext,
  timeoutMs: number,
): Promise<string | undefined> {
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(timeoutMs)]);
  try {
    return await Promise.any(
      metadataAddresses(context.env).map((address) => ping(address, context, signal, timeoutMs)),
    );
  } catch {
    context.signal.throwIfAborted();
    return undefined;
  }
}

async function ping(
  address: string,
  context: TokenContext,
  signal: AbortSignal,
  timeoutMs: number,
): Promise<string> {
  const { headers, body } = await exchange(context.direct, {
    origin: metadataUrl(address, '').origin,
    path: '/',
    method: 'GET',
    headers: HEADERS,
    signal,
    headersTimeoutMs: timeoutMs,
    idleTimeoutMs: timeoutMs,
  });
  await readText(body, 64 * 1024);
  // Captive portals and the metadata servers of other clouds answer at the same address.
  if (headers['metadata-flavor'] !== 'Google') throw new Error('not a metadata server of Google');
  return address;
}

/** The service account of the machine, container or function this runs in. */
export function metadataCredential(address: string): Credential {
  return {
    fetchToken: (scopes, context) =>
      requestToken(
        {
          url: metadataUrl(
            address,
            `instance/service-accounts/default/token?scopes=${scopes.map(encodeURIComponent).join(',')}`,
          ),
          headers: HEADERS,
          advice: 'Attach a service account to this machine or workload.',
        },
        context,
      ),
    findProject: async (context) =>
      (
        await requestText(
          {
            url: metadataUrl(address, 'project/project-id'),
            headers: HEADERS,
            advice: 'Name the project in GOOGLE_CLOUD_PROJECT.',
          },
          context,
        )
      ).trim(),
  };
}

function metadataUrl(address: string, path: string): URL {
  return new URL(`/computeMetadata/v1/${path}`, address.includes('://') ? address : `http://${address}`);
}
