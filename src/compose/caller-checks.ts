import type { Dispatcher } from 'undici';
import { type Gate, Gatekeeper } from '../auth/inbound/gatekeeper.ts';
import { GoogleAccessTokens } from '../auth/inbound/google-access-tokens.ts';
import { GOOGLE_ISSUER, type IssuerOptions } from '../auth/inbound/id-token-issuer.ts';
import { IdTokens } from '../auth/inbound/id-tokens.ts';
import { IssuedKeys } from '../auth/inbound/issued-keys.ts';
import type { Authenticator } from '../auth/inbound/principal.ts';
import { StaticKeys } from '../auth/inbound/static-keys.ts';
import { createLocalSignIn, type LocalSignIn } from '../auth/local-google/create-local-sign-in.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { Log } from '../observability/log.ts';
import { createConnectionPools } from '../upstream/connection-pools.ts';
import { type KeptState, usesKeptKeys } from './kept-state.ts';

/** Everything that finds out who calls. */
export interface CallerChecks {
  readonly gatekeeper: Gatekeeper;
  /** Set where the local sign-in is asked for. */
  readonly signIn: LocalSignIn | undefined;
  /**
   * Opens what is kept on disk, so that the first caller does not wait and what is wrong shows at start.
   *
   * @throws {Error} that says what cannot be used
   */
  prepare(): Promise<void>;
  close(): Promise<void>;
}

export interface CallerContext {
  /** The port of the server; `undefined` while it does not listen. */
  readonly port: () => number | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly log: Log;
  readonly kept: KeptState;
}

type Mode = LoadedConfig['auth']['routes']['plain'][number];

/** How Google and other issuers are asked. */
const ISSUER_CONNECTIONS = { connectTimeoutMs: 5000, maxConnections: 16, http2: true };

/** Builds what the modes of the configuration need, and nothing else. Contract section 1.3. */
export function createCallerChecks(config: LoadedConfig, context: CallerContext): CallerChecks {
  const { auth, home } = config;
  const used = new Set<Mode>(Object.values(auth.routes).flat());
  const { token_lifetime_s: lifetimeSeconds, project } = auth.local;
  const signIn = used.has('local')
    ? createLocalSignIn({ home, port: context.port, project, lifetimeSeconds })
    : undefined;
  const google = used.has('google') ? createGoogleChecks(auth, context) : undefined;
  const keys = new StaticKeys(auth.keys);
  const none = new StaticKeys([]);
  const issued = usesKeptKeys(config) ? [new IssuedKeys({ find: (key) => context.kept.findKey(key) })] : [];
  const gateOf = (modes: readonly Mode[]): Gate => {
    if (modes.includes('open')) return { kind: 'open' };
    if (modes.includes('passthrough')) return { kind: 'passthrough' };
    return {
      kind: 'closed',
      keys: modes.includes('keys') ? keys : none,
      // What needs nobody else comes first: an outage of Google is no concern of those it has nothing to do with.
      authenticators: [
        ...(modes.includes('keys') ? issued : []),
        ...(modes.includes('local') && signIn !== undefined ? [signIn.tokens] : []),
        ...(modes.includes('google') ? (google?.authenticators ?? []) : []),
      ],
    };
  };
  return {
    gatekeeper: new Gatekeeper({
      vertex: gateOf(auth.routes.vertex),
      devapi: gateOf(auth.routes.devapi),
      plain: gateOf(auth.routes.plain),
    }),
    signIn,
    async prepare() {
      await signIn?.prepare();
    },
    async close() {
      await google?.close();
    },
  };
}

interface GoogleChecks {
  readonly authenticators: readonly Authenticator[];
  close(): Promise<void>;
}

/** As short as can be with every issuer its own: those of one host differ in their paths. */
const nameOf = ({ host, pathname }: URL): string => `${host}${pathname.replace(/\/+$/, '')}`;

function createGoogleChecks(
  { google, oidc }: LoadedConfig['auth'],
  { env, log }: CallerContext,
): GoogleChecks {
  const dispatcher: Dispatcher = createConnectionPools(ISSUER_CONNECTIONS, env);
  const onFailure = (error: unknown): void => {
    log.warn({ reason: error instanceof Error ? error.message : String(error) }, 'issuer does not answer');
  };
  const shared = { dispatcher, now: () => Date.now(), onFailure };
  const issuers: IssuerOptions[] = oidc.map(({ issuer, audiences, keys_url: keysUrl, allow }) => ({
    name: nameOf(new URL(issuer)),
    issuer,
    audiences,
    rules: allow,
    ...(keysUrl === undefined ? {} : { keysUrl: new URL(keysUrl) }),
  }));
  const audiences = google?.audiences ?? [];
  if (google !== undefined && audiences.length > 0) {
    issuers.push({ name: 'google', issuer: GOOGLE_ISSUER, audiences, rules: google.allow });
  }
  const accessTokens =
    google === undefined ? undefined : new GoogleAccessTokens({ ...shared, rules: google.allow });
  const idTokens = new IdTokens({ ...shared, issuers });
  return {
    authenticators: accessTokens === undefined ? [idTokens] : [idTokens, accessTokens],
    async close() {
      idTokens.close();
      accessTokens?.close();
      await dispatcher.destroy();
    },
  };
}
