import { createHash } from 'node:crypto';
import type { HeldMedia } from '../../media/held-media.ts';
import { base64Length } from '../../media/base64.ts';
import { type WholeMedium, wholeMedium } from '../../media/medium.ts';
import { type InlinedMedia, mediaReferences } from '../../translate/media-references.ts';
import { readMediaReference } from '../../translate/request/media-reference.ts';
import type { ChatCompletionRequest } from '../../wire/openai/request.ts';
import type { FileUploads, Uploader } from './file-uploads.ts';

/**
 * Characters of base64 that one request of the Developer API may hold: its limit is 20 MB for all of it.
 * https://ai.google.dev/gemini-api/docs/files
 */
const MAX_INLINE = 18_000_000;

/** Bytes of media that one request may hold. */
export const MAX_INLINE_BYTES = (MAX_INLINE / 4) * 3;

/** Characters of base64 that are decoded at once; a multiple of four. */
const STEP = 1024 * 1024;

interface Candidate {
  readonly reference: string;
  /** In base64, as it would be sent. */
  readonly length: number;
  readonly medium: () => Promise<WholeMedium | undefined>;
}

/**
 * The media of a request for the Developer API: inline as far as they fit, the largest others as files.
 *
 * @throws as {@link FileUploads.nameOf}
 */
export async function uploadLargeMedia(
  request: ChatCompletionRequest,
  media: HeldMedia,
  { uploads, ...uploader }: Uploader & { readonly uploads: FileUploads },
): Promise<InlinedMedia> {
  const candidates = candidatesOf(request, media);
  let total = candidates.reduce((sum, { length }) => sum + length, 0);
  if (total <= MAX_INLINE) return media;
  const names = new Map<string, string>();
  for (const { reference, length, medium } of candidates.toSorted((a, b) => b.length - a.length)) {
    if (total <= MAX_INLINE) break;
    const file = await medium();
    // What is no medium is refused where the request is translated.
    if (file === undefined) continue;
    names.set(reference, await uploads.nameOf(file, uploader));
    total -= length;
  }
  return {
    get: (reference) => media.get(reference),
    base64Of: (reference) => media.base64Of(reference),
    dataUriOf: (reference) => names.get(reference) ?? media.dataUriOf(reference),
  };
}

/** Each once. */
function candidatesOf(request: ChatCompletionRequest, media: HeldMedia): Candidate[] {
  const references = new Set(mediaReferences(request).map(({ text }) => text));
  return [...references].flatMap((reference): Candidate[] => {
    const held = media.get(reference);
    if (held !== undefined)
      return [{ reference, length: base64Length(held.byteLength), medium: () => held.whole() }];
    if (!/^data:/i.test(reference)) return [];
    return [{ reference, length: reference.length, medium: async () => decode(reference) }];
  });
}

/** The medium in a data URI; `undefined` where it is none, or does not say its type. */
function decode(uri: string): WholeMedium | undefined {
  const reference = readMediaReference(uri, 'gemini');
  if (reference.kind !== 'inline' || reference.mimeType === undefined) return undefined;
  const { data, mimeType } = reference;
  const pieces: Buffer[] = [];
  const hash = createHash('sha256');
  for (let at = 0; at < data.length; at += STEP) {
    const piece = Buffer.from(data.slice(at, at + STEP), 'base64');
    hash.update(piece);
    pieces.push(piece);
  }
  return wholeMedium({ mimeType, pieces, hash: hash.digest('hex') });
}
