import type { Dispatcher } from 'undici';
import { request } from 'undici';
import { TransferFault } from './transfer-fault.ts';

/** How the store talks HTTP. */
export interface Transport {
  readonly dispatcher: Dispatcher;
  /** Longest silence of a server, before its headers and between two pieces of the body. */
  readonly stallMilliseconds: number;
  /** Wait before the first retry; doubles with every further one. */
  readonly retryDelayMilliseconds: number;
  readonly log: (line: string) => void;
}

const MAX_REDIRECTS = 5;
const MAX_JSON_BYTES = 8 * 1024 * 1024;
const TRANSIENT_STATUSES: ReadonlySet<number> = new Set([408, 425, 429]);

/**
 * One GET, redirects followed. `user:password@` in the URL becomes an `Authorization` header that goes to
 * that origin only.
 *
 * @throws {TransferFault} on a bad redirect; undici's errors pass through
 */
export async function httpGet(
  url: string,
  headers: Readonly<Record<string, string>>,
  transport: Transport,
  signal: AbortSignal,
): Promise<Dispatcher.ResponseData> {
  let target = new URL(url);
  const { origin } = target;
  const authorization = basicAuthorization(target);
  for (let hops = 0; hops <= MAX_REDIRECTS; hops += 1) {
    target.username = '';
    target.password = '';
    const response = await request(target, {
      dispatcher: transport.dispatcher,
      headersTimeout: transport.stallMilliseconds,
      bodyTimeout: transport.stallMilliseconds,
      signal,
      headers: {
        'user-agent': 'parlance',
        // The ranges of a resumed download count bytes as stored, not as compressed on the way.
        'accept-encoding': 'identity',
        ...headers,
        ...(authorization !== undefined && target.origin === origin && { authorization }),
      },
    });
    const location = headerText(response.headers['location']);
    if (response.statusCode < 300 || response.statusCode >= 400 || location === undefined) return response;
    await response.body.dump();
    const next = new URL(location, target);
    if (target.protocol === 'https:' && next.protocol !== 'https:') {
      throw new TransferFault(
        `${target.host} redirects to ${next.protocol}//${next.host}, which is not encrypted`,
      );
    }
    target = next;
  }
  throw new TransferFault(`${target.host} redirects more than ${MAX_REDIRECTS} times`);
}

/** GETs a small JSON document. @throws {TransferFault} for any status but 200 and for a body that is no JSON */
export async function getJson(url: string, transport: Transport, signal: AbortSignal): Promise<unknown> {
  const response = await httpGet(url, { accept: 'application/json' }, transport, signal);
  if (response.statusCode !== 200) throw await statusFault(response);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response.body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_JSON_BYTES) throw new TransferFault('the answer is larger than any package description');
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (error) {
    throw new TransferFault('the answer is not JSON', { cause: error });
  }
}

/** The fault for a status that is no success. Reads off the body so that the connection can be used again. */
export async function statusFault(response: Dispatcher.ResponseData): Promise<TransferFault> {
  await response.body.dump();
  const { statusCode } = response;
  const hint = statusCode === 401 || statusCode === 403 ? ' (access denied)' : '';
  return new TransferFault(`the server answered with HTTP ${statusCode}${hint}`, {
    transient: statusCode >= 500 || TRANSIENT_STATUSES.has(statusCode),
  });
}

export function headerText(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

function basicAuthorization(url: URL): string | undefined {
  if (url.username === '' && url.password === '') return undefined;
  const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}
