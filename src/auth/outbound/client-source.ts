import { createApiKeySource, createStaticTokenSource } from './fixed-token-source.ts';
import type { TokenSource } from './token-source.ts';

/** How API keys of Google begin; everything else is an access token or a JWT. Contract section 1.3. */
const API_KEY = /^(?:AIza|AQ\.)/;

/** Whether a credential is one of Google's API keys, which stand for a project. */
export function isGoogleApiKey(credential: string): boolean {
  return API_KEY.test(credential);
}

/** The client's own credential, for one call. */
export function createClientSource(credential: string): TokenSource {
  return isGoogleApiKey(credential) ? createApiKeySource(credential) : createStaticTokenSource(credential);
}
