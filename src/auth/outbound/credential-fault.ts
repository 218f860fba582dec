/**
 * Why credentials give no token: one or more sentences for the operator that say what happened and what to do. They
 * reach clients too, so they hold no secret and nothing of a file's content but names.
 */
export class CredentialFault extends Error {
  override readonly name = 'CredentialFault';
  /** Whether the same attempt may succeed a little later. */
  readonly isTransient: boolean;

  constructor(
    message: string,
    { isTransient = false, cause }: { isTransient?: boolean; cause?: unknown } = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.isTransient = isTransient;
  }
}
