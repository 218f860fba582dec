import type { GenerationConfig, ThinkingConfig } from '../../wire/gemini/request.ts';
import { isJsonObject } from '../../wire/validation/structure-checks.ts';
import { generationConfig } from './native-messages.ts';
import type { FieldPath } from './receipt.ts';
import { googlePath, type RequestContext } from './request-context.ts';
import { toResponseFormat } from './response-format.ts';
import { toThinkingConfig } from './thinking.ts';

/** Keys of `google` that are one field of the native generation config each. Contract section 4.2. */
const NATIVE_KEYS = {
  top_k: 'topK',
  response_modalities: 'responseModalities',
  image_config: 'imageConfig',
  speech_config: 'speechConfig',
  audio_timestamp: 'audioTimestamp',
  response_schema: 'responseSchema',
  response_json_schema: 'responseJsonSchema',
  response_mime_type: 'responseMimeType',
  routing_config: 'routingConfig',
  media_resolution: 'mediaResolution',
} as const;

/**
 * The native generation config: what the client wrote natively, beneath its OpenAI fields. Call it after all content
 * is translated, since earlier models take the resolution of media here. Contract sections 2, 4.2, 6 and 8.
 */
export function toGenerationConfig(context: RequestContext): GenerationConfig {
  const native = readNativeConfig(context);
  const thinking = mergeThinking(native.thinkingConfig, toThinkingConfig(context), context);
  const config: GenerationConfig = {
    ...withFormat(native, toResponseFormat(context), context),
    ...toSampling(context),
    ...toAudio(native, context),
    ...(thinking === undefined ? {} : { thinkingConfig: thinking }),
  };
  if (thinking === undefined) delete config.thinkingConfig;
  addResolution(config, context);
  // A schema without a MIME type is refused.
  const hasSchema = config.responseSchema !== undefined || config.responseJsonSchema !== undefined;
  if (hasSchema) config.responseMimeType ??= 'application/json';
  return config;
}

/** `generation_config` from `extra_body` and `google`, then the single keys of `google`; later ones win. */
function readNativeConfig(context: RequestContext): GenerationConfig {
  const { request, extras, native } = context;
  const outer = request.extra_body;
  const inner = isJsonObject(outer?.['extra_body']) ? outer['extra_body'] : undefined;
  const sources: [unknown, FieldPath][] = [
    [outer?.['generation_config'], ['extra_body', 'generation_config']],
    [inner?.['generation_config'], ['extra_body', 'extra_body', 'generation_config']],
    [extras.google['generation_config'], googlePath(context, 'generation_config')],
  ];
  const config: GenerationConfig = {};
  for (const [value, path] of sources)
    Object.assign(config, native.readObject(value, generationConfig, path));
  for (const [key, name] of Object.entries(NATIVE_KEYS)) {
    const shape = generationConfig.fields[name];
    const value = extras.google[key];
    if (value === undefined || shape === undefined) continue;
    const read = native.read(value, shape, googlePath(context, key));
    if (read !== undefined) Object.assign(config, { [name]: read });
  }
  if (config.responseSchema !== undefined && config.responseJsonSchema !== undefined) {
    context.receipt.fail(
      googlePath(context, 'response_schema'),
      'cannot stand beside response_json_schema; send only one of them',
    );
  }
  return config;
}

/** `response_format` replaces the whole native format: a schema belongs to the MIME type it came with. */
function withFormat(
  native: GenerationConfig,
  format: GenerationConfig,
  context: RequestContext,
): GenerationConfig {
  if (Object.keys(format).length === 0) return native;
  const { responseMimeType: _, responseSchema: __, responseJsonSchema: ___, ...others } = native;
  for (const key of ['response_mime_type', 'response_schema', 'response_json_schema']) {
    if (context.extras.google[key] !== undefined) context.receipt.ignore(googlePath(context, key));
  }
  return { ...others, ...format };
}

const MAX_INT32 = 2 ** 31 - 1;

function toSampling({ request }: RequestContext): GenerationConfig {
  const { temperature, top_p: topP, top_k: topK, n, stop, seed, logprobs } = request;
  const { presence_penalty: presence, frequency_penalty: frequency, top_logprobs: topLogprobs } = request;
  const maxTokens = request.max_completion_tokens ?? request.max_tokens;
  return {
    // Beyond any model's limit either way; the upstream says what its limit is.
    ...(maxTokens == null ? {} : { maxOutputTokens: Math.min(maxTokens, MAX_INT32) }),
    ...(temperature == null ? {} : { temperature }),
    ...(topP == null ? {} : { topP }),
    ...(topK == null ? {} : { topK: Math.min(topK, MAX_INT32) }),
    ...(n == null ? {} : { candidateCount: n }),
    ...(stop == null || stop.length === 0 ? {} : { stopSequences: typeof stop === 'string' ? [stop] : stop }),
    ...(seed == null ? {} : { seed: foldSeed(seed) }),
    // Some models refuse any penalty, even one without effect.
    ...(presence == null || presence === 0 ? {} : { presencePenalty: presence }),
    ...(frequency == null || frequency === 0 ? {} : { frequencyPenalty: frequency }),
    ...(logprobs === true ? { responseLogprobs: true } : {}),
    ...(logprobs === true && topLogprobs != null && topLogprobs > 0 ? { logprobs: topLogprobs } : {}),
  };
}

/** A seed of 64 bits as one of 32: itself where it fits, else a fixed mix of both halves. */
export function foldSeed(seed: number): number {
  if (seed === (seed | 0)) return seed | 0;
  const bits = BigInt.asIntN(64, BigInt(seed));
  const low = Number(BigInt.asIntN(32, bits));
  const high = Number(BigInt.asIntN(32, bits >> 32n));
  // The multipliers of MurmurHash3's finaliser.
  let mixed = low ^ Math.imul(high, 0x85_eb_ca_6b);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0xc2_b2_ae_35);
  return mixed ^ (mixed >>> 16);
}

/** Voices of OpenAI's API, none of which Gemini has. */
const OPENAI_VOICES: ReadonlySet<string> = new Set([
  'alloy',
  'ash',
  'ballad',
  'cedar',
  'coral',
  'echo',
  'fable',
  'marin',
  'nova',
  'onyx',
  'sage',
  'shimmer',
  'verse',
]);

const DEFAULT_VOICE = 'Kore';

/** What the server can make of the raw samples Gemini answers with. */
const AUDIO_FORMATS: ReadonlySet<string> = new Set(['pcm16', 'wav']);

function toAudio(
  { speechConfig }: GenerationConfig,
  { request, options, receipt }: RequestContext,
): GenerationConfig {
  const { modalities, audio } = request;
  const config: GenerationConfig = {};
  if (modalities != null && modalities.length > 0)
    config.responseModalities = modalities.map((modality) => modality.toUpperCase());
  if (audio == null) return config;
  const { voice, format } = audio;
  if (format != null && !AUDIO_FORMATS.has(format))
    receipt.refuse(['audio', 'format'], 'must be "wav" or "pcm16": Gemini answers with raw samples');
  if (typeof voice === 'string') {
    const voiceName = voiceFor(voice, options.voiceMap ?? {});
    config.speechConfig = { ...speechConfig, voiceConfig: { prebuiltVoiceConfig: { voiceName } } };
  } else if (voice != null) {
    receipt.refuse(
      ['audio', 'voice'],
      "must be a voice's name: voices made with OpenAI do not exist on Gemini",
    );
  }
  return config;
}

function voiceFor(voice: string, voiceMap: Readonly<Record<string, string>>): string {
  const mapped = Object.hasOwn(voiceMap, voice) ? voiceMap[voice] : undefined;
  return mapped ?? (OPENAI_VOICES.has(voice) ? DEFAULT_VOICE : voice);
}

/** The OpenAI-level setting over the native one, key by key; budget and level exclude each other. */
function mergeThinking(
  native: ThinkingConfig | undefined,
  asked: ThinkingConfig,
  context: RequestContext,
): ThinkingConfig | undefined {
  const setsAmount = asked.thinkingBudget !== undefined || asked.thinkingLevel !== undefined;
  const { thinkingBudget: _, thinkingLevel: __, ...withoutAmount } = native ?? {};
  const merged = { ...(setsAmount ? withoutAmount : native), ...asked };
  if (context.extras.thinking.include_thoughts === false) delete merged.includeThoughts;
  return Object.keys(merged).length === 0 ? undefined : merged;
}

/** The resolution all parts share, for models that take it here; it must not contradict the request's own. */
function addResolution(config: GenerationConfig, context: RequestContext): void {
  if (config.mediaResolution !== undefined && !context.model.partMediaResolution) {
    context.resolution.ask(config.mediaResolution, googlePath(context, 'media_resolution'));
  }
  const { level } = context.resolution;
  if (level !== undefined) config.mediaResolution = level;
}
