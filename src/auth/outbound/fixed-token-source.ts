import type { AuthHeaders, TokenSource } from './token-source.ts';

/** A Gemini API key, or a key of Vertex AI's express mode. */
export function createApiKeySource(key: string): TokenSource {
  return new FixedTokenSource({ 'x-goog-api-key': key });
}

/** An access token from the configuration. It serves until it expires, because nothing here can renew it. */
export function createStaticTokenSource(token: string): TokenSource {
  return new FixedTokenSource({ authorization: `Bearer ${token}` });
}

class FixedTokenSource implements TokenSource {
  readonly #headers: AuthHeaders;

  constructor(headers: AuthHeaders) {
    this.#headers = Object.freeze(headers);
  }

  async headers(signal: AbortSignal): Promise<AuthHeaders> {
    signal.throwIfAborted();
    return this.#headers;
  }

  invalidate(): void {
    // There is no other credential to put in its place.
  }

  async projectId(signal: AbortSignal): Promise<undefined> {
    signal.throwIfAborted();
  }

  close(): void {
    // Nothing is ever under way.
  }
}
