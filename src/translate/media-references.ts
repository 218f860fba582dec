import type { ChatCompletionRequest, ContentPart } from '../wire/openai/request.ts';
import type { PathKey } from '../wire/validation/format-json-path.ts';
import { isJsonObject, type JsonObject } from '../wire/validation/structure-checks.ts';

/** A text in a request that refers to a medium, or is one. */
export interface PlacedReference {
  readonly text: string;
  readonly path: readonly PathKey[];
}

/** What is sent in place of references. */
export interface InlinedMedia {
  /** @returns `undefined` for a reference that stays */
  get(reference: string): { readonly mimeType: string } | undefined;
  /** The medium as a data URI. */
  dataUriOf(reference: string): string | undefined;
  /** The medium as base64. */
  base64Of(reference: string): string | undefined;
}

const MEDIA_TYPES: ReadonlySet<unknown> = new Set([
  'image_url',
  'video_url',
  'audio_url',
  'input_audio',
  'file',
]);

/** Members of a part's object in which media stands. */
const MEMBERS = ['url', 'data', 'file_data', 'file_id'] as const;

/** All media of a request, valid or not, in its order. Contract section 3.2. */
export function mediaReferences({ messages }: { readonly messages?: unknown }): PlacedReference[] {
  const found: PlacedReference[] = [];
  if (!Array.isArray(messages)) return found;
  for (const [index, message] of messages.entries()) {
    const content: unknown = isJsonObject(message) ? message['content'] : undefined;
    if (!Array.isArray(content)) continue;
    for (const [at, part] of content.entries()) {
      for (const { text, path } of partReferences(part))
        found.push({ text, path: ['messages', index, 'content', at, ...path] });
    }
  }
  return found;
}

const REMOTE = /^(?:gs|https?):/i;

/** The media of a request that stand outside of it, in a bucket or on the web. */
export function remoteReferences(request: { readonly messages?: unknown }): PlacedReference[] {
  return mediaReferences(request).filter(({ text }) => REMOTE.test(text));
}

/** Whether a text refers to an object of Google Cloud Storage, well or not. */
export function isBucketReference(text: string): boolean {
  return /^gs:/i.test(text);
}

/** The request with data URIs in place of some references. What stays is shared, not copied. */
export function inlineMedia(request: ChatCompletionRequest, media: InlinedMedia): ChatCompletionRequest {
  const messages = request.messages.map((message) => {
    const { content } = message;
    if (!Array.isArray(content)) return message;
    const parts = content.map((part) => inlinePart(part, media));
    return parts.every((part, at) => part === content[at]) ? message : { ...message, content: parts };
  });
  return { ...request, messages };
}

/** The part's member that holds its medium: it has the name of the type. */
function holderOf(part: unknown): unknown {
  return isJsonObject(part) && MEDIA_TYPES.has(part['type']) ? part[part['type'] as string] : undefined;
}

/** The media of one part; paths begin at the part. */
export function partReferences(part: unknown): PlacedReference[] {
  const holder = holderOf(part);
  const type = isJsonObject(part) ? String(part['type']) : '';
  if (typeof holder === 'string') return [{ text: holder, path: [type] }];
  if (!isJsonObject(holder)) return [];
  return MEMBERS.flatMap((name) => {
    const text = holder[name];
    return typeof text === 'string' ? [{ text, path: [type, name] }] : [];
  });
}

function inlinePart(part: ContentPart, media: InlinedMedia): ContentPart {
  for (const { text, path } of partReferences(part)) {
    const uri = media.dataUriOf(text);
    if (uri === undefined) continue;
    const name = path[1];
    if (name === undefined) return { ...part, [part.type]: uri };
    // What a file's id referred to is at hand now.
    const { file_id: _, ...holder } = holderOf(part) as JsonObject;
    return { ...part, [part.type]: { ...holder, [name === 'file_id' ? 'file_data' : name]: uri } };
  }
  return part;
}
