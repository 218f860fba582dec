import type { Problem } from '../../errors.ts';
import { describeValue } from '../validation/describe-value.ts';
import type { Check, ProblemCollector } from '../validation/problem-collector.ts';
import {
  checkBoolean,
  checkNonEmptyIdentifier,
  checkNonEmptyText,
  checkText,
  integerIn,
  numberIn,
  oneOf,
  textOf,
} from '../validation/scalar-checks.ts';
import {
  isJsonObject,
  type JsonObject,
  listOf,
  mapOf,
  objectOf,
  stringOr,
} from '../validation/structure-checks.ts';
import { hasDotOrEmptySegment, hasModelNameCharacters } from './model-name.ts';
import type { ChatCompletionRequest } from './request.ts';
import { type ChatRequestOptions, validateBody } from './validate-body.ts';
import { checkExtraBody, checkGoogle, checkThinkingIsSetOnce } from './validate-google-extras.ts';
import { checkMessages } from './validate-messages.ts';
import {
  checkFunctionCallChoice,
  checkFunctions,
  checkToolChoice,
  checkToolFields,
  checkTools,
} from './validate-tools.ts';

/**
 * What a chat completion request must be like on every backend: types, ranges, shapes and rules between fields.
 * Whether a backend can honour a correct field is for the backend to say. Contract sections 2 to 8.
 */

export type ParsedChatRequest =
  | { readonly request: ChatCompletionRequest; readonly problems?: never }
  | { readonly request?: never; readonly problems: readonly Problem[] };

/** The body as a typed request, or everything that is wrong with it. */
export function parseChatRequest(body: unknown, options: ChatRequestOptions): ParsedChatRequest {
  const problems = validateChatRequest(body, options);
  return problems.length === 0 ? { request: body as ChatCompletionRequest } : { problems };
}

/**
 * All problems of a body, at most 100, in the order in which a reader meets them. None means that the body is a
 * {@link ChatCompletionRequest}. Never throws and never changes the body, whatever it holds.
 */
export function validateChatRequest(body: unknown, options: ChatRequestOptions): Problem[] {
  return validateBody(body, checkBody, options);
}

/** A model name that can stand in a URL path: no empty, `.` or `..` segments. Empty means absent. */
const checkModel: Check = (value, collector) => {
  if (typeof value !== 'string') {
    collector.report(`must be a string, not ${describeValue(value)}`);
  } else if (value !== '' && !hasModelNameCharacters(value)) {
    collector.report(
      `must be at most 256 letters, digits, ".", "_", ":", "@", "/" or "-", not ${describeValue(value)}`,
    );
  } else if (value !== '' && hasDotOrEmptySegment(value)) {
    collector.report(
      `must not have an empty, "." or ".." segment between slashes, unlike ${describeValue(value)}`,
    );
  }
};

const TWO_TO_63 = 2 ** 63;

/** Any 64-bit integer: beyond 2^53 the client's digits are rounded, which only means another seed. */
const checkSeed: Check = (value, collector) => {
  if (Number.isInteger(value) && Math.abs(value as number) <= TWO_TO_63) return;
  collector.report(`must be a whole number of at most 64 bits, not ${describeValue(value)}`);
};

const checkEffort = oneOf(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']);
const checkEndUser = textOf({ max: 64 });

/** Any type passes, since `type` may be a MIME type or a word a self-deployed server knows. Section 8. */
const checkResponseFormat: Check = stringOr(
  checkNonEmptyIdentifier,
  objectOf(
    {
      type: checkNonEmptyIdentifier,
      json_schema: objectOf({
        name: checkText,
        description: checkText,
        schema: (value, collector) => typeof value === 'boolean' || objectOf({})(value, collector),
        strict: checkBoolean,
      }),
    },
    ['type'],
  ),
);

const checkBody = objectOf(
  {
    messages: checkMessages,
    model: checkModel,
    max_completion_tokens: integerIn({ min: 1 }),
    max_tokens: integerIn({ min: 1 }),
    temperature: numberIn({ min: 0, max: 2 }),
    top_p: numberIn({ min: 0, max: 1 }),
    top_k: integerIn({ min: 1 }),
    n: integerIn({ min: 1, max: 8 }),
    stop: stringOr(checkNonEmptyText, listOf(checkNonEmptyText, { max: 5 })),
    seed: checkSeed,
    presence_penalty: numberIn({ min: -2, max: 2 }),
    frequency_penalty: numberIn({ min: -2, max: 2 }),
    logit_bias: mapOf(numberIn({ min: -100, max: 100 })),
    logprobs: checkBoolean,
    top_logprobs: integerIn({ min: 0, max: 20 }),
    stream: checkBoolean,
    stream_options: objectOf({ include_usage: checkBoolean, include_obfuscation: checkBoolean }),
    response_format: checkResponseFormat,
    reasoning_effort: checkEffort,
    reasoning: objectOf({ effort: checkEffort }),
    thinking: objectOf({ type: oneOf(['enabled', 'disabled']), budget_tokens: integerIn({ min: 0 }) }, [
      'type',
    ]),
    tools: checkTools,
    tool_choice: checkToolChoice,
    parallel_tool_calls: checkBoolean,
    functions: checkFunctions,
    function_call: checkFunctionCallChoice,
    modalities: listOf(oneOf(['text', 'audio', 'image'])),
    audio: objectOf({ voice: stringOr(checkNonEmptyText, objectOf({})), format: checkNonEmptyIdentifier }),
    web_search_options: objectOf({ search_context_size: checkText, user_location: objectOf({}) }),
    service_tier: oneOf(['auto', 'default', 'standard', 'flex', 'scale', 'priority', 'fast']),
    prediction: objectOf({ type: oneOf(['content']) }, ['type']),
    verbosity: oneOf(['low', 'medium', 'high']),
    metadata: mapOf(textOf({ max: 512 }), { maxEntries: 16, maxKeyLength: 64 }),
    store: checkBoolean,
    user: checkEndUser,
    safety_identifier: checkEndUser,
    prompt_cache_key: checkText,
    prompt_cache_retention: checkText,
    prompt_cache_options: objectOf({}),
    moderation: objectOf({}),
    extra_body: checkExtraBody,
    google: checkGoogle,
  },
  ['messages'],
  checkBodyRules,
);

/** Rules between top-level fields. Fields of the wrong type are passed over: they have their own problem. */
function checkBodyRules(body: JsonObject, collector: ProblemCollector): void {
  const { top_logprobs: topLogprobs, logprobs, audio, modalities } = body;
  if (typeof topLogprobs === 'number' && topLogprobs > 0 && logprobs !== true) {
    collector.reportAt(['top_logprobs'], 'needs logprobs: true');
  }
  if (audio != null && !(Array.isArray(modalities) && modalities.includes('audio'))) {
    collector.reportAt(['audio'], 'needs "audio" in modalities');
  }
  checkSchemaIsThere(body['response_format'], collector);
  checkThinkingIsSetOnce(body, collector);
  checkToolFields(body, collector);
}

function checkSchemaIsThere(format: unknown, collector: ProblemCollector): void {
  const isObject = isJsonObject(format);
  const type = isObject ? format['type'] : format;
  if (type !== 'json_schema' || (isObject && format['json_schema'] != null)) return;
  collector.reportAt(
    ['response_format', 'json_schema'],
    'is required when the type is "json_schema"',
    'missing_required_parameter',
  );
}
