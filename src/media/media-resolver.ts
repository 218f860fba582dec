import { GatewayError } from '../errors.ts';
import { mimeTypeOfName } from '../translate/request/media-type.ts';
import { isBucketReference, type PlacedReference } from '../translate/media-references.ts';
import { formatJsonPath } from '../wire/validation/format-json-path.ts';
import { HeldMedia, NO_MEDIA } from './held-media.ts';
import { type LiftedBase64, NOTHING_LIFTED } from './lifted-base64.ts';
import type { MediaCache } from './media-cache.ts';
import type { Medium } from './medium.ts';
import type { MemoryBudget, Share } from './memory-budget.ts';
import type { OpenedMedium } from './opened-medium.ts';
import { readBeginning, readMedium } from './read-medium.ts';
import { StreamedMedium } from './streamed-medium.ts';
import { mediumAt } from './show-address.ts';

/** For whom media are fetched. */
export interface MediaCaller {
  /** Whom what is kept of them belongs to. */
  readonly tenant: string;
  /** The caller's own Google access token, where media are read with its rights. */
  readonly accessToken?: string | undefined;
}

/** One place that media come from. */
export interface MediaSource {
  /** @throws {GatewayError} for what cannot be had, without `param` */
  open(
    uri: string,
    options: { readonly caller: MediaCaller; readonly signal: AbortSignal },
  ): Promise<OpenedMedium>;
}

export interface FetchOptions {
  /** Ends transfers, those to an upstream too. */
  readonly signal: AbortSignal;
  /**
   * Longest medium that may go to the upstream as it comes, in bytes, instead of being held in memory. @default 0, none
   */
  readonly streamUpTo?: number;
  /** What was lifted out of the request's body, to be sent with what is fetched. @default nothing */
  readonly lifted?: LiftedBase64 | undefined;
}

export interface MediaResolverOptions {
  readonly web: MediaSource;
  readonly buckets: MediaSource & {
    /** Whether nobody but this server can read it: it is in a folder, or in an emulator. */
    isOwn(uri: string): boolean;
  };
  readonly budget: MemoryBudget;
  readonly cache: MediaCache;
  /** Longest medium, in bytes. */
  readonly maxBytes: number;
}

/** Shorter media are held, in bytes: they are worth being kept for the next turn of a conversation. */
const STREAM_ABOVE = 1024 * 1024;

/** Memory of a medium on its way through, in bytes. */
const STREAM_MEMORY = 256 * 1024;

/** Fetches what requests refer to, for upstreams that cannot read it by themselves. */
export class MediaResolver {
  readonly #options: MediaResolverOptions;

  constructor(options: MediaResolverOptions) {
    this.#options = options;
  }

  /** Whether a text refers to what nobody but this server can read. */
  isOwn(text: string): boolean {
    return isBucketReference(text) && this.#options.buckets.isOwn(text);
  }

  /**
   * Fetches media side by side, each once. What it holds is to be released.
   *
   * @throws {GatewayError} with the path of the first that cannot be had; the signal's reason when it aborted
   */
  async fetch(
    references: readonly PlacedReference[],
    caller: MediaCaller,
    { signal, streamUpTo = 0, lifted = NOTHING_LIFTED }: FetchOptions,
  ): Promise<HeldMedia> {
    if (references.length === 0)
      return lifted.count === 0 ? NO_MEDIA : new HeldMedia(new Map(), () => {}, lifted);
    const wanted = new Map(references.map((reference) => [reference.text, reference]));
    const { budget, maxBytes } = this.#options;
    const share = await budget.take(wanted.size * maxBytes, signal);
    try {
      const media = await this.#fetchAll([...wanted.values()], { caller, signal, share, streamUpTo });
      return new HeldMedia(media, () => share.release(), lifted);
    } catch (error) {
      share.release();
      throw error;
    }
  }

  async #fetchAll(
    references: readonly PlacedReference[],
    context: FetchContext,
  ): Promise<Map<string, Medium>> {
    const failure = new AbortController();
    const signal = AbortSignal.any([context.signal, failure.signal]);
    const meter = new ShareMeter(context.share, {
      media: references.length,
      maxBytes: this.#options.maxBytes,
    });
    const fetched = references.map(async (reference) => {
      try {
        return [reference.text, await this.#fetchOne(reference.text, { ...context, signal, meter })] as const;
      } catch (error) {
        const placed =
          error instanceof GatewayError ? error.with({ param: formatJsonPath(reference.path) }) : error;
        // The others are of no use any more.
        failure.abort(placed);
        throw placed;
      }
    });
    const results = await Promise.allSettled(fetched);
    context.signal.throwIfAborted();
    if (failure.signal.aborted) throw failure.signal.reason;
    return new Map(results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])));
  }

  async #fetchOne(
    uri: string,
    { caller, signal, streamUpTo, meter }: FetchContext & { readonly meter: ShareMeter },
  ): Promise<Medium> {
    const { cache, maxBytes, buckets, web } = this.#options;
    const known = cache.get(caller.tenant, uri);
    if (known !== undefined) {
      meter.expect(known.byteLength);
      meter.add(known.byteLength);
      return known;
    }
    const source = isBucketReference(uri) ? buckets : web;
    const open = (): Promise<OpenedMedium> => source.open(uri, { caller, signal });
    const opened = await open();
    const name = source === web ? (URL.parse(uri)?.pathname ?? uri) : uri;
    const subject = mediumAt(uri);
    const options = { subject, maxBytes, namedType: mimeTypeOfName(name) };
    if (opened.length !== undefined && opened.length > STREAM_ABOVE && opened.length <= streamUpTo) {
      meter.expect(STREAM_MEMORY);
      return new StreamedMedium({
        ...(await readBeginning(opened, options)),
        subject,
        byteLength: opened.length,
        reopen: open,
        readWhole: (again) => readMedium(again, options),
      });
    }
    if (opened.length !== undefined && opened.length <= maxBytes) meter.expect(opened.length);
    const medium = await readMedium(opened, {
      ...options,
      onBytes: (bytes) => {
        meter.add(bytes);
      },
    });
    if (opened.length === undefined) meter.expect(medium.byteLength);
    return cache.set(caller.tenant, uri, medium);
  }
}

interface FetchContext extends Required<Omit<FetchOptions, 'lifted'>> {
  readonly caller: MediaCaller;
  readonly share: Share;
}

/** Gives back what media will not need of a share, and sees that they do not take more. */
class ShareMeter {
  readonly #share: Share;
  readonly #maxBytes: number;
  #wanted: number;
  #used = 0;

  constructor(share: Share, { media, maxBytes }: { readonly media: number; readonly maxBytes: number }) {
    this.#share = share;
    this.#maxBytes = maxBytes;
    this.#wanted = media * maxBytes;
  }

  /** One medium will have this many bytes, instead of as many as it might. */
  expect(bytes: number): void {
    this.#wanted -= this.#maxBytes - bytes;
    this.#share.shrink(this.#wanted);
  }

  /** @throws {GatewayError} `unsupported_media` when the media of a request are too much together */
  add(bytes: number): void {
    this.#used += bytes;
    if (this.#used <= this.#share.bytes) return;
    throw new GatewayError(
      'unsupported_media',
      `The media of this request have more than the ${this.#share.bytes} bytes together that this server holds.`,
    );
  }
}
