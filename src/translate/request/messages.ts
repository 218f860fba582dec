import type { Content, Part } from '../../wire/gemini/request.ts';
import { matchToolResults, type ToolExchange } from '../../wire/openai/match-tool-results.ts';
import type {
  AssistantMessage,
  ContentPart,
  MessageToolCall,
  SystemMessage,
  UserMessage,
} from '../../wire/openai/request.ts';
import { isJsonObject } from '../../wire/validation/structure-checks.ts';
import { normalizeBase64 } from './base64.ts';
import { toNativeInstruction } from './extra-body.ts';
import { googleContentOf } from './google-content.ts';
import { isTextPart, toMediaPart } from './parts.ts';
import type { FieldPath } from './receipt.ts';
import type { RequestContext } from './request-context.ts';
import type { SignatureKeeper } from './signatures.ts';
import { leadingThought, readPartRules, readThoughtRules, splitThoughts } from './thought-input.ts';
import type { ToolNames } from './tool-names.ts';
import { sendsFunctionIds, toToolResult } from './tool-results.ts';

/** The conversation in native form. */
export interface NativeConversation {
  readonly contents: Content[];
  /** Text parts of all system messages; empty for none. */
  readonly instruction: Part[];
}

/**
 * `messages` as native contents: system messages hoisted, tool results gathered behind their calls, adjacent messages
 * of one role in one entry. Contract sections 3.1, 3.3 and 3.4.
 */
export function toConversation(
  context: RequestContext,
  names: ToolNames,
  signatures: SignatureKeeper,
): NativeConversation {
  const { messages } = context.request;
  const writer = new ConversationWriter(context, names, signatures);
  for (const [index, message] of messages.entries()) {
    switch (message.role) {
      case 'system':
      case 'developer':
        writer.addSystem(message);
        break;
      case 'user':
        writer.addUser(message, index);
        break;
      case 'assistant':
      case 'model':
        writer.addAssistant(message, index);
        break;
      case 'tool':
      case 'function':
        // Written behind the calls they answer.
        break;
    }
  }
  // Without its refused parts a message may well be empty, which needs no second complaint.
  if (writer.contents.length === 0 && !context.receipt.hasProblems) {
    context.receipt.fail(
      ['messages'],
      'say nothing: no message has text, media, calls or results',
      'empty_content',
    );
  }
  return writer;
}

class ConversationWriter implements NativeConversation {
  readonly contents: Content[] = [];
  readonly instruction: Part[];
  readonly #context: RequestContext;
  readonly #names: ToolNames;
  readonly #signatures: SignatureKeeper;
  readonly #exchanges: ReadonlyMap<number, ToolExchange>;
  /** Steps behind this message belong to the current turn. */
  readonly #newestUser: number;
  /** The last entry, while more may be added to it. */
  #open: { readonly role: 'user' | 'model'; readonly parts: Part[]; signed: boolean } | undefined;

  constructor(context: RequestContext, names: ToolNames, signatures: SignatureKeeper) {
    const { messages } = context.request;
    this.#context = context;
    this.#names = names;
    this.#signatures = signatures;
    this.instruction = toNativeInstruction(context);
    this.#exchanges = new Map(
      matchToolResults(messages).exchanges.map((exchange) => [exchange.assistant, exchange]),
    );
    this.#newestUser = messages.findLastIndex(
      ({ role, content }) => role === 'user' && !isEmpty(content ?? ''),
    );
  }

  addSystem({ content }: SystemMessage): void {
    for (const text of textsOf(content)) this.instruction.push({ text });
  }

  addUser({ content }: UserMessage, index: number): void {
    const parts: Part[] = [];
    if (typeof content === 'string') {
      if (content !== '') parts.push({ text: content });
    } else {
      for (const [position, part] of content.entries()) {
        parts.push(...this.#toParts(part, ['messages', index, 'content', position]));
      }
    }
    this.#append('user', parts);
  }

  addAssistant(message: AssistantMessage, index: number): void {
    const path = ['messages', index];
    const calls = this.#toCalls(message);
    const texts = this.#toAnswer(message, path);
    const mustBeSigned = this.#context.model.signatureRequired && index > this.#newestUser;
    this.#signatures.sign(message, { texts, calls }, { path, mustBeSigned });
    this.#append('model', [...texts, ...calls]);
    const exchange = this.#exchanges.get(index);
    if (exchange === undefined) return;
    this.contents.push({ role: 'user', parts: this.#toResults(exchange) });
    this.#open = undefined;
  }

  /** Results stand in entries of their own, and so do messages of which both are signed. */
  #append(role: 'user' | 'model', parts: Part[]): void {
    if (parts.length === 0) return;
    const signed = parts.some((part) => part.thoughtSignature !== undefined);
    const open = this.#open;
    if (open === undefined || open.role !== role || (open.signed && signed)) {
      this.contents.push({ role, parts });
      this.#open = { role, parts, signed };
      return;
    }
    // One by one: a call with a very long list of arguments overflows the stack.
    for (const part of parts) open.parts.push(part);
    open.signed ||= signed;
  }

  /** Reasoning, content, refusal and audio of an assistant message, in this order. */
  #toAnswer(message: AssistantMessage, path: FieldPath): Part[] {
    const { content, refusal } = message;
    const rules = readThoughtRules(message, this.#context.extras.google);
    const parts = leadingThought(message);
    if (typeof content === 'string') {
      for (const part of splitThoughts(content, rules)) parts.push(part);
    } else {
      for (const [position, part] of (content ?? []).entries()) {
        const place = [...path, 'content', position];
        const google = googleContentOf(part);
        const written = isTextPart(part)
          ? splitThoughts(part.text, readPartRules(google, rules))
          : this.#toParts(part, place);
        for (const signed of this.#signPart(written, google.thought_signature, place)) parts.push(signed);
      }
    }
    if (refusal != null && refusal !== '') parts.push({ text: refusal });
    parts.push(...this.#toAudio(message, [...path, 'audio']));
    return this.#context.options.replayThoughts === false
      ? parts.filter((part) => part.thought !== true)
      : parts;
  }

  /** A signed part stays although its text is empty: signatures come on such parts. */
  #signPart(parts: Part[], value: unknown, path: FieldPath): Part[] {
    const signature = this.#signatures.fromClient(value, [
      ...path,
      'extra_content',
      'google',
      'thought_signature',
    ]);
    if (signature === undefined) return parts;
    return [...parts.slice(0, -1), { ...(parts.at(-1) ?? { text: '' }), thoughtSignature: signature }];
  }

  /** Earlier audio or an image, if its data came back; an id alone refers to something nobody kept. */
  #toAudio({ audio }: AssistantMessage, path: FieldPath): Part[] {
    if (!isJsonObject(audio)) return [];
    const { data } = audio;
    const mimeType = googleContentOf(audio)['mime_type'] ?? 'audio/wav';
    if (typeof data === 'string' && typeof mimeType === 'string') {
      const base64 = normalizeBase64(data);
      if (base64 !== undefined) return [{ inlineData: { mimeType, data: base64 } }];
      this.#context.receipt.fail([...path, 'data'], 'must be valid base64');
      return [];
    }
    this.#context.receipt.refuse(
      path,
      'refers to an earlier answer by its id, which is not kept; send its data or a text',
    );
    return [];
  }

  #toParts(part: ContentPart, path: FieldPath): Part[] {
    if (part.type === 'refusal') return part.refusal === '' ? [] : [{ text: part.refusal }];
    if (isTextPart(part)) return part.text === '' ? [] : [{ text: part.text }];
    const media = toMediaPart(part, path, this.#context);
    return media === undefined ? [] : [media];
  }

  #toCalls({ tool_calls: calls, function_call: call }: AssistantMessage): Part[] {
    if (call != null) {
      const name = this.#names.toNative(call.name);
      return [{ functionCall: { name, args: parseArguments(call.arguments) } }];
    }
    return (calls ?? []).map((entry) => this.#toCall(entry));
  }

  #toCall(call: MessageToolCall): Part {
    const { name, args } =
      call.type === 'custom'
        ? { name: call.custom.name, args: { input: call.custom.input } }
        : { name: call.function.name, args: parseArguments(call.function.arguments) };
    return {
      functionCall: {
        ...(sendsFunctionIds(this.#context) && call.id !== '' ? { id: call.id } : {}),
        name: this.#names.toNative(name),
        args,
      },
      ...(googleContentOf(call).thought === true ? { thought: true } : {}),
    };
  }

  #toResults({ calls, results }: ToolExchange): Part[] {
    const { messages } = this.#context.request;
    return calls.flatMap((call, position) => {
      const index = results[position];
      const message = index === undefined ? undefined : messages[index];
      if (index === undefined || (message?.role !== 'tool' && message?.role !== 'function')) return [];
      return toToolResult({ call, message, path: ['messages', index] }, this.#names, this.#context);
    });
  }
}

/** Validation has seen to it that arguments are empty or a JSON object. */
function parseArguments(text: string): Record<string, unknown> {
  return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
}

function textsOf(content: string | readonly ContentPart[]): string[] {
  const texts =
    typeof content === 'string' ? [content] : content.map((part) => (isTextPart(part) ? part.text : ''));
  return texts.filter((text) => text !== '');
}

function isEmpty(content: string | readonly ContentPart[]): boolean {
  return typeof content === 'string'
    ? content === ''
    : content.every((part) => isTextPart(part) && part.text === '');
}
