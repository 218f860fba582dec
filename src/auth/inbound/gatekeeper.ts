import { GatewayError } from '../../errors.ts';
import type { RouteFamily } from '../../translate/events/render-options.ts';
import { HashedKey } from './hashed-key.ts';
import type { Authenticator, Principal } from './principal.ts';
import type { StaticKeys } from './static-keys.ts';

/** Who may pass on the routes of one family. */
export type Gate =
  /** Everybody. */
  | { readonly kind: 'open' }
  /** Everybody with a credential, which goes to the upstream and is judged there. */
  | { readonly kind: 'passthrough' }
  /** Who has one of the keys, or is known to an authenticator; the first that does decides. */
  | {
      readonly kind: 'closed';
      readonly keys: StaticKeys;
      readonly authenticators: readonly Authenticator[];
    };

/** A gate for each family of routes. */
export type Gates = Readonly<Record<RouteFamily, Gate>>;

/** Decides who may call, by the route that is served and the credential that came. Contract section 1.3. */
export class Gatekeeper {
  readonly #gates: Gates;

  constructor(gates: Gates) {
    this.#gates = gates;
  }

  /**
   * @param credential what the client sent, `undefined` for nothing
   * @param signal aborts a question to somebody else; asked for only where there is one
   * @returns who calls; at once where nobody has to be asked
   * @throws {GatewayError} `invalid_api_key` for callers that nobody knows, and as {@link Authenticator.authenticate} does
   */
  admit(
    family: RouteFamily,
    credential: string | undefined,
    signal: () => AbortSignal,
  ): Principal | Promise<Principal> {
    const gate = this.#gates[family];
    if (gate.kind === 'open') return anonymous(credential);
    if (credential === undefined) {
      throw new GatewayError(
        'invalid_api_key',
        'No API key was sent. Send it as "Authorization: Bearer KEY".',
      );
    }
    if (gate.kind === 'passthrough') return { ...anonymous(credential), credential: sendable(credential) };
    return gate.keys.find(credential) ?? identify(gate.authenticators, credential, signal());
  }
}

const VISIBLE_ASCII = /^[\x21-\x7e]+$/;

/**
 * A credential that can go upstream in a header. One from a URL may hold line breaks; sent on, it would look like an
 * outage of the upstream.
 */
function sendable(credential: string): string {
  if (VISIBLE_ASCII.test(credential)) return credential;
  throw new GatewayError(
    'invalid_api_key',
    'The API key holds a character that keys do not have: a space, a line break or one outside ASCII.',
  );
}

/** Callers that nobody asked who they are; what they sent tells them apart. */
function anonymous(credential: string | undefined): Principal {
  const tenant = credential === undefined ? 'anonymous' : new HashedKey(credential).tenant;
  return { kind: 'anonymous', id: 'anonymous', tenant };
}

async function identify(
  authenticators: readonly Authenticator[],
  credential: string,
  signal: AbortSignal,
): Promise<Principal> {
  for (const authenticator of authenticators) {
    const principal = await authenticator.authenticate(credential, signal);
    if (principal !== undefined) return principal;
  }
  throw new GatewayError(
    'invalid_api_key',
    authenticators.length === 0
      ? 'The API key is not one of this server.'
      : 'The credential is none that this server knows.',
  );
}
