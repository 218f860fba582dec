import type { AccessTokens } from './access-tokens.ts';
import { projectNumber } from './account-names.ts';
import type { IdTokens } from './id-tokens.ts';
import { headerOf, jsonAnswer, type LocalAnswer, type LocalRequest, textAnswer } from './local-http.ts';
import { OAuthError } from './oauth-error.ts';
import { DEFAULT_SCOPES, readScopes } from './scopes.ts';

export interface MetadataEndpointOptions {
  readonly project: string;
  /** The account of the machine. */
  readonly email: string;
  readonly accessTokens: AccessTokens;
  readonly idTokens: IdTokens;
}

/** What all answers of the metadata server carry, refusals too: clients know it by this. */
export const METADATA_FLAVOR = { 'metadata-flavor': 'Google' };
const ROOT = '/computeMetadata/v1';
const ACCOUNT_PATH = /^\/instance\/service-accounts\/([^/]+)(?:\/(email|token|identity))?$/;

/** The metadata server of a virtual machine of Google's, as far as its clients sign in with it. */
export class MetadataEndpoint {
  readonly #options: MetadataEndpointOptions;
  readonly #texts: ReadonlyMap<string, string>;

  constructor(options: MetadataEndpointOptions) {
    this.#options = options;
    const { project, email } = options;
    this.#texts = new Map([
      ['', 'instance/\nproject/\nuniverse/\n'],
      ['/instance', 'service-accounts/\n'],
      ['/instance/service-accounts', `default/\n${email}/\n`],
      ['/project/project-id', project],
      ['/project/numeric-project-id', projectNumber(project)],
      ['/universe/universe-domain', 'googleapis.com'],
    ]);
  }

  /** Whether a path is one of the metadata server's. */
  static has(path: string): boolean {
    return path === '/' || path === '/computeMetadata' || path.startsWith('/computeMetadata/');
  }

  /** To a GET request. */
  async answer(request: LocalRequest): Promise<LocalAnswer> {
    // A page in a browser cannot send the first header to another origin, and a proxy sends the second: the token is
    // for programs of this machine.
    if (headerOf(request, 'metadata-flavor') !== 'Google') {
      return textAnswer(403, 'Missing Metadata-Flavor: Google header.\n');
    }
    if (request.headers['x-forwarded-for'] !== undefined) {
      return textAnswer(403, 'Requests with X-Forwarded-For are not answered.\n');
    }
    const path = request.path.replace(/\/$/, '');
    if (path === '') return textAnswer(200, 'computeMetadata/\n');
    if (path === '/computeMetadata') return textAnswer(200, 'v1/\n');
    if (path !== ROOT && !path.startsWith(`${ROOT}/`)) return notFound();
    const place = path.slice(ROOT.length);
    const text = this.#texts.get(place);
    return text === undefined ? this.#tellAccount(place, request.query) : textAnswer(200, text);
  }

  async #tellAccount(place: string, query: URLSearchParams): Promise<LocalAnswer> {
    const { email, accessTokens, idTokens } = this.#options;
    const [, account = '', what] = ACCOUNT_PATH.exec(place) ?? [];
    // Clients write the "@" of an address both ways.
    if (account !== 'default' && account.replace('%40', '@') !== email) return notFound();
    if (what === 'email') return textAnswer(200, email);
    if (what === 'identity') {
      const audience = query.get('audience') ?? '';
      if (audience === '') return textAnswer(400, 'non-empty audience parameter required\n');
      return textAnswer(200, await idTokens.issue(email, audience));
    }
    if (what === 'token') {
      const scopes = readMetadataScopes(query.get('scopes') ?? '');
      if (scopes === undefined) return textAnswer(400, 'These scopes cannot be given.\n');
      const { value, expiresIn } = await accessTokens.issue(email, scopes);
      return jsonAnswer(200, { access_token: value, expires_in: expiresIn, token_type: 'Bearer' });
    }
    if (query.get('recursive')?.toLowerCase() !== 'true') return textAnswer(200, 'email\nidentity\ntoken\n');
    return jsonAnswer(200, { aliases: ['default'], email, scopes: DEFAULT_SCOPES });
  }
}

/** Separated by commas here. @returns `undefined` when they cannot be given */
function readMetadataScopes(text: string): readonly string[] | undefined {
  if (text === '') return DEFAULT_SCOPES;
  try {
    return readScopes(text, /[ ,]/);
  } catch (error) {
    if (error instanceof OAuthError) return undefined;
    throw error;
  }
}

function notFound(): LocalAnswer {
  return textAnswer(404, 'There is no such metadata here.\n');
}
