import { JsonArraySplitter } from '../../../src/wire/sse/json-array-splitter.ts';
import { SseParser } from '../../../src/wire/sse/parse.ts';
import { readdirSync, readFileSync } from 'node:fs';

/** A recorded exchange with Gemini. */
export interface Recording {
  /** `<api>/<file>`. */
  name: string;
  /** `unary`, `stream` (server-sent events) or `streamarray`. */
  kind: string;
  status: number;
  headers: Record<string, string>;
  body?: unknown;
  sse?: string;
  text?: string;
}

const folder = new URL('../../recordings/', import.meta.url);

/** Every recorded `generateContent` and `streamGenerateContent`. */
export const RECORDINGS: readonly Recording[] = ['gemini-developer', 'vertex'].flatMap((api) =>
  readdirSync(new URL(api, folder))
    .filter((file) => /^(?:unary|stream|streamarray)-/.test(file))
    .map((file) => {
      const { response } = JSON.parse(readFileSync(new URL(`${api}/${file}`, folder), 'utf8')) as {
        response: Omit<Recording, 'name' | 'kind'>;
      };
      return Object.assign(response, {
        name: `${api}/${file.replace('.json', '')}`,
        kind: file.replace(/-.*/, ''),
      });
    }),
);

type NativeUsage = Readonly<Record<string, number>>;

interface NativeMessage {
  candidates?: { content?: { parts?: NativePart[] }; finishReason?: unknown }[];
  usageMetadata?: NativeUsage;
}

interface NativePart {
  text?: string;
  thought?: boolean;
  thoughtSignature?: string;
  functionCall?: { name?: string; args?: object; partialArgs?: { jsonPath: string; stringValue: string }[] };
  executableCode?: { code: string };
  codeExecutionResult?: { output: string };
  inlineData?: { data: string };
}

export interface NativeFacts {
  /** Visible text, or the texts and the blocks of code in order where there is code. */
  text: string[];
  thoughts: string;
  calls: { name: string; args: unknown }[];
  signatures: string[];
  media: string[];
  finishReason: unknown;
  usage: { prompt: number; completion: number; total: number; cached: number; reasoning: number } | undefined;
}

/** The native messages of a recording, read as plainly as possible and without any of the code under test. */
export function framesOf({ body, sse, text }: Recording): unknown[] {
  if (sse !== undefined) {
    const events = sse.split(/\r?\n\r?\n/).filter(Boolean);
    return events.map((event): unknown => JSON.parse(event.replace(/^data: /, '')));
  }
  const whole: unknown = body ?? JSON.parse(text ?? '[]');
  return Array.isArray(whole) ? (whole as unknown[]) : [whole];
}

/** What a recording says, read in the same plain way. */
export function factsOf(recording: Recording): NativeFacts {
  const messages = framesOf(recording) as NativeMessage[];
  const candidates = messages.flatMap(({ candidates: [candidate] = [] }) => candidate ?? []);
  const parts = candidates.flatMap(({ content }) => content?.parts ?? []);
  const counted = messages
    .map(({ usageMetadata }) => usageMetadata ?? {})
    .filter((usage) => Object.keys(usage).some((name) => name.endsWith('TokenCount')));
  const hasCode = parts.some(({ executableCode }) => executableCode !== undefined);
  const visible = parts
    .map((part) =>
      isVisible(part) ? part.text : (part.executableCode?.code ?? part.codeExecutionResult?.output),
    )
    .filter((piece) => piece !== undefined);
  return {
    text: hasCode ? visible : [visible.join('')],
    thoughts: parts.map((part) => (part.thought === true ? (part.text ?? '') : '')).join(''),
    calls: callsOf(parts),
    signatures: parts.flatMap(({ thoughtSignature }) => thoughtSignature ?? []),
    media: parts.flatMap(({ inlineData }) => inlineData?.data ?? []),
    finishReason: candidates.findLast(({ finishReason }) => finishReason !== undefined)?.finishReason,
    usage: usageOf(counted.at(-1)),
  };
}

function isVisible(part: NativePart): boolean {
  return part.thought !== true && (part.text ?? '') !== '';
}

/** The recorded pieces of arguments are all strings at the top level. */
function callsOf(parts: readonly NativePart[]): NativeFacts['calls'] {
  const calls: { name: string; args: Record<string, unknown> }[] = [];
  for (const { functionCall: call } of parts) {
    if (call?.name !== undefined) calls.push({ name: call.name, args: { ...call.args } });
    for (const { jsonPath, stringValue } of call?.partialArgs ?? []) {
      const { args } = calls.at(-1) as { args: Record<string, string> };
      const key = jsonPath.slice(2);
      args[key] = (args[key] ?? '') + stringValue;
    }
  }
  return calls;
}

function usageOf(usage: NativeUsage | undefined): NativeFacts['usage'] {
  if (usage === undefined) return undefined;
  const count = (name: string): number => usage[name] ?? 0;
  const prompt = count('promptTokenCount') + count('toolUsePromptTokenCount');
  const completion = count('candidatesTokenCount') + count('thoughtsTokenCount');
  return {
    prompt,
    completion,
    total: usage['totalTokenCount'] ?? prompt + completion,
    cached: count('cachedContentTokenCount'),
    reasoning: count('thoughtsTokenCount'),
  };
}

/** What was on the wire. */
export const bytesOf = ({ sse, text }: Recording): Uint8Array => new TextEncoder().encode(sse ?? text);

/** The JSON texts of the messages, through the parser that fits; `undefined` when something else stood between them. */
export function messagesOf(recording: Recording, chunks: readonly Uint8Array[]): string[] | undefined {
  if (recording.kind === 'streamarray') {
    const splitter = new JsonArraySplitter({ maxElementBytes: 1_000_000 });
    const messages = chunks.flatMap((chunk) => splitter.push(chunk));
    const { complete, loose } = splitter.end();
    return complete && loose === '' ? messages : undefined;
  }
  const parser = new SseParser({ maxEventBytes: 1_000_000 });
  const events = chunks.flatMap((chunk) => parser.push(chunk));
  const { event, loose } = parser.end();
  if (event !== undefined) events.push(event);
  return loose === '' ? events.map(({ data }) => data) : undefined;
}

/** Whether `content` consists of these pieces in this order, with nothing but fences of code between them. */
export function isMadeOf(content: string, pieces: readonly string[]): boolean {
  if (pieces.length < 2) return content === pieces.join('');
  let rest = content;
  for (const piece of pieces) {
    const at = rest.indexOf(piece);
    if (at === -1 || !/^(?:\n*```(?:python|output)?\n*)*$/.test(rest.slice(0, at))) return false;
    rest = rest.slice(at + piece.length);
  }
  return /^(?:\n?```\n)?$/.test(rest);
}
