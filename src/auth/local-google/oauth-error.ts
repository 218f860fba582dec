/** A refusal of the token endpoint. RFC 6749 section 5.2; the texts are Google's where it has one. */
export class OAuthError extends Error {
  override readonly name = 'OAuthError';
  /** HTTP status of the answer. */
  readonly status: number;
  /** `error` of the answer, such as `invalid_grant`. */
  readonly code: string;

  constructor(code: string, description: string, status = 400) {
    super(description);
    this.code = code;
    this.status = status;
  }
}
