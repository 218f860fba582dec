import { type ItemSpan, itemsOf, type MemberSpan } from '../../wire/json-text/json-spans.ts';
import type { ObjectEdits, TextEdits } from '../../wire/json-text/text-edits.ts';
import type { PathKey } from '../../wire/validation/format-json-path.ts';
import { isJsonObject, type JsonObject } from '../../wire/validation/structure-checks.ts';
import { type InlinedMedia, partReferences, type PlacedReference } from '../media-references.ts';
import type { ChangeLog } from './change-log.ts';
import type { ServerTraits } from './server-kinds.ts';

/** What editing the messages of one request needs. */
export interface MessageEditing {
  readonly edits: TextEdits;
  readonly traits: ServerTraits;
  readonly log: ChangeLog;
  /** What is sent in place of references to media. */
  readonly media?: InlinedMedia | undefined;
}

/**
 * Changes what a model server would not understand in messages: Google's `extra_content`, media written as a bare
 * string, formats of audio written as MIME types, the role `developer`. Only messages that need it are looked at in the
 * text. Contract section 12.
 *
 * @param messages the parsed value of `span`
 */
export function editMessages(messages: readonly unknown[], span: MemberSpan, editing: MessageEditing): void {
  let items: readonly ItemSpan[] | undefined;
  for (let index = 0; index < messages.length; index++) {
    const message = messages[index];
    if (!isJsonObject(message) || !needsEdits(message, editing)) continue;
    items ??= itemsOf(editing.edits.text, span.valueStart);
    const item = items[index];
    if (item !== undefined) editMessage(message, item, { ...editing, path: ['messages', index] });
  }
}

interface PlacedEditing extends MessageEditing {
  readonly path: readonly PathKey[];
}

function needsEdits(message: JsonObject, { traits: { takesDeveloperRole }, media }: MessageEditing): boolean {
  const { content, tool_calls: calls } = message;
  return (
    (!takesDeveloperRole && message['role'] === 'developer') ||
    message['extra_content'] !== undefined ||
    (Array.isArray(content) && content.some((part) => partNeedsEdits(part, media))) ||
    (Array.isArray(calls) && calls.some(hasExtraContent))
  );
}

function editMessage(message: JsonObject, { start }: ItemSpan, editing: PlacedEditing): void {
  const { edits, traits, log, path } = editing;
  const object = edits.object(start);
  removeExtraContent(message, object, editing);
  if (!traits.takesDeveloperRole && message['role'] === 'developer') {
    for (const member of object.members) if (member.name === 'role') edits.replaceValue(member, '"system"');
    log.record([...path, 'role'], 'rewritten', `"system": ${traits.product} has no developer role`);
  }
  editItems(message['content'], object.find('content'), { ...editing, path: [...path, 'content'] }, editPart);
  const callEditing = { ...editing, path: [...path, 'tool_calls'] };
  editItems(message['tool_calls'], object.find('tool_calls'), callEditing, removeExtraContent);
}

/** Runs `edit` on each object of an array. */
function editItems(
  values: unknown,
  span: MemberSpan | undefined,
  editing: PlacedEditing,
  edit: (value: JsonObject, object: ObjectEdits, editing: PlacedEditing) => void,
): void {
  if (!Array.isArray(values) || span === undefined) return;
  const items = itemsOf(editing.edits.text, span.valueStart);
  for (const [index, item] of items.entries()) {
    const value: unknown = values[index];
    if (!isJsonObject(value) || (!hasExtraContent(value) && !partNeedsEdits(value, editing.media))) continue;
    edit(value, editing.edits.object(item.start), { ...editing, path: [...editing.path, index] });
  }
}

const hasExtraContent = (value: unknown): boolean =>
  isJsonObject(value) && value['extra_content'] !== undefined;

function removeExtraContent(value: JsonObject, object: ObjectEdits, { log, path }: PlacedEditing): void {
  const content = value['extra_content'];
  if (content === undefined) return;
  object.remove('extra_content');
  if (content !== null) log.ignore([...path, 'extra_content'], 'meant for Gemini');
}

/** Parts whose one member is an object with a `url`, named like the type. */
const URL_PARTS: ReadonlySet<unknown> = new Set(['image_url', 'video_url', 'audio_url']);

const AUDIO_TYPE = /^\s*audio\/([^\s;]+)/i;

/** Where the short name of a format is not simply the subtype. */
const SHORT_FORMATS: ReadonlyMap<string, string> = new Map([
  ['mpeg', 'mp3'],
  ['x-wav', 'wav'],
]);

function partNeedsEdits(part: unknown, media: InlinedMedia | undefined): boolean {
  if (!isJsonObject(part)) return false;
  const { type } = part;
  return (
    part['extra_content'] !== undefined ||
    (URL_PARTS.has(type) && typeof part[type as string] === 'string') ||
    (type === 'input_audio' && shortFormat(part['input_audio']) !== undefined) ||
    fetchedIn(part, media) !== undefined
  );
}

function editPart(part: JsonObject, object: ObjectEdits, editing: PlacedEditing): void {
  const { edits, log, path } = editing;
  removeExtraContent(part, object, editing);
  const type = part['type'] as string;
  const span = object.find(type);
  if (span === undefined) return;
  const fetched = fetchedIn(part, editing.media);
  if (fetched !== undefined) inlinePart(type, { span, ...fetched }, editing);
  else if (URL_PARTS.has(type) && typeof part[type] === 'string') {
    edits.replaceValue(span, `{"url":${edits.valueText(span)}}`);
    log.record([...path, type], 'rewritten', 'wrapped into {"url": …}');
  } else if (type === 'input_audio') {
    const format = shortFormat(part[type]);
    const formatSpan =
      edits.text[span.valueStart] === '{' ? edits.object(span.valueStart).find('format') : undefined;
    if (format === undefined || formatSpan === undefined) return;
    edits.replaceValue(formatSpan, JSON.stringify(format));
    log.record([...path, type, 'format'], 'rewritten', JSON.stringify(format));
  }
}

interface FetchedReference extends PlacedReference {
  readonly media: InlinedMedia;
}

/** The reference of a part whose medium is sent in its place. */
function fetchedIn(part: unknown, media: InlinedMedia | undefined): FetchedReference | undefined {
  if (media === undefined) return undefined;
  const reference = partReferences(part).find(({ text }) => media.get(text) !== undefined);
  return reference && { ...reference, media };
}

/** Puts a medium in the place of the reference to it, in the form that the part's type has. */
function inlinePart(
  type: string,
  { span, text, path: place, media }: FetchedReference & { readonly span: MemberSpan },
  { edits, log, path }: PlacedEditing,
): void {
  const { mimeType } = media.get(text)!;
  const uri = JSON.stringify(media.dataUriOf(text));
  const name = place[1] as string | undefined;
  log.record([...path, ...place], 'rewritten', `fetched, and sent as ${mimeType}`);
  if (name === undefined) {
    edits.replaceValue(span, `{"url":${uri}}`);
    return;
  }
  const holder = edits.object(span.valueStart);
  const member = holder.find(name)!;
  if (type === 'input_audio') {
    edits.replaceValue(member, JSON.stringify(media.base64Of(text)));
    const format = holder.find('format');
    if (format !== undefined)
      edits.replaceValue(format, JSON.stringify(shortFormat({ format: mimeType }) ?? mimeType));
  } else if (name === 'file_id') {
    holder.remove('file_id');
    holder.append('file_data', uri);
  } else {
    edits.replaceValue(member, uri);
  }
}

/** The short name for an `input_audio.format` that is a MIME type of audio. */
function shortFormat(audio: unknown): string | undefined {
  if (!isJsonObject(audio) || typeof audio['format'] !== 'string') return undefined;
  const subtype = AUDIO_TYPE.exec(audio['format'])?.[1]?.toLowerCase();
  return subtype === undefined ? undefined : (SHORT_FORMATS.get(subtype) ?? subtype);
}
