import { errorFromProblems, type Problem } from '../../errors.ts';
import { readGoogleExtraBody } from '../../wire/openai/google-extra-body.ts';
import type { ChatCompletionRequest } from '../../wire/openai/request.ts';
import { FOREIGN_CONTROLS } from '../../wire/openai/foreign-controls.ts';

/**
 * Which fields the embedded engine cannot honour. A field that would change the answer is refused, or named in
 * `x-parlance-ignored` where the configuration says so; one that would not is accepted. Contract sections 0, 2 and 4.
 */

/** `refuse`: it would change the answer. `name`: accepted without effect, and said so. `accept`: nobody misses it. */
type Verdict = 'refuse' | 'name' | 'accept';

/** Fields of the request this engine handles; everything about them is decided where they are used. */
const HANDLED = new Set([
  'messages',
  'model',
  'max_completion_tokens',
  'max_tokens',
  'temperature',
  'top_p',
  'top_k',
  'n',
  'stop',
  'seed',
  'presence_penalty',
  'frequency_penalty',
  'logit_bias',
  'logprobs',
  'top_logprobs',
  'stream',
  'stream_options',
  'response_format',
  'reasoning_effort',
  'reasoning',
  'thinking',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'functions',
  'function_call',
  'extra_body',
  'google',
]);

/** Of these, what the engine for images and audio cannot do. */
const NOT_BESIDE_MEDIA: Readonly<Record<string, (value: unknown) => boolean>> = {
  logprobs: (value) => value === true,
  logit_bias: (value) => Object.keys(value as object).length > 0,
};

/** Fields that have no effect here and that nobody expects one from. */
const WITHOUT_EFFECT = new Set([
  'metadata',
  'store',
  'user',
  'safety_identifier',
  'prompt_cache_key',
  'prompt_cache_retention',
  'prompt_cache_options',
  'prediction',
]);

const FIELD_VERDICTS: Readonly<Record<string, (value: unknown) => Verdict>> = {
  modalities: (value) =>
    Array.isArray(value) && value.every((item) => item === 'text') ? 'accept' : 'refuse',
  audio: () => 'refuse',
  web_search_options: () => 'refuse',
  moderation: () => 'refuse',
  verbosity: (value) => (value === 'medium' ? 'accept' : 'refuse'),
  service_tier: (value) => (['auto', 'default', 'standard'].includes(String(value)) ? 'accept' : 'name'),
};

const GOOGLE_HANDLED = new Set([
  'thought_tag_marker',
  'thinking_config',
  'top_k',
  'response_json_schema',
  'response_mime_type',
]);

const GOOGLE_VERDICTS: Readonly<Record<string, (value: unknown) => Verdict>> = {
  // There is no safety filter to set, no billing to label, and no media whose resolution could matter.
  safety_settings: () => 'name',
  labels: () => 'name',
  media_resolution: () => 'name',
  stream_function_call_arguments: () => 'name',
  service_tier: () => 'name',
  audio_timestamp: () => 'name',
  response_modalities: (value) =>
    Array.isArray(value) && value.every((item) => String(item).toUpperCase() === 'TEXT')
      ? 'accept'
      : 'refuse',
};

/**
 * Goes through every field of a request.
 *
 * @returns JSON paths of the fields that were accepted and have no effect
 * @throws {GatewayError} `unsupported_parameter`, naming all fields that are refused
 */
export function acceptFields(
  request: ChatCompletionRequest,
  unsupported: 'reject' | 'ignore',
  hasMedia = false,
): string[] {
  const ignored: string[] = [];
  const problems: Problem[] = [];
  const judge = (path: string, verdict: Verdict): void => {
    if (verdict === 'name' || (verdict === 'refuse' && unsupported === 'ignore')) ignored.push(path);
    else if (verdict === 'refuse') {
      problems.push({
        param: path,
        code: 'unsupported_parameter',
        message: 'the embedded model cannot honour this field, and it would change the answer',
      });
    }
  };
  for (const [field, value] of Object.entries(request)) {
    if (value == null || WITHOUT_EFFECT.has(field)) continue;
    if (HANDLED.has(field)) {
      if (hasMedia && NOT_BESIDE_MEDIA[field]?.(value) === true) judge(field, 'refuse');
      continue;
    }
    const verdict = Object.hasOwn(FIELD_VERDICTS, field) ? FIELD_VERDICTS[field] : undefined;
    judge(field, verdict?.(value) ?? (FOREIGN_CONTROLS.has(field) ? 'refuse' : 'name'));
  }
  const { google, otherKeys } = readGoogleExtraBody(request);
  for (const [key, value] of Object.entries(google)) {
    if (value == null || GOOGLE_HANDLED.has(key)) continue;
    const verdict = Object.hasOwn(GOOGLE_VERDICTS, key) ? GOOGLE_VERDICTS[key] : undefined;
    // An unknown key is refused: it may be a known one misspelt. Contract section 4.1.
    judge(`extra_body.google.${key}`, verdict?.(value) ?? 'refuse');
  }
  for (const key of otherKeys) judge(`extra_body.${key}`, key === 'generation_config' ? 'refuse' : 'name');
  if (problems.length > 0) throw errorFromProblems(problems);
  return ignored;
}
