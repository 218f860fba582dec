import type { IncomingHttpHeaders } from 'node:http';

/** Headers of an answer by their names in lower case, each as one text. */
export type ResponseHeaders = Readonly<Record<string, string>>;

/** Headers with one value, of which lists make no sense. RFC 9110; the same ones of which Node.js takes the first. */
const SINGLE: ReadonlySet<string> = new Set([
  'age',
  'content-length',
  'content-type',
  'etag',
  'expires',
  'last-modified',
  'location',
  'retry-after',
  'server',
]);

/**
 * Headers as undici gives them: as a list what was sent more than once, though its types say otherwise of some. Of headers
 * with one value the first counts, others are joined. RFC 9110 section 5.3.
 */
export function responseHeaders(received: IncomingHttpHeaders): ResponseHeaders {
  const given: Readonly<Record<string, string | string[] | undefined>> = received;
  return Object.fromEntries(Object.entries(given).map(([name, value = '']) => [name, oneText(name, value)]));
}

function oneText(name: string, value: string | readonly string[]): string {
  if (typeof value === 'string') return value;
  return SINGLE.has(name) ? (value[0] ?? '') : value.join(', ');
}
