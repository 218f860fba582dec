import { GatewayError } from '../../../errors.ts';
import type { ContentPart, MessageToolCall, RequestMessage } from '../../../wire/openai/request.ts';

/** A message as chat templates know it. */
export interface TemplateMessage {
  role: 'system' | 'user' | 'assistant' | 'tool';
  content: string;
  name?: string;
  reasoning_content?: string;
  tool_calls?: TemplateToolCall[];
  tool_call_id?: string;
}

export interface TemplateToolCall {
  id: string;
  type: 'function';
  function: { name: string; arguments: unknown };
}

export interface TemplateConversation {
  /** System and developer messages, wherever they stood, in order; empty for none. */
  system: string;
  messages: TemplateMessage[];
  /** Text of a last assistant message, which the answer continues. */
  prefill: string;
}

/**
 * The messages of a request in the roles a chat template knows. Contract sections 3.1 and 3.3.
 *
 * @param protect applied to every text a client wrote
 * @throws {GatewayError} `unsupported_media` for images, audio and files
 */
export function toTemplateConversation(
  messages: readonly RequestMessage[],
  protect: (text: string) => string,
): TemplateConversation {
  const system: string[] = [];
  const converted: TemplateMessage[] = [];
  const namesById = new Map<string, string>();
  for (const [index, message] of messages.entries()) {
    const content = protect(textOf(message.content ?? '', `messages[${index}].content`));
    switch (message.role) {
      case 'system':
      case 'developer':
        system.push(content);
        break;
      case 'user':
        converted.push({ role: 'user', content });
        break;
      case 'assistant':
      case 'model': {
        const calls = toTemplateCalls(message.tool_calls ?? [], message.function_call ?? undefined, protect);
        for (const call of calls) namesById.set(call.id, call.function.name);
        const reasoning = message.reasoning_content ?? message.reasoning;
        converted.push({
          role: 'assistant',
          content,
          ...(calls.length > 0 ? { tool_calls: calls } : {}),
          ...(reasoning == null ? {} : { reasoning_content: protect(reasoning) }),
        });
        break;
      }
      case 'tool':
        converted.push({
          role: 'tool',
          content,
          tool_call_id: message.tool_call_id,
          name: namesById.get(message.tool_call_id) ?? message.name ?? '',
        });
        break;
      case 'function':
        converted.push({ role: 'tool', content, name: message.name });
        break;
    }
  }
  return { system: system.join('\n\n'), messages: converted, prefill: takePrefill(converted) };
}

/** Takes a last assistant message off the list, if the answer can continue it. */
function takePrefill(messages: TemplateMessage[]): string {
  const last = messages.at(-1);
  if (last?.role !== 'assistant' || last.tool_calls !== undefined) return '';
  messages.pop();
  return last.content;
}

function textOf(content: string | readonly ContentPart[], path: string): string {
  if (typeof content === 'string') return content;
  return content.map((part, index) => partText(part, `${path}[${index}]`)).join('\n');
}

function partText(part: ContentPart, path: string): string {
  switch (part.type) {
    case 'text':
    case 'input_text':
    case 'output_text':
      return part.text;
    case 'refusal':
      return part.refusal;
    case 'image_url':
    case 'input_audio':
    case 'file':
    case 'video_url':
    case 'audio_url':
      throw new GatewayError(
        'unsupported_media',
        `The embedded model reads text only: it has no projector for ${MEDIA_NAMES[part.type]}. Route this model name to an upstream that takes media, or send text.`,
        { param: path },
      );
  }
}

const MEDIA_NAMES = {
  image_url: 'images',
  input_audio: 'audio',
  file: 'files',
  video_url: 'video',
  audio_url: 'audio',
} as const;

function toTemplateCalls(
  calls: readonly MessageToolCall[],
  functionCall: { name: string; arguments: string } | undefined,
  protect: (text: string) => string,
): TemplateToolCall[] {
  const entries = calls.map((call) =>
    'custom' in call
      ? { id: call.id, name: call.custom.name, arguments: { input: call.custom.input } }
      : { id: call.id, name: call.function.name, arguments: parseArguments(call.function.arguments) },
  );
  if (functionCall !== undefined) {
    entries.push({ id: '', name: functionCall.name, arguments: parseArguments(functionCall.arguments) });
  }
  return entries.map(({ id, name, arguments: value }) => ({
    id,
    type: 'function',
    function: { name: protect(name), arguments: protectStrings(value, protect) },
  }));
}

/** Validation has seen to it that arguments are empty or a JSON object. */
function parseArguments(text: string): unknown {
  return text.trim() === '' ? {} : (JSON.parse(text) as unknown);
}

function protectStrings(value: unknown, protect: (text: string) => string): unknown {
  if (typeof value === 'string') return protect(value);
  if (Array.isArray(value)) return value.map((item) => protectStrings(item, protect));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [protect(key), protectStrings(item, protect)]),
  );
}
