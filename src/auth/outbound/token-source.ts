/** What a call to an upstream is authenticated with. */
export type AuthHeaders = Readonly<Record<string, string>>;

/** The server's own credentials for one upstream. Contract section 1.3. */
export interface TokenSource {
  /**
   * The headers for one call, such as `authorization` and `x-goog-user-project`, or `x-goog-api-key`. Cheap to ask for
   * before every attempt.
   *
   * @throws {GatewayError} when there are no working credentials; the signal's reason when it aborted
   */
  headers(signal: AbortSignal): Promise<AuthHeaders>;

  /**
   * The upstream answered 401 to these headers: they are not handed out again, where others can be had. Several calls
   * with the same headers count as one.
   */
  invalidate(headers: AuthHeaders): void;

  /**
   * The Google Cloud project these credentials come with, if any. Asking at start also tells whether the credentials
   * can be found and read.
   *
   * @throws {GatewayError} when there are no credentials; the signal's reason when it aborted
   */
  projectId(signal: AbortSignal): Promise<string | undefined>;

  /** Gives up what is under way. No headers can be had afterwards. */
  close(): void;
}
