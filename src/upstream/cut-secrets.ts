import { GatewayError, type GatewayErrorOptions } from '../errors.ts';
import type { ExchangeResponse } from './exchange.ts';

/** What nobody may read, and the name that is shown in its place. */
export interface Secret {
  readonly name: string;
  /** Not empty. */
  readonly value: string;
}

type SentHeaders = ExchangeResponse['sent'];
type Words = GatewayErrorOptions & { readonly message: string };

/** Headers that hold nothing of the configuration and no credential. */
const PUBLIC_HEADERS: ReadonlySet<string> = new Set([
  'content-type',
  'metadata-flavor',
  'user-agent',
  'x-goog-user-project',
  'x-request-id',
  'x-vertex-ai-llm-shared-request-type',
]);

/** Shortest part of a header that can be a credential, in characters: shorter ones are ordinary words, found in any text. */
const MIN_CREDENTIAL = 8;

/** So many characters at the beginning of a secret give it away: messages are often cut off in the middle of one. */
const TELLING = 12;

/** The same where we have cut the message off ourselves. */
const TELLING_AT_CUT = 4;

/**
 * A failure without what was sent to prove who asks: servers and proxies repeat headers in their messages, and those
 * are shown to clients. Anything but a {@link GatewayError} holds nothing of the upstream's, and stays as it is.
 */
export function withoutSent(error: unknown, headers: SentHeaders): unknown {
  if (!(error instanceof GatewayError)) return error;
  const { message, param, google, upstream } = error;
  const told = { message, param, google, upstream };
  const secrets = secretsIn(headers);
  const cut = JSON.stringify(told, (_key, value: unknown) =>
    typeof value === 'string' ? cutSecrets(value, secrets) : value,
  );
  return cut === JSON.stringify(told) ? error : error.with(JSON.parse(cut) as Words);
}

/** The headers' values, and the words in them: a server that takes a value apart repeats its parts. */
export function secretsIn(headers: SentHeaders): Secret[] {
  return Object.entries(headers).flatMap(([name, value]) =>
    PUBLIC_HEADERS.has(name)
      ? []
      : [value, ...value.split(/[\s=;,?&]+/)]
          .filter(({ length }) => length >= MIN_CREDENTIAL)
          .map((part) => ({ name, value: part })),
  );
}

/** A text without secrets and their beginnings. In place of each stands its name in brackets. */
export function cutSecrets(text: string, secrets: readonly Secret[]): string {
  const spellings = secrets.flatMap(spellingsOf);
  const places = spellings.map(({ beginning }) => text.indexOf(beginning));
  let left = '';
  let done = 0;
  for (;;) {
    const at = Math.min(...places.filter((place) => place !== -1));
    if (at === Infinity) break;
    // Tokens begin alike: the one that it is goes on longest.
    const { mark, length } = spellings
      .filter((_, index) => places[index] === at)
      .map(({ whole, mark: name }) => ({ mark: name, length: commonLength(text, at, whole) }))
      .reduce((best, other) => (other.length > best.length ? other : best));
    left += text.slice(done, at) + mark;
    done = at + length;
    for (const [index, { beginning }] of spellings.entries())
      if (places[index]! !== -1 && places[index]! < done) places[index] = text.indexOf(beginning, done);
  }
  return withoutCutEnd(left + text.slice(done), spellings);
}

interface Spelling {
  readonly whole: string;
  readonly beginning: string;
  readonly mark: string;
}

/** As it is, and as it stands in JSON and in the address of a page. */
function spellingsOf({ name, value }: Secret): Spelling[] {
  return [value, JSON.stringify(value).slice(1, -1), encodeURIComponent(value.toWellFormed())].map(
    (whole) => ({ whole, beginning: whole.slice(0, TELLING), mark: `[${name}]` }),
  );
}

/** How many characters of a text, from a place on, are those that `other` begins with. */
function commonLength(text: string, at: number, other: string): number {
  let length = 0;
  while (length < other.length && text[at + length] === other[length]) length++;
  return length;
}

/** The beginning of a secret may be the last that is left of a message. */
function withoutCutEnd(text: string, spellings: readonly Spelling[]): string {
  if (!text.endsWith('…')) return text;
  for (let length = TELLING - 1; length >= TELLING_AT_CUT; length--) {
    for (const { beginning, mark } of spellings) {
      const end = `${beginning.slice(0, length)}…`;
      if (text.endsWith(end)) return `${text.slice(0, -end.length)}${mark}…`;
    }
  }
  return text;
}
