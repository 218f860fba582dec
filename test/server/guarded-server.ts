/** A server whose routes are all guarded, for one test. */
import { onTestFinished } from 'vitest';
import type { Authenticator } from '../../src/auth/inbound/principal.ts';
import { StaticKeys } from '../../src/auth/inbound/static-keys.ts';
import { GatewayError } from '../../src/errors.ts';
import { chatRequest, TestServer, type TestServerOptions } from './test-server.ts';

export const KEY = 'key-of-the-configuration';
export const CHAT = '/v1/chat/completions';
export const VERTEX = '/v1/projects/p/locations/us-central1/endpoints';

/** Knows nobody, but says of some credentials why not. */
const strict: Authenticator = {
  async authenticate(credential) {
    if (credential === 'expired') throw new GatewayError('invalid_api_key', 'The token has expired.');
    if (credential === 'foreign') throw new GatewayError('permission_denied', 'b@example.com may not call.');
    if (credential === 'unjudged') throw new GatewayError('overloaded', 'The issuer does not answer.');
    return undefined;
  },
};

export async function startGuarded(options: TestServerOptions = {}): Promise<TestServer> {
  const server = await TestServer.start({
    gate: { kind: 'closed', keys: new StaticKeys([KEY]), authenticators: [strict] },
    ...options,
  });
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server;
}

export const BODY = JSON.stringify(chatRequest());

/** The status of one request on a connection of its own; 0 when the server closes it without any answer. */
export async function statusOf(server: TestServer, head: string[], body = BODY): Promise<number> {
  try {
    return (await server.exchange(head, body)).status;
  } catch (error) {
    if (String(error).includes('the connection ended')) return 0;
    throw error;
  }
}
