import type { GeminiUpstream } from '../../wire/gemini/request.ts';
import { normalizeBase64 } from './base64.ts';
import { mimeTypeOfName } from './media-type.ts';

/** Where media is, read from the string a client wrote. `name` is what a file extension may be read from. */
export type MediaReference =
  | { readonly kind: 'inline'; readonly data: string; readonly mimeType?: string }
  | { readonly kind: 'uri'; readonly uri: string; readonly mimeType?: string };

/** Why a string refers to no media that can be sent. */
export interface MediaRefusal {
  readonly kind: 'refused';
  readonly code: 'invalid_argument' | 'unsupported_media';
  readonly message: string;
}

const SCHEME = /^([A-Za-z][A-Za-z0-9+.-]{0,31}):/;
const FILES_API_NAME = /^files\/[A-Za-z0-9-]{1,40}$/;
const FILES_API_ROOT = 'https://generativelanguage.googleapis.com/v1beta/';
const FILES_API_URI = /^https:\/\/generativelanguage\.googleapis\.com\/v1(beta|alpha)?\/files\/[^/?#]+$/;
const YOUTUBE_HOSTS = new Set(['youtube.com', 'www.youtube.com', 'm.youtube.com', 'youtu.be']);
const BUCKET_OBJECT = /^gs:\/\/[^/]+\/./;

/**
 * Reads a `data:` URI, a URI of Google Cloud Storage or the web, a name of the Files API, or bare base64.
 * Contract section 3.2, URL schemes.
 */
export function readMediaReference(text: string, upstream: GeminiUpstream): MediaReference | MediaRefusal {
  const scheme = SCHEME.exec(text)?.[1]?.toLowerCase();
  switch (scheme) {
    case undefined:
      return FILES_API_NAME.test(text) ? readFilesApiName(text, upstream) : readBase64(text);
    case 'data':
      return readDataUri(text);
    case 'gs':
      return readBucketObject(text, upstream);
    case 'http':
    case 'https':
      return readWebUrl(text, upstream);
    default:
      return refused(
        'invalid_argument',
        `has the scheme "${scheme}:", which cannot be read; use data:, gs:// or https://`,
      );
  }
}

/** Whether Gemini reads what a valid text refers to, or has it already: nobody has to fetch it before. */
export function isReadByGemini(text: string, upstream: GeminiUpstream): boolean {
  const reference = readMediaReference(text, upstream);
  return reference.kind !== 'refused' || reference.code !== 'unsupported_media';
}

function refused(code: MediaRefusal['code'], message: string): MediaRefusal {
  return { kind: 'refused', code, message };
}

function readBase64(text: string, mimeType?: string): MediaReference | MediaRefusal {
  const data = normalizeBase64(text);
  if (data === undefined) return refused('invalid_argument', 'is neither a URI nor valid base64');
  return { kind: 'inline', data, ...(mimeType === undefined ? {} : { mimeType }) };
}

/** RFC 2397, with `;base64` required. The data is a slice of `text`, which V8 does not copy. */
function readDataUri(text: string): MediaReference | MediaRefusal {
  const comma = text.indexOf(',');
  const head = comma === -1 ? '' : text.slice('data:'.length, comma);
  const [type = '', ...parameters] = head.split(';');
  if (parameters.at(-1)?.trim().toLowerCase() !== 'base64') {
    return refused('invalid_argument', 'must be a data URI of the form data:TYPE;base64,DATA');
  }
  const reference = readBase64(text.slice(comma + 1), type.includes('/') ? type.trim() : undefined);
  return reference.kind === 'refused'
    ? refused('invalid_argument', 'is a data URI without valid base64 behind its comma')
    : reference;
}

function readFilesApiName(name: string, upstream: GeminiUpstream): MediaReference | MediaRefusal {
  if (upstream === 'gemini') return { kind: 'uri', uri: `${FILES_API_ROOT}${name}` };
  return refused(
    'unsupported_media',
    'names a file of the Gemini Developer API, which Vertex AI cannot read; use gs://, https:// or a data URI',
  );
}

function readBucketObject(uri: string, upstream: GeminiUpstream): MediaReference | MediaRefusal {
  if (!BUCKET_OBJECT.test(uri)) return refused('invalid_argument', 'must have the form gs://BUCKET/OBJECT');
  return upstream === 'vertex' ? withTypeOfName(uri, uri) : needsFetching('gs:// objects');
}

function readWebUrl(uri: string, upstream: GeminiUpstream): MediaReference | MediaRefusal {
  if (!URL.canParse(uri)) return refused('invalid_argument', 'is no valid URL');
  const { hostname, pathname } = new URL(uri);
  const isYouTube = YOUTUBE_HOSTS.has(hostname);
  if (upstream === 'gemini') {
    return isYouTube || FILES_API_URI.test(uri)
      ? { kind: 'uri', uri }
      : needsFetching('web URLs other than YouTube and the Files API');
  }
  // A watch URL has no extension to read a type from.
  return isYouTube ? { kind: 'uri', uri, mimeType: 'video/mp4' } : withTypeOfName(uri, pathname);
}

function withTypeOfName(uri: string, name: string): MediaReference {
  const mimeType = mimeTypeOfName(name);
  return { kind: 'uri', uri, ...(mimeType === undefined ? {} : { mimeType }) };
}

function needsFetching(what: string): MediaRefusal {
  return refused(
    'unsupported_media',
    `refers to media that the Gemini Developer API cannot read by itself: ${what} have to be fetched before; send a data URI`,
  );
}
