import type { UpstreamConfig } from './complete-upstream.ts';
import { isLoopbackHost } from './safe-bind.ts';

/**
 * Plain HTTP is fine on this machine; elsewhere others can read along, and the user has to know. Between model servers
 * in one network it is common, so there it is said when credentials are sent.
 *
 * @returns one notice at most
 */
export function clearTextNotice(name: string, upstream: UpstreamConfig): string[] {
  const hosts = [...new Set(credentialUrls(upstream).flatMap(readableHost))];
  if (hosts.length === 0) return [];
  return [
    `Upstream ${name} is called over unencrypted HTTP at ${hosts.join(', ')}: its credentials and everything clients say can be read on the way.`,
  ];
}

/** Base URLs that credentials are sent to. */
function credentialUrls(upstream: UpstreamConfig): readonly string[] {
  switch (upstream.kind) {
    case 'embedded':
      return [];
    case 'vertex':
    case 'gemini':
      return upstream.base_url === undefined ? [] : [upstream.base_url];
    default:
      return upstream.api_key === undefined && Object.keys(upstream.headers).length === 0
        ? []
        : upstream.base_urls;
  }
}

/** The host of a URL whose traffic others can read. */
function readableHost(url: string): string[] {
  const { protocol, hostname } = new URL(url);
  return protocol === 'https:' || isLoopbackHost(hostname.replace(/^\[|\]$/g, '')) ? [] : [hostname];
}
