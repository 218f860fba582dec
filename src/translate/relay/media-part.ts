import { isJsonObject } from '../../wire/validation/structure-checks.ts';

/** Kinds of media a model may take or not. */
export type Modality = 'images' | 'audio' | 'video' | 'files';

/** A content part that holds media or refers to it. */
export interface MediaPart {
  readonly modality: Modality;
  /** The part's member with the media. */
  readonly member: string;
  /** What may be a data URI, an address or plain base64. */
  readonly references: readonly string[];
}

const BY_TYPE: ReadonlyMap<unknown, Modality> = new Map([
  ['image_url', 'images'],
  ['input_audio', 'audio'],
  ['audio_url', 'audio'],
  ['video_url', 'video'],
  ['file', 'files'],
]);

const BY_MIME_TYPE: ReadonlyMap<string, Modality> = new Map([
  ['image', 'images'],
  ['audio', 'audio'],
  ['video', 'video'],
  ['application', 'files'],
  ['text', 'files'],
]);

/** Members of the part's object in which media stands, for all types. */
const REFERENCES = ['url', 'data', 'file_data', 'file_id'];

/**
 * The media of a content part; `undefined` when it has none. Clients of Google send video and more as `image_url` and as
 * `input_audio`: there the MIME type decides. Contract section 3.2.
 */
export function readMediaPart(part: unknown): MediaPart | undefined {
  if (!isJsonObject(part)) return undefined;
  const { type } = part;
  const usual = BY_TYPE.get(type);
  if (usual === undefined) return undefined;
  const member = type as string;
  const media = part[member];
  const references =
    typeof media === 'string'
      ? [media]
      : isJsonObject(media)
        ? REFERENCES.map((name) => media[name]).filter((value) => typeof value === 'string')
        : [];
  // A file stays one: the server has to know how to take the part apart.
  if (usual === 'files') return { modality: usual, member, references };
  const format = isJsonObject(media) && typeof media['format'] === 'string' ? media['format'] : '';
  const named = modalityOfType(/^data:([^;,]*)/i.exec(references[0] ?? '')?.[1]) ?? modalityOfType(format);
  return { modality: named ?? usual, member, references };
}

function modalityOfType(mimeType: string | undefined): Modality | undefined {
  const slash = mimeType?.indexOf('/') ?? -1;
  return slash === -1
    ? undefined
    : BY_MIME_TYPE.get((mimeType as string).slice(0, slash).trim().toLowerCase());
}
