import type { FileData, InlineData, Part } from '../../wire/gemini/request.ts';
import type {
  AudioPart,
  ContentPart,
  FilePart,
  ImagePart,
  MediaPart,
  TextPart,
  UrlMediaPart,
} from '../../wire/openai/request.ts';
import type { GoogleExtraContent } from '../../wire/openai/google-extras.ts';
import { googleContentOf } from './google-content.ts';
import { type MediaReference, readMediaReference } from './media-reference.ts';
import { mimeTypeOfFormat, mimeTypeOfName, sniffMimeType } from './media-type.ts';
import { partMediaResolution, videoMetadata } from './native-messages.ts';
import type { FieldPath } from './receipt.ts';
import type { RequestContext } from './request-context.ts';

const TEXT_TYPES: ReadonlySet<string> = new Set(['text', 'input_text', 'output_text']);

export function isTextPart(part: ContentPart): part is TextPart {
  return TEXT_TYPES.has(part.type);
}

/** What a media part says about its media, whatever its type. */
interface MediaSource {
  readonly text: string;
  readonly path: FieldPath;
  /** The type that `format` names. */
  readonly declaredType?: string | undefined;
  readonly fileName?: string | undefined;
  /** The type of media that nothing else tells the type of; files have none. */
  readonly fallback?: { readonly uri: string; readonly inline: string };
  readonly detail?: string | undefined;
}

/**
 * An image, a sound, a video or a file as a native part, inline or by reference. The data is checked, not copied.
 * Contract section 3.2.
 *
 * @returns `undefined` when the part was refused
 */
export function toMediaPart(part: MediaPart, path: FieldPath, context: RequestContext): Part | undefined {
  const google = googleContentOf(part);
  const source = readSource(part, path, context);
  if (source === undefined) return undefined;
  const data = toMediaData(source, google, context);
  if (data === undefined) return undefined;
  const extraPath = [...path, 'extra_content', 'google'];
  const video = context.native.readObject(google['video_metadata'], videoMetadata, [
    ...extraPath,
    'video_metadata',
  ]);
  const resolution = readResolution(source, google['media_resolution'], extraPath, context);
  return {
    ...data,
    ...(video === undefined ? {} : { videoMetadata: video }),
    ...(resolution === undefined ? {} : { mediaResolution: { level: resolution } }),
  };
}

function readSource(part: MediaPart, path: FieldPath, context: RequestContext): MediaSource | undefined {
  switch (part.type) {
    case 'image_url':
      return fromUrl(part.image_url, [...path, 'image_url'], { uri: 'image/*', inline: 'image/png' });
    case 'video_url':
    case 'audio_url':
      return fromUrlMedia(part, path);
    case 'input_audio':
      return fromAudio(part, path);
    case 'file':
      return fromFile(part, path, context);
  }
}

function fromUrl(
  value: Exclude<ImagePart['image_url'], undefined>,
  path: FieldPath,
  fallback: { uri: string; inline: string },
): MediaSource {
  if (typeof value === 'string') return { text: value, path, fallback };
  return { text: value.url, path: [...path, 'url'], fallback, detail: value.detail ?? undefined };
}

function fromUrlMedia(part: UrlMediaPart, path: FieldPath): MediaSource {
  const type = part.type === 'video_url' ? 'video/*' : 'audio/*';
  return fromUrl(part[part.type] ?? '', [...path, part.type], { uri: type, inline: type });
}

function fromAudio({ input_audio: { data, format } }: AudioPart, path: FieldPath): MediaSource {
  return {
    text: data,
    path: [...path, 'input_audio', 'data'],
    declaredType: mimeTypeOfFormat(format),
    fallback: { uri: 'audio/*', inline: 'audio/*' },
  };
}

function fromFile({ file }: FilePart, path: FieldPath, context: RequestContext): MediaSource | undefined {
  const { file_data: data, file_id: id, filename } = file;
  const fileName = filename ?? undefined;
  if (data != null) return { text: data, path: [...path, 'file', 'file_data'], fileName };
  const text = id ?? '';
  const place = [...path, 'file', 'file_id'];
  if (/^(files\/|gs:)/i.test(text)) return { text, path: place, fileName };
  context.receipt.fail(
    place,
    'must be a name of the Files API (files/…) or a gs:// URI: this server keeps no files of its own',
    'unsupported_media',
  );
  return undefined;
}

function toMediaData(
  source: MediaSource,
  google: GoogleExtraContent,
  { target, receipt }: RequestContext,
): Pick<Part, 'inlineData' | 'fileData'> | undefined {
  const reference = readMediaReference(source.text, target.upstream);
  if (reference.kind === 'refused') {
    receipt.fail(source.path, reference.message, reference.code);
    return undefined;
  }
  const named = google['mime_type'];
  const known = typeof named === 'string' && named !== '' ? named : typeOf(reference, source);
  if (reference.kind === 'inline') {
    const mimeType = known ?? sniffMimeType(reference.data) ?? source.fallback?.inline;
    return mimeType === undefined
      ? withoutType(source, receipt)
      : { inlineData: { mimeType, data: reference.data } satisfies InlineData };
  }
  const fileUri = reference.uri;
  // The Developer API finds out by itself, and a guess such as image/* would be wrong for its files.
  if (known === undefined && target.upstream === 'gemini') return { fileData: { fileUri } };
  const mimeType = known ?? source.fallback?.uri;
  return mimeType === undefined
    ? withoutType(source, receipt)
    : { fileData: { mimeType, fileUri } satisfies FileData };
}

const UNKNOWN_TYPE = 'application/octet-stream';

/** The media's type as far as the request tells it. */
function typeOf(reference: MediaReference, { declaredType, fileName }: MediaSource): string | undefined {
  const types =
    reference.kind === 'inline' ? [reference.mimeType, declaredType] : [declaredType, reference.mimeType];
  const ofName = fileName === undefined ? undefined : mimeTypeOfName(fileName);
  return [...types, ofName].find((type) => type !== undefined && type !== UNKNOWN_TYPE);
}

function withoutType({ path }: MediaSource, receipt: RequestContext['receipt']): undefined {
  receipt.fail(
    path,
    'has no MIME type that Gemini reads; name one in a data URI, by the extension in filename, or as extra_content.google.mime_type of the part',
    'unsupported_media',
  );
}

/** The resolution of one part; hands it to the request where the model takes only one. */
function readResolution(
  { detail, path }: MediaSource,
  wish: unknown,
  extraPath: FieldPath,
  { model, native, resolution }: RequestContext,
): string | undefined {
  const wishPath = [...extraPath, 'media_resolution'];
  const own = native.readObject(
    typeof wish === 'string' ? { level: wish } : wish,
    partMediaResolution,
    wishPath,
  )?.['level'];
  const ofDetail =
    detail === undefined || detail === 'auto' || detail === 'original'
      ? undefined
      : `MEDIA_RESOLUTION_${detail.toUpperCase()}`;
  const level = typeof own === 'string' ? own : ofDetail;
  if (level === undefined || model.partMediaResolution) return level;
  resolution.ask(level, typeof own === 'string' ? wishPath : [...path.slice(0, -1), 'detail']);
  return undefined;
}
