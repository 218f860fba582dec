import { createHash } from 'node:crypto';
import type { HeldMedia } from '../../media/held-media.ts';
import { base64Length } from '../../media/base64.ts';
import { type LiftedBase64, NOTHING_LIFTED } from '../../media/lifted-base64.ts';
import { type InlinedMedia, mediaReferences } from '../../translate/media-references.ts';
import { readMediaReference } from '../../translate/request/media-reference.ts';
import type { ChatCompletionRequest } from '../../wire/openai/request.ts';
import type { FileContent, FileUploads, Uploader } from './file-uploads.ts';

/**
 * Characters of base64 that one request of the Developer API may hold: its limit is 20 MB for all of it.
 * https://ai.google.dev/gemini-api/docs/files
 */
const MAX_INLINE = 18_000_000;

/** Bytes of media that one request may hold. */
export const MAX_INLINE_BYTES = (MAX_INLINE / 4) * 3;

interface Candidate {
  readonly reference: string;
  /** In base64, as it would be sent. */
  readonly length: number;
  readonly content: () => Promise<FileContent | undefined>;
}

interface RequestMedia {
  readonly request: ChatCompletionRequest;
  readonly media: HeldMedia;
  readonly lifted?: LiftedBase64 | undefined;
}

/**
 * The media of a request for the Developer API: inline as far as they fit, the largest others as files.
 *
 * @throws as {@link FileUploads.nameOf}
 */
export async function uploadLargeMedia(
  wanted: RequestMedia,
  { uploads, ...uploader }: Uploader & { readonly uploads: FileUploads },
): Promise<InlinedMedia> {
  const { media } = wanted;
  const candidates = candidatesOf(wanted);
  let total = candidates.reduce((sum, { length }) => sum + length, 0);
  if (total <= MAX_INLINE) return media;
  const names = new Map<string, string>();
  for (const { reference, length, content } of candidates.toSorted((a, b) => b.length - a.length)) {
    if (total <= MAX_INLINE) break;
    const file = await content();
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
function candidatesOf({ request, media, lifted = NOTHING_LIFTED }: RequestMedia): Candidate[] {
  const references = new Set(mediaReferences(request).map(({ text }) => text));
  return [...references].flatMap((reference): Candidate[] => {
    const held = media.get(reference);
    if (held !== undefined)
      return [{ reference, length: base64Length(held.byteLength), content: () => held.whole() }];
    if (!/^data:/i.test(reference)) return [];
    return [
      {
        reference,
        length: lifted.lengthOf(reference),
        content: async () => contentOf(reference, lifted),
      },
    ];
  });
}

/** What a data URI holds, decoded as it is sent; `undefined` where it is none, or does not say its type. */
function contentOf(uri: string, lifted: LiftedBase64): FileContent | undefined {
  const reference = readMediaReference(uri, 'gemini');
  if (reference.kind !== 'inline' || reference.mimeType === undefined) return undefined;
  const { data, mimeType } = reference;
  const hash = createHash('sha256');
  let byteLength = 0;
  // An upload that others wait for too may go on when this request is over.
  const pieces = lifted.base64Of(data);
  for (const piece of pieces) {
    hash.update(piece, 'base64');
    byteLength += Buffer.byteLength(piece, 'base64');
  }
  return {
    mimeType,
    byteLength,
    hash: hash.digest('hex'),
    *chunks() {
      for (const piece of pieces) yield Buffer.from(piece, 'base64');
    },
  };
}
