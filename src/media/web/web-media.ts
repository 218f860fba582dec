import { Client } from 'undici';
import { exchange, type ExchangeResponse } from '../../upstream/exchange.ts';
import type { OpenedMedium } from '../opened-medium.ts';
import { statedType } from '../stated-type.ts';
import { tooLarge } from '../too-large.ts';
import { limitedBody } from '../transfers/limited-body.ts';
import { TransferBody } from '../transfers/transfer-body.ts';
import type { Transfer } from '../transfers/transfer.ts';
import { Transfers } from '../transfers/transfers.ts';
import { isPassing } from '../unavailable.ts';
import { type ConnectionGuard, guardedConnector } from './guarded-connector.ts';
import { type Lookup, nameServerAddresses, systemAddresses } from './lookup.ts';
import { isPublicAddress } from './public-address.ts';
import { Route } from './route.ts';
import { parseUrl, UrlRules, type UrlRulesOptions } from './url-rules.ts';
import { WebFault } from './web-fault.ts';

export interface WebMediaLimits {
  /** Bytes of a medium. @default 20 MiB */
  readonly maxBytes: number;
  /** From the call to the last byte, in milliseconds, with waits, redirects and the reader's own pace. @default 10 000 */
  readonly totalMs: number;
  /** @default 5 */
  readonly maxRedirects: number;
  /** Media on their way at a time; others wait. @default 16 */
  readonly maxTransfers: number;
  /** Of these from one host. @default 4 */
  readonly maxTransfersPerHost: number;
  /** Bytes of an answer's head. @default 16 KiB */
  readonly maxHeaderBytes: number;
}

export interface WebMediaOptions extends UrlRulesOptions {
  /**
   * Also private addresses, such as those of this machine. For development.
   *
   * @default false
   */
  readonly allowPrivate?: boolean;
  readonly limits?: Partial<WebMediaLimits>;
  /** @default name servers; where private addresses are allowed, as this machine resolves names */
  readonly lookup?: Lookup;
  /** Judges the addresses that names lead to, and those in URLs. @default {@link isPublicAddress} */
  readonly isPublic?: (address: string) => boolean;
  /** Certificate authorities, in PEM. @default those Node.js trusts */
  readonly ca?: string;
}

const DEFAULT_LIMITS: WebMediaLimits = {
  maxBytes: 20 * 1024 * 1024,
  totalMs: 10_000,
  maxRedirects: 5,
  maxTransfers: 16,
  maxTransfersPerHost: 4,
  maxHeaderBytes: 16 * 1024,
};

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** All that is ever sent: nothing of a client, and nothing that one server could learn of another. */
const HEADERS = { 'user-agent': 'parlance', accept: '*/*', 'accept-encoding': 'identity' };

/**
 * Media from the web, at addresses that clients choose. What they cannot reach themselves they do not reach through here:
 * URLs and the addresses behind them are judged, of redirects too, and nothing but a GET without credentials leaves.
 * Proxies are not used, because a proxy would resolve names by itself.
 */
export class WebMedia {
  readonly #rules: UrlRules;
  readonly #guard: ConnectionGuard;
  readonly #limits: WebMediaLimits;
  readonly #transfers: Transfers;
  readonly #clients = new Set<Client>();

  constructor(options: WebMediaOptions = {}) {
    const { allowPrivate = false, isPublic = isPublicAddress, ca } = options;
    const lookup = options.lookup ?? (allowPrivate ? systemAddresses : nameServerAddresses());
    this.#rules = new UrlRules(options);
    this.#guard = { isAllowed: allowPrivate ? () => true : isPublic, lookup, ca };
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    const { totalMs, maxTransfers: max, maxTransfersPerHost: maxPerHost } = this.#limits;
    this.#transfers = new Transfers({ totalMs, max, maxPerHost });
  }

  /**
   * Asks for a medium.
   *
   * @param options.signal ends the transfer, also that of a body nobody reads
   * @returns once its server has begun to send it
   * @throws {GatewayError} without a `param`: `unsupported_media` for what the rules refuse and what is too large,
   *   `invalid_argument` for what its server does not give, or not in time, `overloaded` when it had to wait for its turn
   *   for too long; the signal's reason when that aborted
   */
  async open(url: string, { signal }: { readonly signal: AbortSignal }): Promise<OpenedMedium> {
    const route = new Route();
    const transfer = this.#transfers.begin({ signal, subject: () => route.subject });
    try {
      return this.#read(await this.#follow(url, route, transfer), route, transfer);
    } catch (error) {
      transfer.end();
      throw WebFault.toGatewayFailure(error, route.subject);
    }
  }

  /** Breaks off what is on its way. */
  async close(): Promise<void> {
    this.#transfers.close();
    await Promise.all(Array.from(this.#clients, (client) => client.destroy()));
  }

  /** @returns the first answer that does not lead elsewhere */
  async #follow(text: string, route: Route, transfer: Transfer): Promise<ExchangeResponse> {
    const { maxRedirects } = this.#limits;
    let url = parseUrl(text);
    for (let redirects = 0; ; redirects++) {
      route.visit(url);
      this.#rules.check(url);
      const response = await this.#ask(url, transfer);
      const { location } = response.headers;
      if (!REDIRECTS.has(response.status) || location === undefined) return response;
      transfer.release();
      if (redirects === maxRedirects)
        throw new WebFault('invalid_argument', `it is redirected more than ${maxRedirects} times`);
      const next = parseUrl(location, url);
      if (url.protocol === 'https:' && next.protocol === 'http:')
        throw new WebFault('unsupported_media', 'it is redirected from https to http');
      url = next;
    }
  }

  /** One request, on a connection of its own: so each is judged, and no stranger's server keeps one open. */
  async #ask({ origin, hostname, pathname, search }: URL, transfer: Transfer): Promise<ExchangeResponse> {
    const { totalMs, maxHeaderBytes } = this.#limits;
    const { signal } = transfer;
    await transfer.takeSlot(hostname);
    const client = new Client(origin, {
      connect: guardedConnector(this.#guard, signal),
      pipelining: 0,
      maxHeaderSize: maxHeaderBytes,
    });
    this.#clients.add(client);
    transfer.occupy(() => {
      void client.destroy().then(() => this.#clients.delete(client));
    });
    return exchange(client, {
      origin,
      path: `${pathname}${search}`,
      method: 'GET',
      headers: HEADERS,
      signal,
      headersTimeoutMs: totalMs,
      idleTimeoutMs: totalMs,
    });
  }

  #read({ status, headers, body }: ExchangeResponse, { subject }: Route, transfer: Transfer): OpenedMedium {
    const { maxBytes } = this.#limits;
    if (status !== 200)
      throw new WebFault('invalid_argument', `its server answers ${status}`, { mayPass: isPassing(status) });
    if (
      isEncoded(headers['content-encoding'], 'identity') ||
      isEncoded(headers['transfer-encoding'], 'chunked')
    )
      throw new WebFault('invalid_argument', 'its server sends it compressed, which nobody asked for');
    const stated = headers['content-length'];
    const length = stated === undefined ? undefined : Number(stated);
    if (length !== undefined && length > maxBytes) throw tooLarge(subject, maxBytes);
    return {
      contentType: statedType(headers['content-type']),
      length,
      body: new TransferBody(limitedBody(body, { subject, maxBytes }), transfer, (error) =>
        WebFault.toGatewayFailure(error, subject),
      ),
    };
  }
}

/** @param plain the one coding that leaves the bytes as they are */
function isEncoded(coding: string | undefined, plain: string): boolean {
  return !['', plain].includes((coding ?? '').trim().toLowerCase());
}
