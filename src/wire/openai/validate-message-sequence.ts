import type { ProblemCollector } from '../validation/problem-collector.ts';
import { isJsonObject } from '../validation/structure-checks.ts';
import {
  type HistoricCall,
  matchToolResults,
  type StrayResult,
  type ToolExchange,
} from './match-tool-results.ts';
import type { RequestMessage } from './request.ts';

const TEXT_PART_TYPES = new Set<unknown>(['text', 'input_text', 'output_text']);
const SYSTEM_ROLES = new Set<unknown>(['system', 'developer']);
const ROLES_OUTSIDE_EXCHANGES = new Set<unknown>(['system', 'developer', 'user']);

/**
 * What holds between messages: someone other than the system speaks, user turns are not empty, tool calls and
 * results belong together. Contract sections 3.3 and 3.4.
 *
 * @param broken messages with problems of their own; nothing is concluded from their content
 */
export function checkMessageSequence(
  messages: readonly unknown[],
  broken: ReadonlySet<unknown>,
  collector: ProblemCollector,
): void {
  if (messages.every((message) => SYSTEM_ROLES.has(roleOf(message)))) {
    collector.report('must contain a message that is not a system or developer message');
  }
  checkUserTurns(messages, broken, collector);
  // A call or result that cannot be read would make every message around it look unmatched.
  const exchangesAreReadable = [...broken].every((message) => ROLES_OUTSIDE_EXCHANGES.has(roleOf(message)));
  if (exchangesAreReadable) checkToolResults(messages as readonly RequestMessage[], collector);
}

function roleOf(message: unknown): unknown {
  return isJsonObject(message) ? message['role'] : undefined;
}

/** Adjacent user messages make one turn (system messages between them are moved away), and a turn says something. */
function checkUserTurns(
  messages: readonly unknown[],
  broken: ReadonlySet<unknown>,
  collector: ProblemCollector,
): void {
  let turnStart: number | undefined;
  const endTurn = (): void => {
    if (turnStart === undefined) return;
    collector.reportAt(
      [turnStart, 'content'],
      'is empty, and no adjacent user message has content; send text or media',
      'empty_content',
    );
    turnStart = undefined;
  };
  let turnHasContent = false;
  for (let index = 0; index < messages.length && !collector.full; index++) {
    const message = messages[index];
    const role = roleOf(message);
    if (role === 'user') {
      turnHasContent ||= broken.has(message) || hasContent(message);
      if (turnHasContent) turnStart = undefined;
      else turnStart ??= index;
    } else if (!SYSTEM_ROLES.has(role)) {
      endTurn();
      turnHasContent = false;
    }
  }
  endTurn();
}

function hasContent(message: unknown): boolean {
  const content = isJsonObject(message) ? message['content'] : undefined;
  if (!Array.isArray(content)) return content !== '';
  return content.some(
    (part) => !isJsonObject(part) || !TEXT_PART_TYPES.has(part['type']) || part['text'] !== '',
  );
}

function checkToolResults(messages: readonly RequestMessage[], collector: ProblemCollector): void {
  const { exchanges, strays } = matchToolResults(messages);
  for (const stray of strays) {
    if (collector.full) return;
    const field = messages[stray.message]?.role === 'function' ? 'name' : 'tool_call_id';
    collector.reportAt([stray.message, field], STRAY_MESSAGES[stray.reason]);
  }
  for (const exchange of exchanges) {
    if (collector.full) return;
    const missing = exchange.calls.filter((_, call) => exchange.results[call] === undefined);
    if (missing.length > 0) reportMissingResults(exchange, missing, messages, collector);
  }
}

const STRAY_MESSAGES = {
  no_calls_before: 'answers no call: no assistant message before this one has tool calls',
  already_answered: 'answers a call that an earlier message has answered',
  unknown_call: 'matches no open call of the last assistant message with tool calls',
} as const satisfies Record<StrayResult['reason'], string>;

const MAX_CALLS_NAMED = 10;
const MAX_LABEL_CHARACTERS = 40;

function reportMissingResults(
  { assistant }: ToolExchange,
  missing: readonly HistoricCall[],
  messages: readonly RequestMessage[],
  collector: ProblemCollector,
): void {
  const labels = missing.slice(0, MAX_CALLS_NAMED).map(callLabel);
  if (missing.length > labels.length) labels.push(`${missing.length - labels.length} more`);
  const message = messages[assistant];
  const isDeprecated = message !== undefined && 'function_call' in message && message.function_call != null;
  collector.reportAt(
    [assistant, isDeprecated ? 'function_call' : 'tool_calls'],
    `has calls without a result: ${labels.join(', ')}; every call must be answered by a ${isDeprecated ? 'function' : 'tool'} message after it`,
    'missing_tool_result',
  );
}

/** The id, or the function's name where the id is empty; cut, since some clients keep whole signatures in ids. */
function callLabel({ id, name }: HistoricCall): string {
  const label = id === '' ? name : id;
  return label.length > MAX_LABEL_CHARACTERS ? `${label.slice(0, MAX_LABEL_CHARACTERS)}…` : label;
}
