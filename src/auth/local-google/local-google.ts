import type { AccessTokens } from './access-tokens.ts';
import type { IdTokens } from './id-tokens.ts';
import { ImpersonationEndpoint } from './impersonation-endpoint.ts';
import {
  headerOf,
  jsonAnswer,
  type LocalAnswer,
  type LocalRequest,
  parameterOf,
  readForm,
} from './local-http.ts';
import type { LocalRegistry } from './local-registry.ts';
import { readLoopbackHost } from './loopback.ts';
import { METADATA_FLAVOR, MetadataEndpoint } from './metadata-endpoint.ts';
import { OAuthError } from './oauth-error.ts';
import { TOKEN_PATH, TokenEndpoint } from './token-endpoint.ts';
import { introspect, tellTokenInfo } from './token-facts.ts';

export interface LocalGoogleOptions {
  readonly registry: LocalRegistry;
  readonly accessTokens: AccessTokens;
  readonly idTokens: IdTokens;
  /** The project of the metadata server. */
  readonly project: string;
  /** The account of the metadata server. */
  readonly email: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** One endpoint: how it is asked, and what it does. */
interface Endpoint {
  readonly method: 'GET' | 'POST';
  readonly answer: (request: LocalRequest, host: URL) => Promise<LocalAnswer>;
}

/**
 * What Google's sign-in servers are for their clients, for accounts of this machine: the token endpoint, token
 * introspection, the keys of ID tokens, the IAM Credentials API and the metadata server.
 *
 * It answers requests for this machine's own addresses only, whatever address the server listens on.
 */
export class LocalGoogle {
  readonly #endpoints: ReadonlyMap<string, Endpoint>;
  readonly #impersonation: ImpersonationEndpoint;
  readonly #metadata: MetadataEndpoint;

  constructor(options: LocalGoogleOptions) {
    const { accessTokens, idTokens, now } = options;
    const tokens = new TokenEndpoint(options);
    this.#impersonation = new ImpersonationEndpoint(options);
    this.#metadata = new MetadataEndpoint(options);
    this.#endpoints = new Map<string, Endpoint>([
      [
        TOKEN_PATH,
        {
          method: 'POST',
          answer: async (request, host) => jsonAnswer(200, await tokens.grant(readForm(request), host)),
        },
      ],
      [
        '/introspect',
        {
          method: 'POST',
          answer: async (request) =>
            jsonAnswer(200, await introspect(parameterOf(readForm(request), 'token'), accessTokens)),
        },
      ],
      [
        '/tokeninfo',
        {
          method: 'GET',
          answer: async ({ query }) =>
            jsonAnswer(200, await tellTokenInfo(query.get('access_token') ?? '', accessTokens, now())),
        },
      ],
      ['/oauth2/v3/certs', { method: 'GET', answer: async () => jsonAnswer(200, await idTokens.keySet()) }],
    ]);
  }

  /**
   * @returns `undefined` when the path is none of its own
   * @throws {GatewayError} `internal_error` when what the sign-in keeps on disk cannot be used
   */
  async handle(request: LocalRequest): Promise<LocalAnswer | undefined> {
    const endpoint = this.#find(request);
    if (endpoint === undefined) return undefined;
    const answer = await answerWith(endpoint, request);
    if (!MetadataEndpoint.has(request.path)) return answer;
    return { ...answer, headers: { ...answer.headers, ...METADATA_FLAVOR } };
  }

  #find({ path }: LocalRequest): Endpoint | undefined {
    if (MetadataEndpoint.has(path)) {
      return { method: 'GET', answer: (request) => this.#metadata.answer(request) };
    }
    if (ImpersonationEndpoint.has(path)) {
      return { method: 'POST', answer: (request) => this.#impersonation.answer(request) };
    }
    return this.#endpoints.get(path);
  }
}

async function answerWith(endpoint: Endpoint, request: LocalRequest): Promise<LocalAnswer> {
  const host = readLoopbackHost(headerOf(request, 'host'));
  if (host === undefined) {
    return refuse(403, 'access_denied', 'Local sign-in answers requests for localhost and 127.0.0.1 only.');
  }
  if (request.method !== endpoint.method) {
    const answer = refuse(405, 'invalid_request', `Use ${endpoint.method}.`);
    return { ...answer, headers: { ...answer.headers, allow: endpoint.method } };
  }
  try {
    return await endpoint.answer(request, host);
  } catch (error) {
    if (error instanceof OAuthError) return refuse(error.status, error.code, error.message);
    throw error;
  }
}

/** RFC 6749 section 5.2. */
function refuse(status: number, error: string, description: string): LocalAnswer {
  return jsonAnswer(status, { error, error_description: description });
}
