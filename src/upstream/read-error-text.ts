import { type ExchangeResponse, readText } from './exchange.ts';

/** Headers that hold nothing of the configuration and nothing of a client. */
const PUBLIC_HEADERS: ReadonlySet<string> = new Set(['content-type', 'x-request-id']);

const AUTHORIZATION_SCHEME = /^\S+ +/;

/** Shortest value that can be a credential, in characters: shorter ones are ordinary words, found in any text. */
const MIN_CREDENTIAL = 8;

/**
 * The body of a failure as text, without what was sent to prove who asks: servers and proxies repeat headers in their
 * messages, and those are shown to clients. In place of a value stands its header's name in brackets.
 *
 * @throws {TransportError} when it is longer or breaks off
 */
export async function readErrorText(
  { body, sent }: { readonly body: AsyncIterable<Buffer>; readonly sent: ExchangeResponse['sent'] },
  maxBytes: number,
): Promise<string> {
  return withoutValues(await readText(body, maxBytes), sent);
}

function withoutValues(text: string, headers: ExchangeResponse['sent']): string {
  let cleaned = text;
  for (const [name, value] of Object.entries(headers)) {
    if (PUBLIC_HEADERS.has(name)) continue;
    const bare = name === 'authorization' ? value.replace(AUTHORIZATION_SCHEME, '') : value;
    // As it is, and as it stands in JSON and in the address of a page.
    for (const spelling of [bare, JSON.stringify(bare).slice(1, -1), encodeURIComponent(bare)])
      if (spelling.length >= MIN_CREDENTIAL) cleaned = cleaned.replaceAll(spelling, `[${name}]`);
  }
  return cleaned;
}
