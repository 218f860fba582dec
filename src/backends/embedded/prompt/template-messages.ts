import { GatewayError } from '../../../errors.ts';
import { type AssistantText, readAssistantText } from './assistant-text.ts';
import { matchToolResults } from '../../../wire/openai/match-tool-results.ts';
import type {
  AssistantMessage,
  ContentPart,
  DeprecatedFunctionMessage,
  MessageToolCall,
  RequestMessage,
  ToolMessage,
} from '../../../wire/openai/request.ts';
import { protectTexts } from './protected-text.ts';

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

export interface ConversationContext {
  /** The request's extensions, which may name the tag around reasoning. */
  readonly google: Readonly<Record<string, unknown>>;
  /** Gives the text that stands for an image, a sound or a file; `path` is the part's JSON path. */
  readonly takeMedia: (part: ContentPart, path: string) => string;
}

/**
 * The messages of a request in the roles a chat template knows; tool results in the order of their calls, since many
 * templates write no ids. Contract sections 3.1, 3.3 and 3.4.
 *
 * @param protect applied to every text a client wrote
 * @throws {GatewayError} `unsupported_media` for media in an earlier answer, and what `takeMedia` throws
 */
export function toTemplateConversation(
  messages: readonly RequestMessage[],
  protect: (text: string) => string,
  { google, takeMedia }: ConversationContext,
): TemplateConversation {
  const places = answeredCalls(messages);
  const system: string[] = [];
  const placed: { place: number; message: TemplateMessage }[] = [];
  for (const [index, message] of messages.entries()) {
    const path = `messages[${index}].content`;
    if (message.role === 'assistant' || message.role === 'model') {
      const text = readAssistantText(message, google, (part, at) => textOf(part) ?? refuse(`${path}[${at}]`));
      placed.push({ place: index, message: assistantMessage(message, text, protect) });
      continue;
    }
    const content = contentOf(message.content ?? '', path, { protect, takeMedia });
    switch (message.role) {
      case 'system':
      case 'developer':
        system.push(content);
        break;
      case 'user':
        placed.push({ place: index, message: { role: 'user', content } });
        break;
      case 'tool':
      case 'function': {
        const { place, name } = places.get(index) ?? { place: index, name: message.name ?? '' };
        placed.push({ place, message: { ...toolMessage(message, content, protect), name: protect(name) } });
        break;
      }
    }
  }
  const ordered = placed.toSorted((left, right) => left.place - right.place).map(({ message }) => message);
  return { system: system.join('\n\n'), prefill: takePrefill(ordered), messages: ordered };
}

/** For each result message the name of the call it answers, and its place: right behind the calls, in their order. */
function answeredCalls(messages: readonly RequestMessage[]): Map<number, { place: number; name: string }> {
  const places = new Map<number, { place: number; name: string }>();
  for (const { assistant, calls, results } of matchToolResults(messages).exchanges) {
    for (const [position, result] of results.entries()) {
      const place = assistant + (position + 1) / (calls.length + 1);
      if (result !== undefined) places.set(result, { place, name: calls[position]?.name ?? '' });
    }
  }
  return places;
}

function assistantMessage(
  message: AssistantMessage,
  { content, reasoning }: AssistantText,
  protect: (text: string) => string,
): TemplateMessage {
  const calls = toTemplateCalls(message.tool_calls ?? [], message.function_call ?? undefined, protect);
  return {
    role: 'assistant',
    content: protect(content),
    ...(calls.length > 0 ? { tool_calls: calls } : {}),
    ...(reasoning === '' ? {} : { reasoning_content: protect(reasoning) }),
  };
}

function toolMessage(
  message: ToolMessage | DeprecatedFunctionMessage,
  content: string,
  protect: (text: string) => string,
): TemplateMessage {
  if (message.role === 'function') return { role: 'tool', content };
  return { role: 'tool', content, tool_call_id: protect(message.tool_call_id) };
}

/** Takes a last assistant message off the list, if the answer can continue it. */
function takePrefill(messages: TemplateMessage[]): string {
  const last = messages.at(-1);
  if (last?.role !== 'assistant' || last.tool_calls !== undefined) return '';
  messages.pop();
  return last.content;
}

function contentOf(
  content: string | readonly ContentPart[],
  path: string,
  { protect, takeMedia }: Pick<ConversationContext, 'takeMedia'> & { protect: (text: string) => string },
): string {
  if (typeof content === 'string') return protect(content);
  return content
    .map((part, index) => {
      const text = textOf(part);
      return text === undefined ? takeMedia(part, `${path}[${index}]`) : protect(text);
    })
    .join('\n');
}

function refuse(path: string): never {
  throw new GatewayError(
    'unsupported_media',
    'The embedded model takes media from users and tools, not in earlier answers.',
    { param: path },
  );
}

/** `undefined` for media. */
function textOf(part: ContentPart): string | undefined {
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
      return undefined;
  }
}

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
    id: protect(id),
    type: 'function',
    function: { name: protect(name), arguments: protectTexts(value, protect) },
  }));
}

/** Validation has seen to it that arguments are empty or a JSON object. */
function parseArguments(text: string): unknown {
  return text.trim() === '' ? {} : (JSON.parse(text) as unknown);
}
