import type { Dispatcher } from 'undici';
import type { TokenSource } from '../../auth/outbound/token-source.ts';
import { GatewayError } from '../../errors.ts';
import type { HeldMedia } from '../../media/held-media.ts';
import type { MediaResolver } from '../../media/media-resolver.ts';
import { type InlinedMedia, remoteReferences } from '../../translate/media-references.ts';
import { isReadByGemini } from '../../translate/request/media-reference.ts';
import type { ChatCall } from '../backend.ts';
import { FileUploads } from './file-uploads.ts';
import { apiRoot, type GeminiPlace } from './gemini-url.ts';
import { MAX_INLINE_BYTES, uploadLargeMedia } from './large-media.ts';

export interface GeminiMediaOptions {
  readonly resolver: MediaResolver;
  readonly place: GeminiPlace;
  readonly dispatcher: Dispatcher;
  /** Longest silence of the Files API, in milliseconds. */
  readonly idleMs: number;
}

/** The media of requests for one Gemini upstream. Contract section 3.2. */
export class GeminiMedia {
  readonly #resolver: MediaResolver;
  readonly #upstream: GeminiPlace['upstream'];
  /** Vertex AI reads what is large by itself, and takes more inline. */
  readonly #uploads: FileUploads | undefined;

  constructor({ resolver, place, dispatcher, idleMs }: GeminiMediaOptions) {
    this.#resolver = resolver;
    this.#upstream = place.upstream;
    if (place.upstream === 'vertex') return;
    const { origin, prefix } = apiRoot(place);
    const baseUrl = `${origin}${prefix}`;
    this.#uploads = new FileUploads({ baseUrl, version: place.version, dispatcher, idleMs });
  }

  /** What Gemini cannot read by itself. To be released. @throws as {@link MediaResolver.fetch} */
  fetch({ body, lifted, tenant, accessToken }: ChatCall, signal: AbortSignal): Promise<HeldMedia> {
    const wanted = remoteReferences(body.request()).filter(
      ({ text }) => this.#resolver.isOwn(text) || !isReadByGemini(text, this.#upstream),
    );
    // What together is too much for a request of the Developer API is uploaded, and held for that.
    const streamUpTo = this.#uploads === undefined ? Infinity : MAX_INLINE_BYTES / wanted.length;
    return this.#resolver.fetch(wanted, { tenant, accessToken }, { signal, streamUpTo, lifted });
  }

  /** What is sent in place of references to media. @throws as {@link uploadLargeMedia} */
  async inline(
    { body, lifted, tenant }: ChatCall,
    media: HeldMedia,
    sender: { readonly credentials: TokenSource; readonly signal: AbortSignal },
  ): Promise<InlinedMedia> {
    const uploads = this.#uploads;
    return uploads === undefined
      ? media
      : await uploadLargeMedia({ request: body.request(), media, lifted }, { ...sender, uploads, tenant });
  }

  /** Whether a request failed because of files that are gone: sent again, it uploads them anew. */
  hasLostFiles(error: unknown): boolean {
    if (this.#uploads === undefined || !(error instanceof GatewayError)) return false;
    const { status } = error.google?.code === undefined ? error : { status: error.google.code };
    return (status === 403 || status === 404) && this.#uploads.forgetNamedIn(error.message);
  }
}
