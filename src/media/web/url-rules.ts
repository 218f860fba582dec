import { isIP } from 'node:net';
import { globPattern } from '../../glob-pattern.ts';
import { WebFault } from './web-fault.ts';

export interface UrlRulesOptions {
  /**
   * Names of private networks, and any port. For development.
   *
   * @default false
   */
  readonly allowPrivate?: boolean;
  /**
   * Globs over host names and addresses, in ASCII. Where there are any, other hosts are refused; those they name may use
   * any port. They open no private address.
   *
   * @default []
   */
  readonly allow?: readonly string[];
  /** Globs as in `allow`, which they win over. @default [] */
  readonly deny?: readonly string[];
}

/**
 * Domains whose names mean something inside a network only: RFC 6761, RFC 6762, RFC 8375, and `internal`, which ICANN
 * keeps for this. The metadata server of Google's cloud, `metadata.google.internal`, is among them.
 */
const PRIVATE_DOMAINS = ['localhost', 'local', 'internal', 'home.arpa'];

/** Others than the web's own belong to services that were not made for requests from anywhere. */
const WEB_PORTS: ReadonlySet<string> = new Set(['', '80', '443']);

/** Which URLs media are fetched from, as far as their text tells. What their hosts resolve to is judged later. */
export class UrlRules {
  readonly #allowPrivate: boolean;
  readonly #allow: readonly RegExp[];
  readonly #deny: readonly RegExp[];

  constructor({ allowPrivate = false, allow = [], deny = [] }: UrlRulesOptions) {
    this.#allowPrivate = allowPrivate;
    this.#allow = hostPatterns(allow);
    this.#deny = hostPatterns(deny);
  }

  /** @throws {WebFault} `unsupported_media` */
  check(url: URL): void {
    const reason = this.#refusal(url);
    if (reason !== undefined) throw new WebFault('unsupported_media', reason);
  }

  #refusal({ protocol, username, password, hostname, port }: URL): string | undefined {
    if (protocol !== 'https:' && protocol !== 'http:') return 'its address is not of https or http';
    if (username !== '' || password !== '') return 'its address has a user name or password in it';
    const host = plainHost(hostname);
    if (host.split('.').includes('')) return 'its host is no host name';
    if (!this.#allowPrivate && isPrivateName(host)) return 'its host belongs to private networks';
    if (this.#deny.some((pattern) => pattern.test(host))) return 'the configuration denies its host';
    const isAllowed = this.#allow.some((pattern) => pattern.test(host));
    if (this.#allow.length > 0 && !isAllowed) return 'the configuration does not allow its host';
    if (!this.#allowPrivate && !isAllowed && !WEB_PORTS.has(port)) return 'its port is neither 80 nor 443';
    return undefined;
  }
}

/**
 * Reads a URL as browsers do, every spelling of an address included. The dot that ends a full host name goes: neither
 * TLS nor the rules know it.
 *
 * @param base what it is relative to
 * @throws {WebFault} `invalid_argument`
 */
export function parseUrl(text: string, base?: URL): URL {
  const url = URL.parse(text, base?.href);
  if (url === null) throw new WebFault('invalid_argument', 'its address is not a URL');
  if (url.hostname.endsWith('.')) url.hostname = url.hostname.slice(0, -1);
  return url;
}

/** Without the brackets of IPv6. */
function plainHost(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '');
}

function isPrivateName(host: string): boolean {
  return isIP(host) === 0 && PRIVATE_DOMAINS.some((domain) => `.${host}`.endsWith(`.${domain}`));
}

function hostPatterns(globs: readonly string[]): RegExp[] {
  return globs.map((glob) => globPattern(glob.toLowerCase()));
}
