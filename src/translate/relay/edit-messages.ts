import { type ItemSpan, itemsOf, type MemberSpan } from '../../wire/json-text/json-spans.ts';
import type { ObjectEdits, TextEdits } from '../../wire/json-text/text-edits.ts';
import type { PathKey } from '../../wire/validation/format-json-path.ts';
import { isJsonObject, type JsonObject } from '../../wire/validation/structure-checks.ts';
import type { ChangeLog } from './change-log.ts';
import type { ServerTraits } from './server-kinds.ts';

/** What editing the messages of one request needs. */
export interface MessageEditing {
  readonly edits: TextEdits;
  readonly traits: ServerTraits;
  readonly log: ChangeLog;
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
    if (!isJsonObject(message) || !needsEdits(message, editing.traits)) continue;
    items ??= itemsOf(editing.edits.text, span.valueStart);
    const item = items[index];
    if (item !== undefined) editMessage(message, item, { ...editing, path: ['messages', index] });
  }
}

interface PlacedEditing extends MessageEditing {
  readonly path: readonly PathKey[];
}

function needsEdits(message: JsonObject, { takesDeveloperRole }: ServerTraits): boolean {
  const { content, tool_calls: calls } = message;
  return (
    (!takesDeveloperRole && message['role'] === 'developer') ||
    message['extra_content'] !== undefined ||
    (Array.isArray(content) && content.some(partNeedsEdits)) ||
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
    if (!isJsonObject(value) || (!hasExtraContent(value) && !partNeedsEdits(value))) continue;
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

function partNeedsEdits(part: unknown): boolean {
  if (!isJsonObject(part)) return false;
  const { type } = part;
  return (
    part['extra_content'] !== undefined ||
    (URL_PARTS.has(type) && typeof part[type as string] === 'string') ||
    (type === 'input_audio' && shortFormat(part['input_audio']) !== undefined)
  );
}

function editPart(part: JsonObject, object: ObjectEdits, editing: PlacedEditing): void {
  const { edits, log, path } = editing;
  removeExtraContent(part, object, editing);
  const type = part['type'] as string;
  const span = object.find(type);
  if (span === undefined) return;
  if (URL_PARTS.has(type) && typeof part[type] === 'string') {
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

/** The short name for an `input_audio.format` that is a MIME type of audio. */
function shortFormat(audio: unknown): string | undefined {
  if (!isJsonObject(audio) || typeof audio['format'] !== 'string') return undefined;
  const subtype = AUDIO_TYPE.exec(audio['format'])?.[1]?.toLowerCase();
  return subtype === undefined ? undefined : (SHORT_FORMATS.get(subtype) ?? subtype);
}
