import type { UpstreamConfig } from './complete-upstream.ts';
import { type Exposure, familiesWith, isLoopbackHost } from './safe-bind.ts';

interface PassthroughExposure extends Exposure {
  readonly upstreams: Readonly<Record<string, UpstreamConfig>>;
}

/**
 * With `passthrough` the upstream judges who calls. The embedded model judges nobody, so where other machines can reach
 * it, the user has to know.
 *
 * @returns one notice at most
 */
export function passthroughNotice({ server, auth, upstreams }: PassthroughExposure): string[] {
  const families = familiesWith('passthrough', auth.routes);
  const names = Object.keys(upstreams).filter((name) => upstreams[name]?.kind === 'embedded');
  if (families.length === 0 || names.length === 0 || isLoopbackHost(server.host)) return [];
  return [
    `Auth mode passthrough leaves it to the upstream who may call, and ${names.join(', ')} runs in Parlance and asks nobody: whoever reaches ${server.host} and sends any key is answered (on routes: ${families.join(', ')}).`,
  ];
}
