import type { AccessToken, TokenContext } from './token-request.ts';

/** Scope of everything in Google Cloud; what Vertex AI asks for. Contract section 1.3. */
export const CLOUD_PLATFORM_SCOPE = 'https://www.googleapis.com/auth/cloud-platform';

/** One way to access tokens. It keeps none: every call fetches. */
export interface Credential {
  /** @throws {CredentialFault} the signal's reason when it aborted */
  fetchToken(scopes: readonly string[], context: TokenContext): Promise<AccessToken>;
  /** The project this identity belongs to, where that is known. @throws {CredentialFault} */
  findProject?(context: TokenContext): Promise<string | undefined>;
}
