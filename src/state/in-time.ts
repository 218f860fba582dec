/**
 * What a promise resolves with, if it does so in time. What it was for goes on.
 *
 * @param limit in milliseconds
 * @throws the error, when it does not
 */
export async function inTime<Result>(
  promise: Promise<Result>,
  limit: number,
  error: () => Error,
): Promise<Result> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    late.reject(error());
  }, limit);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
