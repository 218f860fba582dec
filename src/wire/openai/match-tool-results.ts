import type { AssistantMessage, DeprecatedFunctionMessage, RequestMessage, ToolMessage } from './request.ts';

/** A call the model made in an earlier assistant message. */
export interface HistoricCall {
  /** Empty for `function_call`, and for clients that replay Google's empty ids. */
  readonly id: string;
  readonly name: string;
}

/** The calls of one assistant message and the messages that answer them. */
export interface ToolExchange {
  /** Index of the assistant message. */
  readonly assistant: number;
  readonly calls: readonly HistoricCall[];
  /** For each call the index of the message with its result; `undefined` when there is none. */
  readonly results: readonly (number | undefined)[];
}

/** A result message that answers no call. */
export interface StrayResult {
  /** Index of the message. */
  readonly message: number;
  readonly reason: 'no_calls_before' | 'already_answered' | 'unknown_call';
}

export interface ToolResultMatches {
  /** In the order of the messages. */
  readonly exchanges: readonly ToolExchange[];
  readonly strays: readonly StrayResult[];
}

/**
 * Finds the call that every tool and function message answers, among those of the nearest assistant message before
 * it that has calls. A tool message is matched by `tool_call_id`, equal ids in order; else by its `name`; else to
 * the only call without a result. A function message is matched by name, equal names in order. Time is linear in
 * the number of messages and calls. Contract sections 3.4 and 7.7.
 */
export function matchToolResults(messages: readonly RequestMessage[]): ToolResultMatches {
  const exchanges: OpenExchange[] = [];
  const strays: StrayResult[] = [];
  for (let index = 0; index < messages.length; index++) {
    const message = messages[index];
    if (message?.role === 'assistant' || message?.role === 'model') {
      const calls = callsOf(message);
      if (calls.length > 0) exchanges.push(new OpenExchange(index, calls));
    } else if (message?.role === 'tool' || message?.role === 'function') {
      const exchange = exchanges.at(-1);
      const reason = exchange === undefined ? 'no_calls_before' : exchange.accept(message, index);
      if (reason !== undefined) strays.push({ message: index, reason });
    }
  }
  return { exchanges, strays };
}

function callsOf(message: AssistantMessage): HistoricCall[] {
  if (message.tool_calls != null && message.tool_calls.length > 0) {
    return message.tool_calls.map((call) => ({
      id: call.id,
      name: call.type === 'custom' ? call.custom.name : call.function.name,
    }));
  }
  return message.function_call == null ? [] : [{ id: '', name: message.function_call.name }];
}

class OpenExchange implements ToolExchange {
  readonly assistant: number;
  readonly calls: readonly HistoricCall[];
  readonly results: (number | undefined)[];
  /** The first call without a result. Results mostly come in order, so this is mostly the one. */
  #next = 0;
  #unanswered: number;
  #byId: Map<string, number[]> | undefined;
  #byName: Map<string, number[]> | undefined;

  constructor(assistant: number, calls: readonly HistoricCall[]) {
    this.assistant = assistant;
    this.calls = calls;
    this.results = calls.map(() => undefined);
    this.#unanswered = calls.length;
  }

  accept(message: ToolMessage | DeprecatedFunctionMessage, index: number): StrayResult['reason'] | undefined {
    const found = message.role === 'tool' ? this.#findForTool(message) : this.#findByName(message.name);
    if (typeof found !== 'number') return found;
    this.results[found] = index;
    this.#unanswered--;
    while (this.#next < this.calls.length && this.results[this.#next] !== undefined) this.#next++;
    return undefined;
  }

  #findForTool({ tool_call_id: id, name }: ToolMessage): number | StrayResult['reason'] {
    const byId = this.#findById(id);
    // An empty id names no call, so a second one is not a repeated answer.
    if (typeof byId === 'number' || (byId === 'already_answered' && id !== '')) return byId;
    const byName = name == null ? 'unknown_call' : this.#findByName(name);
    if (typeof byName === 'number') return byName;
    return this.#unanswered === 1 ? this.#next : 'unknown_call';
  }

  #findById(id: string): number | StrayResult['reason'] {
    if (this.calls[this.#next]?.id === id) return this.#next;
    this.#byId ??= indexesBy(this.calls, 'id');
    return this.#firstUnanswered(this.#byId.get(id));
  }

  #findByName(name: string): number | StrayResult['reason'] {
    if (this.calls[this.#next]?.name === name) return this.#next;
    this.#byName ??= indexesBy(this.calls, 'name');
    return this.#firstUnanswered(this.#byName.get(name));
  }

  /** The first open call of a list that is kept in reverse order; calls answered by another way are dropped. */
  #firstUnanswered(indexes: number[] | undefined): number | StrayResult['reason'] {
    if (indexes === undefined) return 'unknown_call';
    for (let last = indexes.at(-1); last !== undefined; last = indexes.at(-1)) {
      if (this.results[last] === undefined) return last;
      indexes.pop();
    }
    return 'already_answered';
  }
}

function indexesBy(calls: readonly HistoricCall[], key: 'id' | 'name'): Map<string, number[]> {
  const indexes = new Map<string, number[]>();
  for (let index = calls.length - 1; index >= 0; index--) {
    const value = calls[index]?.[key] ?? '';
    const list = indexes.get(value);
    if (list === undefined) indexes.set(value, [index]);
    else list.push(index);
  }
  return indexes;
}
