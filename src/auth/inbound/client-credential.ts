/** Where a client may put its credential. Contract section 1.3. */
export interface CredentialPlaces {
  readonly authorization?: string | undefined;
  readonly 'x-goog-api-key'?: string | undefined;
  readonly 'api-key'?: string | undefined;
  /** `?key=` of the URL. */
  readonly queryKey?: string | undefined;
}

const BEARER = /^Bearer +(\S+)$/i;

/** What a client presents: the first place that holds something, in the order of {@link CredentialPlaces}. */
export function readClientCredential(sent: CredentialPlaces): string | undefined {
  const bearer = BEARER.exec(sent.authorization ?? '')?.[1];
  const places = [bearer, sent['x-goog-api-key'], sent['api-key'], sent.queryKey];
  return places.find((key) => key !== undefined && key !== '');
}
