import { isBucketReference } from '../translate/media-references.ts';
import { cutText } from '../translate/error/cut-text.ts';

/** Longest address in a message, in UTF-16 code units. */
const MAX_SHOWN = 200;

/** Characters that have no place of their own on a line, or change the order of others. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/**
 * An address as it may stand in a message: on one line, cut where it is long, and without what may be secret. Of web
 * addresses that is the query, the user's name and the password; of schemes other than `gs`, `http` and `https` all but
 * the scheme, since their paths hold anything, whole media included.
 */
export function showAddress(address: string): string {
  return cutText(publicPart(address).toWellFormed().replaceAll(INVISIBLE, '\uFFFD'), MAX_SHOWN);
}

/** The medium at an address, as it stands at the beginning of a sentence. */
export function mediumAt(address: string): string {
  return `The medium at ${showAddress(address)}`;
}

function publicPart(address: string): string {
  // The name of an object is verbatim: neither `?` nor `#` means anything in it.
  if (isBucketReference(address)) return address;
  const url = URL.parse(address);
  if (url === null) return 'what is no address';
  const isWeb = url.protocol === 'https:' || url.protocol === 'http:';
  return isWeb ? `${url.origin}${url.pathname}` : url.protocol;
}
