import type { GoogleError } from '../../wire/gemini/error.ts';
import { isJsonObject } from '../../wire/validation/structure-checks.ts';

/**
 * Native path to the client's, longest first. A path that has no entry is a field only Google has. What stands in
 * `contents` and `tools` is named as a whole: messages were merged and moved, so an index would mislead.
 */
const PATHS: readonly (readonly [native: string, param: string])[] = [
  ['generation_config.response_json_schema', 'response_format.json_schema.schema'],
  ['generation_config.response_schema', 'response_format.json_schema.schema'],
  ['generation_config.response_mime_type', 'response_format'],
  ['generation_config.response_modalities', 'modalities'],
  ['generation_config.response_logprobs', 'logprobs'],
  ['generation_config.logprobs', 'top_logprobs'],
  ['generation_config.max_output_tokens', 'max_completion_tokens'],
  ['generation_config.candidate_count', 'n'],
  ['generation_config.stop_sequences', 'stop'],
  ['generation_config.presence_penalty', 'presence_penalty'],
  ['generation_config.frequency_penalty', 'frequency_penalty'],
  ['generation_config.temperature', 'temperature'],
  ['generation_config.top_p', 'top_p'],
  ['generation_config.top_k', 'top_k'],
  ['generation_config.seed', 'seed'],
  ['generation_config.thinking_config', 'extra_body.google.thinking_config'],
  ['generation_config.media_resolution', 'extra_body.google.media_resolution'],
  ['generation_config.speech_config', 'audio'],
  ['generation_config', 'extra_body.google.generation_config'],
  ['system_instruction', 'messages'],
  ['contents', 'messages'],
  ['tools', 'tools'],
  ['tool_config', 'tool_choice'],
  ['safety_settings', 'extra_body.google.safety_settings'],
  ['cached_content', 'extra_body.google.cached_content'],
  ['labels', 'extra_body.google.labels'],
  ['service_tier', 'service_tier'],
  ['model', 'model'],
];

/** Fields of ours that hold the rest of a native path in the same shape. */
const SAME_SHAPE: ReadonlySet<string> = new Set([
  'generation_config.response_json_schema',
  'generation_config.thinking_config',
  'generation_config',
  'safety_settings',
  'labels',
]);

/**
 * The client's field that Google refuses: from the first field violation, else from the place its message names.
 * `undefined` when there is none that a client has written. Contract section 11.2.
 */
export function toOpenAiParam(error: GoogleError): string | undefined {
  const native = violatedField(error) ?? fieldInMessage(error.message ?? '');
  if (native === undefined) return undefined;
  const path = native.replace(/^GenerateContentRequest\./, '');
  for (const [field, param] of PATHS) {
    const spelled = [field, toCamelCase(field)].find((name) => isPrefix(name, path));
    if (spelled !== undefined) return SAME_SHAPE.has(field) ? param + path.slice(spelled.length) : param;
  }
  return undefined;
}

function isPrefix(name: string, path: string): boolean {
  return path.startsWith(name) && /^(?:$|[.[])/.test(path.slice(name.length));
}

function toCamelCase(name: string): string {
  return name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function violatedField({ details }: GoogleError): string | undefined {
  for (const { fieldViolations } of details) {
    const [first]: unknown[] = Array.isArray(fieldViolations) ? fieldViolations : [];
    if (isJsonObject(first) && typeof first['field'] === 'string' && first['field'] !== '')
      return first['field'];
  }
  return undefined;
}

/** `Invalid value at 'generation_config.seed' …` and `* GenerateContentRequest.contents[0].parts: …`. */
function fieldInMessage(message: string): string | undefined {
  return (/\bat '([^']{1,256})'/.exec(message) ??
    /^\* (GenerateContentRequest\.[^\s:]{1,256})/.exec(message))?.[1];
}
