import { AccessTokens } from './access-tokens.ts';
import { DEFAULT_PROJECT, localAccountOf } from './account-names.ts';
import { IdTokens } from './id-tokens.ts';
import { LocalFolder } from './local-folder.ts';
import { LocalGoogle } from './local-google.ts';
import { LocalKeys } from './local-keys.ts';
import { LocalRegistry } from './local-registry.ts';
import { LocalTokens } from './local-tokens.ts';

export interface LocalSignInOptions {
  /** `PARLANCE_HOME`, absolute. */
  readonly home: string;
  /** The port of the server; `undefined` while it does not listen. */
  readonly port: () => number | undefined;
  /** What the metadata server calls its project. @default 'parlance-local' */
  readonly project?: string;
  /** Life of access and ID tokens, in whole seconds from 1. @default 3600 */
  readonly lifetimeSeconds?: number;
  /** Milliseconds since the epoch. @default Date.now */
  readonly now?: () => number;
}

/** Both sides of the local sign-in. */
export interface LocalSignIn {
  /** Gives tokens. */
  readonly google: LocalGoogle;
  /** Knows callers by them. */
  readonly tokens: LocalTokens;
  /**
   * Makes or reads the signing keys, so that the first caller does not wait and a wrong permission shows at start.
   *
   * @throws {GatewayError} `internal_error` when they cannot be used
   */
  prepare(): Promise<void>;
}

/** The local Google sign-in of one `PARLANCE_HOME`. Nothing is read or written before it is used. */
export function createLocalSignIn({
  home,
  port,
  project = DEFAULT_PROJECT,
  lifetimeSeconds = 3600,
  now = Date.now,
}: LocalSignInOptions): LocalSignIn {
  const folder = new LocalFolder(home);
  const keys = new LocalKeys(folder);
  const registry = new LocalRegistry(folder);
  const accessTokens = new AccessTokens({ keys, now, lifetimeSeconds });
  const idTokens = new IdTokens({ keys, now, lifetimeSeconds });
  const email = localAccountOf(project);
  return {
    google: new LocalGoogle({ registry, accessTokens, idTokens, project, email, now }),
    tokens: new LocalTokens({ registry, accessTokens, now, port }),
    prepare: async () => {
      await keys.get();
    },
  };
}
