import { existsSync } from 'node:fs';
import { Agent, type Dispatcher } from 'undici';
import { GatewayError } from '../../errors.ts';
import { RetryBudget, type RetryOptions } from '../../upstream/retry.ts';
import { CLOUD_PLATFORM_SCOPE } from './credential.ts';
import { CredentialFault } from './credential-fault.ts';
import { type CredentialsFile, readCredentialsFile } from './credentials-file.ts';
import { gcloudProject, wellKnownCredentialsFile } from './gcloud-folder.ts';
import {
  detectMetadataServer,
  metadataAddresses,
  metadataCredential,
  namedMetadataServer,
} from './metadata-server.ts';
import { type Grant, TokenCache } from './token-cache.ts';
import type { TokenContext } from './token-request.ts';
import type { AuthHeaders, TokenSource } from './token-source.ts';

export interface GoogleCredentialsOptions {
  /** Path of a credentials file. @default Application Default Credentials are searched for */
  readonly keyFile?: string;
  readonly env: NodeJS.ProcessEnv;
  /** @default cloud-platform */
  readonly scopes?: readonly string[];
  /** For `https` token endpoints. */
  readonly dispatcher: Dispatcher;
  /** Milliseconds since the epoch. @default Date.now */
  readonly now?: () => number;
  /** Longest time for one token, retries included, in milliseconds. @default 30 000 */
  readonly fetchTimeoutMs?: number;
  /** Longest search for a metadata server, in milliseconds. @default 1000 */
  readonly detectionTimeoutMs?: number;
  readonly retry?: RetryOptions;
  /** A token could not be renewed, while the old one still serves. */
  readonly onRenewalFailure?: (error: unknown) => void;
}

/** Connections to this machine or the metadata server beside it, which are there at once or not at all. */
const DIRECT_CONNECT_TIMEOUT_MS = 2000;

/**
 * Google's access tokens from a credentials file or from Application Default Credentials: the file that
 * `GOOGLE_APPLICATION_CREDENTIALS` names, the file gcloud wrote, the metadata server.
 *
 * The search happens when the first token is wanted, and again until it finds something. A file is read anew for every
 * token, so that a rotated key is used without a restart.
 */
export function createGoogleCredentials(options: GoogleCredentialsOptions): TokenSource {
  return new GoogleCredentials(options);
}

/**
 * Whether Application Default Credentials are set up: a file is named or lies where gcloud writes it, or a metadata
 * server is named. No network is asked, so the metadata server of a Google Cloud machine is not seen.
 */
export function hasCredentials(env: NodeJS.ProcessEnv): boolean {
  return applicationCredentialsFile(env) !== undefined || namedMetadataServer(env) !== undefined;
}

/** The file of Application Default Credentials: the one that is named, whether it is there or not, else gcloud's. */
export function applicationCredentialsFile(env: NodeJS.ProcessEnv): string | undefined {
  const named = env['GOOGLE_APPLICATION_CREDENTIALS'];
  if (isSet(named)) return named;
  const wellKnown = wellKnownCredentialsFile(env);
  return existsSync(wellKnown) ? wellKnown : undefined;
}

/** What is no path but a credentials file itself, as it is or in Base64. It must not be shown, as a path would be. */
const KEY_ITSELF = /[{\n\r]|^[\w+/=-]{256,}$/;

/** Where credentials come from; stays the same once found. */
type Place =
  | { readonly kind: 'file'; readonly path: string; readonly description: string }
  | { readonly kind: 'metadata'; readonly address: string; readonly description: string };

class GoogleCredentials implements TokenSource {
  readonly #options: GoogleCredentialsOptions;
  readonly #direct = new Agent({ connect: { timeout: DIRECT_CONNECT_TIMEOUT_MS } });
  readonly #budget = new RetryBudget();
  readonly #cache: TokenCache;
  #place: Place | undefined;

  constructor(options: GoogleCredentialsOptions) {
    this.#options = options;
    this.#cache = new TokenCache({
      fetch: (signal) => this.#fetch(signal),
      now: options.now ?? Date.now,
      fetchTimeoutMs: options.fetchTimeoutMs ?? 30_000,
      onRenewalFailure: options.onRenewalFailure,
    });
  }

  headers(signal: AbortSignal): Promise<AuthHeaders> {
    return this.#cache.get(signal);
  }

  invalidate(headers: AuthHeaders): void {
    this.#cache.invalidate(headers);
  }

  projectId(signal: AbortSignal): Promise<string | undefined> {
    const { env } = this.#options;
    return this.#withFile(signal, async ({ credential, quotaProject }, context) => {
      const named = [env['GOOGLE_CLOUD_PROJECT'], env['GCLOUD_PROJECT']].find(isSet);
      if (named !== undefined) return named;
      // A metadata server is asked last: it knows the machine's project, which gcloud's configuration may override.
      const ofGcloud = this.#place?.kind === 'metadata' ? await gcloudProject(env) : undefined;
      return (
        ofGcloud ?? (await credential.findProject?.(context)) ?? quotaProject ?? (await gcloudProject(env))
      );
    });
  }

  close(): void {
    this.#cache.close();
    void this.#direct.destroy();
  }

  #fetch(signal: AbortSignal): Promise<Grant> {
    const { scopes = [CLOUD_PLATFORM_SCOPE], env } = this.#options;
    return this.#withFile(signal, async ({ credential, quotaProject: quotaProjectOfFile }, context) => {
      const { value, expiresAt } = await credential.fetchToken(scopes, context);
      const quotaProject = [env['GOOGLE_CLOUD_QUOTA_PROJECT'], quotaProjectOfFile].find(isSet);
      const headers = Object.freeze({
        authorization: `Bearer ${value}`,
        ...(quotaProject !== undefined && { 'x-goog-user-project': quotaProject }),
      });
      return { headers, expiresAt };
    });
  }

  /** Finds and reads the credentials, uses them, and turns their faults into what a client is told. */
  async #withFile<T>(
    signal: AbortSignal,
    use: (file: CredentialsFile, context: TokenContext) => Promise<T>,
  ): Promise<T> {
    const { env, dispatcher, now = Date.now, retry = {} } = this.#options;
    const context = { dispatcher, direct: this.#direct, env, now, signal, budget: this.#budget, retry };
    try {
      this.#place ??= await this.#findPlace(context);
      const file =
        this.#place.kind === 'file'
          ? await readCredentialsFile(this.#place.path)
          : { credential: metadataCredential(this.#place.address), quotaProject: undefined };
      return await use(file, context);
    } catch (error) {
      if (!(error instanceof CredentialFault)) throw error;
      throw credentialsError(error, this.#place);
    }
  }

  async #findPlace(context: TokenContext): Promise<Place> {
    const { keyFile, env, detectionTimeoutMs = 1000 } = this.#options;
    if (keyFile !== undefined) return { kind: 'file', path: keyFile, description: keyFile };
    const named = env['GOOGLE_APPLICATION_CREDENTIALS'];
    if (isSet(named)) {
      if (KEY_ITSELF.test(named)) {
        throw new CredentialFault(
          'GOOGLE_APPLICATION_CREDENTIALS holds no path, but what belongs into a file. Write it into one, and name that.',
        );
      }
      return { kind: 'file', path: named, description: `${named} (named by GOOGLE_APPLICATION_CREDENTIALS)` };
    }
    const wellKnown = wellKnownCredentialsFile(env);
    if (existsSync(wellKnown)) return { kind: 'file', path: wellKnown, description: wellKnown };
    const address = await detectMetadataServer(context, detectionTimeoutMs);
    if (address !== undefined) {
      return { kind: 'metadata', address, description: `the metadata server ${address}` };
    }
    throw new CredentialFault(
      `GOOGLE_APPLICATION_CREDENTIALS is not set, ${wellKnown} does not exist, and no metadata server answers at ${metadataAddresses(env).join(' or ')}. Run \`gcloud auth application-default login\`, or name a credentials file.`,
    );
  }
}

function credentialsError(fault: CredentialFault, place: Place | undefined): GatewayError {
  const subject =
    place === undefined
      ? 'This server has no Google credentials'
      : `This server's Google credentials do not work: ${place.description}`;
  return new GatewayError('upstream_credentials', `${subject}: ${fault.message}`, {
    shouldRetry: fault.isTransient,
    cause: fault,
  });
}

function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== '';
}
