import type { FunctionCall } from '../../wire/gemini/response.ts';
import { isJsonObject, type JsonObject } from '../../wire/validation/structure-checks.ts';
import type { ChatEvent } from './chat-event.ts';
import { type PartialArgument, PartialArgumentsSerializer } from './partial-arguments.ts';

export interface GeminiCallsOptions {
  readonly choice: number;
  /** Native function name to the client's, where they differ. */
  readonly toolNames: ReadonlyMap<string, string>;
  /** `false`: arguments that come in pieces are passed on when they are whole. */
  readonly streamedArguments: boolean;
  /** Ids the response has used, over all its candidates. */
  readonly usedIds: Set<string>;
}

interface OpenCall {
  call: number;
  serializer: PartialArgumentsSerializer;
  /** Whole arguments, written unless pieces came. */
  args: JsonObject | undefined;
  hasPieces: boolean;
  /** Pieces not passed on yet. */
  held: string;
}

/**
 * The function calls of one candidate. A part with a name opens a call, pieces of arguments belong to the open one,
 * and a part that does not say it will continue closes it. Contract sections 7.5 and 10.6.
 */
export class GeminiCalls {
  readonly #options: GeminiCallsOptions;
  #count = 0;
  #open: OpenCall | undefined;

  constructor(options: GeminiCallsOptions) {
    this.#options = options;
  }

  push(part: FunctionCall, signature: string | undefined): ChatEvent[] {
    const { choice } = this.#options;
    const events: ChatEvent[] = [];
    if (part.name !== undefined) events.push(...this.close(), this.#start(part, part.name, signature));
    else if (signature !== undefined) {
      events.push({ type: 'signature', choice, extra: { thought_signature: signature } });
    }
    const open = this.#open;
    if (open === undefined) return events;
    open.args = part.args ?? open.args;
    const text = part.partialArgs.map((piece) => writePiece(open.serializer, piece)).join('');
    if (text !== '') {
      open.hasPieces = true;
      if (this.#options.streamedArguments) {
        events.push({ type: 'tool-arguments-delta', choice, call: open.call, delta: text });
      } else {
        open.held += text;
      }
    }
    if (!part.willContinue) events.push(...this.close());
    return events;
  }

  /** Ends the open call, if there is one. */
  close(): ChatEvent[] {
    const open = this.#open;
    if (open === undefined) return [];
    this.#open = undefined;
    const { choice } = this.#options;
    const rest =
      open.hasPieces || open.args === undefined ? open.serializer.end() : JSON.stringify(open.args);
    return [
      { type: 'tool-arguments-delta', choice, call: open.call, delta: open.held + rest },
      { type: 'tool-call-end', choice, call: open.call },
    ];
  }

  #start({ id }: FunctionCall, name: string, signature: string | undefined): ChatEvent {
    const { choice, toolNames, usedIds } = this.#options;
    const call = this.#count++;
    this.#open = {
      call,
      serializer: new PartialArgumentsSerializer(),
      args: undefined,
      hasPieces: false,
      held: '',
    };
    // Clients match results by id, so one that comes twice is as good as none.
    const isNew = id !== undefined && !usedIds.has(id);
    if (isNew) usedIds.add(id);
    return {
      type: 'tool-call-start',
      choice,
      call,
      name: toolNames.get(name) ?? name,
      ...(isNew ? { id } : {}),
      ...(signature === undefined ? {} : { extra: { thought_signature: signature } }),
    };
  }
}

function writePiece(serializer: PartialArgumentsSerializer, piece: unknown): string {
  if (!isJsonObject(piece)) return '';
  const { jsonPath, stringValue, numberValue, boolValue, willContinue } = piece;
  if (typeof jsonPath !== 'string') return '';
  const argument: PartialArgument = { jsonPath, willContinue: willContinue === true };
  if (typeof stringValue === 'string') argument.stringValue = stringValue;
  if (typeof numberValue === 'number') argument.numberValue = numberValue;
  if (typeof boolValue === 'boolean') argument.boolValue = boolValue;
  return serializer.push(argument);
}
