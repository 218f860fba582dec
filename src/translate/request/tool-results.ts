import type { FunctionResponse, FunctionResponsePart, Part } from '../../wire/gemini/request.ts';
import { parseJson } from '../../wire/json-text/parse-json.ts';
import type { HistoricCall } from '../../wire/openai/match-tool-results.ts';
import type {
  ContentPart,
  DeprecatedFunctionMessage,
  MediaPart,
  ToolMessage,
} from '../../wire/openai/request.ts';
import { nestsDeeperThan } from '../../wire/validation/nests-deeper-than.ts';
import { isJsonObject, MAX_DEPTH } from '../../wire/validation/structure-checks.ts';
import { googleContentOf } from './google-content.ts';
import { functionResponsePart } from './native-messages.ts';
import { listOf } from './native-shape.ts';
import { isTextPart, toMediaPart } from './parts.ts';
import type { FieldPath } from './receipt.ts';
import type { RequestContext } from './request-context.ts';
import type { ToolNames } from './tool-names.ts';

/** A call and the message that answers it. */
export interface AnsweredCall {
  readonly call: HistoricCall;
  readonly message: ToolMessage | DeprecatedFunctionMessage;
  readonly path: FieldPath;
}

/**
 * One tool result: the `functionResponse` part, and behind it the media that the model does not take inside.
 * Contract section 3.4.
 */
export function toToolResult(answered: AnsweredCall, names: ToolNames, context: RequestContext): Part[] {
  const { call, message, path } = answered;
  const media = toResultMedia(message, path, context);
  const response: FunctionResponse = {
    ...(sendsFunctionIds(context) && call.id !== '' ? { id: call.id } : {}),
    name: names.toNative(call.name),
    response: toResponseObject(textOf(message.content ?? '')),
    ...(media.inside.length === 0 ? {} : { parts: media.inside }),
  };
  return [{ functionResponse: response }, ...media.behind];
}

/** Vertex AI's calls have no ids, and it has refused them. */
export function sendsFunctionIds({ options, target }: RequestContext): boolean {
  const { functionIds = 'auto' } = options;
  return functionIds === 'auto' ? target.upstream === 'gemini' : functionIds === 'always';
}

/** The result as the object Gemini wants: a JSON object as it is, anything else under `output`. */
export function toResponseObject(text: string): Record<string, unknown> {
  const value = parseResult(text);
  return isJsonObject(value) ? value : { output: value };
}

/** What JSON can begin with; most results are prose, which need not fail to be parsed. */
const JSON_START = /^\s*[[{"\d\-tfn]/;

function parseResult(text: string): unknown {
  if (!JSON_START.test(text) || nestsDeeperThan(text, MAX_DEPTH)) return text;
  const value = parseJson(text);
  // A number beyond what a double holds would come out as another one.
  return value === undefined || (typeof value === 'number' && !isExact(value)) ? text : value;
}

function isExact(value: number): boolean {
  return Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
}

function textOf(content: string | readonly ContentPart[]): string {
  if (typeof content === 'string') return content;
  return content.map((part) => (isTextPart(part) ? part.text : '')).join('');
}

interface ResultMedia {
  readonly inside: FunctionResponsePart[];
  readonly behind: Part[];
}

/** Images, sounds and files of a result, in OpenAI's form or in Google's (`extra_content.google.parts`). */
function toResultMedia(
  message: ToolMessage | DeprecatedFunctionMessage,
  path: FieldPath,
  context: RequestContext,
): ResultMedia {
  const media: ResultMedia = { inside: [], behind: [] };
  const content = typeof message.content === 'string' ? [] : (message.content ?? []);
  for (const [index, part] of content.entries()) {
    if (!isMedia(part)) continue;
    const place = [...path, 'content', index];
    const native = toMediaPart(part, place, context);
    if (native !== undefined) addMedia(native, place, media, context);
  }
  const own = context.native.read(googleContentOf(message)['parts'], listOf(functionResponsePart), [
    ...path,
    'extra_content',
    'google',
    'parts',
  ]) as FunctionResponsePart[] | undefined;
  for (const part of own ?? []) {
    if (part.inlineData === undefined && part.fileData === undefined) continue;
    (context.model.functionResponseParts ? media.inside : media.behind).push(part);
  }
  return media;
}

function isMedia(part: ContentPart): part is MediaPart {
  return !isTextPart(part) && part.type !== 'refusal';
}

function addMedia(
  part: Part,
  place: FieldPath,
  { inside, behind }: ResultMedia,
  { model, target, receipt }: RequestContext,
): void {
  // The Developer API takes no references inside a result.
  const fits = part.fileData === undefined || target.upstream === 'vertex';
  if (!model.functionResponseParts || !fits) {
    behind.push(part);
    return;
  }
  const { mediaResolution, videoMetadata, ...data } = part;
  if (mediaResolution !== undefined || videoMetadata !== undefined) receipt.ignore(place);
  inside.push(data);
}
