import { GatewayError } from '../../src/errors.ts';

/** The error a promise fails with. It must be one a client may see. */
export async function failureOf(promise: Promise<unknown>): Promise<GatewayError> {
  const error: unknown = await promise.then(
    (value) => new Error(`it succeeded: ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  if (error instanceof GatewayError) return error;
  throw error;
}
