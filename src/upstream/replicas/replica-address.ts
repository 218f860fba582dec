import type { Replica } from './replica.ts';

export type ReplicaAddress = Pick<Replica, 'url' | 'origin' | 'pathPrefix' | 'name'>;

/**
 * What base URLs say about their replicas. User names, passwords and queries are left out, so that all of it may be
 * shown.
 *
 * @throws {TypeError} when one is no URL
 */
export function replicaAddresses(baseUrls: readonly string[]): ReplicaAddress[] {
  const urls = baseUrls.map((baseUrl) => new URL(baseUrl));
  return urls.map(({ origin, host, pathname }) => {
    const pathPrefix = pathname.replace(/\/+$/, '');
    const isAmbiguous = urls.some((other) => other.host === host && other.pathname !== pathname);
    return {
      url: `${origin}${pathPrefix}`,
      origin,
      pathPrefix,
      name: isAmbiguous ? `${host}${pathPrefix}` : host,
    };
  });
}
