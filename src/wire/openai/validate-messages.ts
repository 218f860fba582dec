import { parseJson } from '../json-text/parse-json.ts';
import { describeValue } from '../validation/describe-value.ts';
import { nestsDeeperThan } from '../validation/nests-deeper-than.ts';
import type { Check, ProblemCollector } from '../validation/problem-collector.ts';
import {
  checkIdentifier,
  checkNonEmptyIdentifier,
  checkNonEmptyText,
  checkText,
  oneOf,
} from '../validation/scalar-checks.ts';
import {
  isJsonObject,
  type JsonObject,
  listOf,
  MAX_DEPTH,
  MAX_ITEMS,
  objectOf,
  reportMissing,
  stringOr,
} from '../validation/structure-checks.ts';
import { checkMessageSequence } from './validate-message-sequence.ts';
import { checkExtraContent } from './validate-google-extras.ts';

/** Shapes of `messages`. Contract sections 3.1 to 3.3. */

const checkUrl = stringOr(checkNonEmptyText, objectOf({ url: checkNonEmptyText }, ['url']));

const checkImageUrl = stringOr(
  checkNonEmptyText,
  objectOf(
    { url: checkNonEmptyText, detail: oneOf(['auto', 'original', 'low', 'medium', 'high', 'ultra_high']) },
    ['url'],
  ),
);

const checkFile = objectOf(
  { file_data: checkNonEmptyText, file_id: checkNonEmptyIdentifier, filename: checkText },
  [],
  (file, collector) => {
    const hasData = file['file_data'] != null;
    if (hasData === (file['file_id'] != null)) {
      collector.report(`must have either file_data or file_id, found ${hasData ? 'both' : 'neither'}`);
    }
  },
);

/** A content part: its type, one member named like the type or `text`, and Google's additions. */
function partOf(member: string, check: Check): Check {
  return objectOf({ type: checkText, [member]: check, extra_content: checkExtraContent }, [member]);
}

const checkTextPart = partOf('text', checkText);

const textParts = { text: checkTextPart, input_text: checkTextPart, output_text: checkTextPart };

const mediaParts = {
  image_url: partOf('image_url', checkImageUrl),
  input_audio: partOf(
    'input_audio',
    objectOf({ data: checkNonEmptyText, format: checkNonEmptyIdentifier }, ['data', 'format']),
  ),
  file: partOf('file', checkFile),
  video_url: partOf('video_url', checkUrl),
  audio_url: partOf('audio_url', checkUrl),
};

/** Message content: a string or an array of the given parts. */
function contentOf(parts: Readonly<Record<string, Check>>): Check {
  const checks = new Map<unknown, Check>(Object.entries(parts));
  const checkType = oneOf(Object.keys(parts));
  const checkParts = listOf((part, collector) => {
    const check = isJsonObject(part) ? checks.get(part['type']) : undefined;
    if (check !== undefined) check(part, collector);
    else if (!isJsonObject(part))
      collector.report(`must be a content part object, not ${describeValue(part)}`);
    else if (part['type'] == null) reportMissing('type', part['type'], collector);
    else collector.check('type', part['type'], checkType);
  });
  return (value, collector) => {
    if (typeof value === 'string') checkText(value, collector);
    else if (Array.isArray(value)) checkParts(value, collector);
    else collector.report(`must be a string or an array of content parts, not ${describeValue(value)}`);
  };
}

/** `arguments` of a call: an object as JSON text, or an empty string, which stands for `{}`. Section 3.3. */
const checkArguments: Check = (value, collector) => {
  checkText(value, collector);
  if (typeof value !== 'string' || value === '' || isJsonObjectText(value)) return;
  collector.report(
    `must be a JSON object as text${value.length > MAX_DEPTH ? `, of at most ${MAX_DEPTH} levels` : ''}, not ${describeValue(value)}`,
  );
};

function isJsonObjectText(text: string): boolean {
  return !nestsDeeperThan(text, MAX_DEPTH) && isJsonObject(parseJson(text));
}

const checkCalledFunction = objectOf({ name: checkNonEmptyIdentifier, arguments: checkArguments }, [
  'name',
  'arguments',
]);

const checkFunctionCall = objectOf(
  {
    id: checkIdentifier,
    type: oneOf(['function', 'custom']),
    function: checkCalledFunction,
    extra_content: checkExtraContent,
  },
  ['id', 'function'],
);

const checkCustomCall = objectOf(
  {
    id: checkIdentifier,
    custom: objectOf({ name: checkNonEmptyIdentifier, input: checkText }, ['name', 'input']),
    extra_content: checkExtraContent,
  },
  ['id', 'custom'],
);

const checkToolCall: Check = (value, collector) => {
  const isCustom = isJsonObject(value) && value['type'] === 'custom';
  (isCustom ? checkCustomCall : checkFunctionCall)(value, collector);
};

const messageMembers = { role: checkText, name: checkIdentifier, extra_content: checkExtraContent };

const checkSystemMessage = objectOf({ ...messageMembers, content: contentOf(textParts) }, ['content']);

const checkUserMessage = objectOf(
  { ...messageMembers, content: contentOf({ ...textParts, ...mediaParts }) },
  ['content'],
);

const checkAssistantMessage = objectOf(
  {
    ...messageMembers,
    content: contentOf({ ...textParts, ...mediaParts, refusal: partOf('refusal', checkText) }),
    tool_calls: listOf(checkToolCall),
    function_call: checkCalledFunction,
    refusal: checkText,
    reasoning_content: checkText,
    reasoning: checkText,
    audio: objectOf({}),
  },
  [],
  checkAssistantSaysSomething,
);

/** What an assistant message may have instead of content. */
const CONTENT_SUBSTITUTES = [
  'tool_calls',
  'function_call',
  'refusal',
  'audio',
  'reasoning_content',
  'reasoning',
];

function checkAssistantSaysSomething(message: JsonObject, collector: ProblemCollector): void {
  const { content, tool_calls: calls, function_call: call } = message;
  if (Array.isArray(calls) && calls.length > 0 && call != null) {
    collector.reportAt(['function_call'], 'cannot stand beside tool_calls; send only one of them');
  }
  const isPresent = (name: string): boolean =>
    message[name] != null && message[name] !== '' && !isEmptyArray(message[name]);
  if (content == null && !CONTENT_SUBSTITUTES.some(isPresent)) {
    collector.reportAt(
      ['content'],
      'is required in an assistant message without tool_calls, function_call, refusal, audio or reasoning_content',
      'missing_required_parameter',
    );
  }
}

function isEmptyArray(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

const checkToolMessage = objectOf(
  { ...messageMembers, content: contentOf({ ...textParts, ...mediaParts }), tool_call_id: checkIdentifier },
  ['tool_call_id', 'content'],
);

const checkFunctionMessage = objectOf(
  { ...messageMembers, name: checkNonEmptyIdentifier, content: contentOf({ ...textParts, ...mediaParts }) },
  ['name'],
);

const messageChecks = new Map<unknown, Check>([
  ['system', checkSystemMessage],
  ['developer', checkSystemMessage],
  ['user', checkUserMessage],
  ['assistant', checkAssistantMessage],
  ['model', checkAssistantMessage],
  ['tool', checkToolMessage],
  ['function', checkFunctionMessage],
]);

const checkRole = oneOf([...messageChecks.keys()].map(String));

const checkMessage: Check = (value, collector) => {
  if (!isJsonObject(value)) {
    collector.report(`must be a message object, not ${describeValue(value)}`);
    return;
  }
  const { role } = value;
  const check = messageChecks.get(role);
  if (check !== undefined) check(value, collector);
  else if (role == null) reportMissing('role', role, collector);
  else collector.check('role', role, checkRole);
};

/** `messages`: at least one, at most {@link MAX_ITEMS}, each in itself and then all as a conversation. */
export const checkMessages: Check = (value, collector) => {
  if (!Array.isArray(value)) {
    collector.report(`must be an array of messages, not ${describeValue(value)}`);
    return;
  }
  if (value.length === 0 || value.length > MAX_ITEMS) {
    collector.report(`must have 1 to ${MAX_ITEMS} messages, not ${value.length}`);
    return;
  }
  const broken = new Set<unknown>();
  for (let index = 0; index < value.length && !collector.full; index++) {
    const before = collector.problems.length;
    collector.check(index, value[index], checkMessage);
    if (collector.problems.length > before) broken.add(value[index]);
  }
  checkMessageSequence(value, broken, collector);
};
