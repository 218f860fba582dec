import { startOfValue } from '../../wire/json-text/json-spans.ts';
import { type ObjectEdits, TextEdits } from '../../wire/json-text/text-edits.ts';
import { isJsonObject, type JsonObject } from '../../wire/validation/structure-checks.ts';
import type { InlinedMedia } from '../media-references.ts';
import { ChangeLog, type RequestChange } from './change-log.ts';
import { editMessages } from './edit-messages.ts';
import { effectiveMember, liftExtraBody } from './lift-extra-body.ts';
import type { ServerTraits } from './server-kinds.ts';

export interface ServerRequestOptions {
  readonly traits: ServerTraits;
  /** Name the server knows the model by; `undefined` sends what the client wrote. */
  readonly model: string | undefined;
  /** Whether a stream is to end with its token counts, also for a client that does not ask for them. @default false */
  readonly countsTokens?: boolean;
  /** What is sent in place of references to media. @default none are replaced */
  readonly media?: InlinedMedia | undefined;
}

/** A request for a model server, and what became of the client's. */
export interface ServerRequest {
  readonly text: string;
  /** Whether the chunk with the token counts was asked for without the client's asking: it is not to see it. */
  readonly hidesUsage: boolean;
  /** JSON paths for `x-parlance-ignored`, each once, at most 100. */
  readonly ignored: readonly string[];
  /** At most 100. */
  readonly changes: readonly RequestChange[];
}

/**
 * A client's request as it goes to a model server: the client's own text, in which only what contract section 12 names is
 * changed. The order of fields, unknown fields, the spelling of numbers and repeated names stay. What has an unexpected
 * type is left for the server to judge, so that any body passes.
 *
 * @param body text without byte order mark that `JSON.parse` has read, and its value
 */
export function toServerRequest(
  { text, value }: { readonly text: string; readonly value: JsonObject },
  { traits, model, countsTokens = false, media }: ServerRequestOptions,
): ServerRequest {
  const edits = new TextEdits(text);
  const log = new ChangeLog();
  const rootStart = startOfValue(text);
  const root = edits.object(rootStart);
  const { google, extra_body: extraBody, messages } = value;
  if (google !== undefined) {
    root.remove('google');
    if (google !== null) log.ignore(['google'], 'meant for Gemini');
  }
  const fields = isLiftable(extraBody) ? liftExtraBody(edits, rootStart, log) : new Map<string, string>();
  if (!traits.takesMaxCompletionTokens) copyTokenLimit(value, fields, { root, edits, log });
  if (model !== undefined) setModel(model, fields, { root, edits, log });
  const hidesUsage = countsTokens && askForUsage(value, fields, log);
  if (fields.size > 0) setMembers(fields, { root, edits });
  if (Array.isArray(messages)) {
    const span = root.find('messages');
    if (span !== undefined) editMessages(messages, span, { edits, traits, log, media });
  }
  return { text: edits.apply(), hidesUsage, ignored: log.ignored, changes: log.changes };
}

interface RootEditing {
  readonly root: ObjectEdits;
  readonly edits: TextEdits;
}

/**
 * Sets top-level members: each that is there, so that it does not matter which of a repeated name a server reads, and new
 * ones at the end.
 */
function setMembers(fields: ReadonlyMap<string, string>, { root, edits }: RootEditing): void {
  const missing = new Map(fields);
  for (const member of root.members) {
    const json = fields.get(member.name);
    if (json === undefined) continue;
    missing.delete(member.name);
    edits.replaceValue(member, json);
  }
  for (const [name, json] of missing) root.append(name, json);
}

function setModel(
  model: string,
  fields: Map<string, string>,
  { root, edits, log }: RootEditing & { readonly log: ChangeLog },
): void {
  const json = JSON.stringify(model);
  const models = root.members.filter(({ name }) => name === 'model');
  if (models.length > 0 && models.every((member) => edits.valueText(member) === json)) return;
  fields.set('model', json);
  log.record(['model'], 'set', `${json}, as the server knows it`);
}

/** @returns whether the client would not have got the counts of its stream */
function askForUsage(body: JsonObject, fields: Map<string, string>, log: ChangeLog): boolean {
  const { value = null } = effectiveMember(body, 'stream_options');
  const isJudgedElsewhere = value !== null && !isJsonObject(value);
  if (body['stream'] !== true || isJudgedElsewhere || value?.['include_usage'] === true) return false;
  fields.set('stream_options', JSON.stringify({ ...value, include_usage: true }));
  log.record(['stream_options', 'include_usage'], 'set', 'for the accounting of this server');
  return true;
}

/** Objects are taken apart and null counts as absent; the rest is for the server to judge. */
function isLiftable(extraBody: unknown): boolean {
  return typeof extraBody === 'object' && !Array.isArray(extraBody);
}

/** The newer field counts more where both are given. Contract section 2. */
function copyTokenLimit(
  body: JsonObject,
  fields: Map<string, string>,
  { root, edits, log }: RootEditing & { readonly log: ChangeLog },
): void {
  const { value } = effectiveMember(body, 'max_completion_tokens');
  if (typeof value !== 'number') return;
  const span = root.find('max_completion_tokens');
  const json = fields.get('max_completion_tokens') ?? (span && edits.valueText(span)) ?? String(value);
  fields.set('max_tokens', json);
  log.record(['max_tokens'], 'set', 'a copy of max_completion_tokens');
}
