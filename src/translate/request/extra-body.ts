import type { GenerateContentRequest, Part } from '../../wire/gemini/request.ts';
import { GOOGLE_KEYS } from '../../wire/openai/google-extra-body.ts';
import { modelArmorConfig, safetySetting, systemInstruction } from './native-messages.ts';
import { listOf, mapOf, text } from './native-shape.ts';
import { googlePath, type RequestContext } from './request-context.ts';

/** Keys of `google` that are handled here or by the part of the translation they belong to. Contract section 4.2. */
const KNOWN_KEYS: ReadonlySet<string> = new Set([
  ...GOOGLE_KEYS,
  // Without a second spelling.
  'labels',
  'tools',
]);

type RootFields = Pick<
  GenerateContentRequest,
  'safetySettings' | 'cachedContent' | 'labels' | 'modelArmorConfig' | 'serviceTier'
>;

/** The fields of `google` that stand at the root of the native body. */
export function toRootFields(context: RequestContext, tier: ServiceTier | undefined): RootFields {
  const { extras, receipt, native } = context;
  nameOthers(context);
  const { google } = extras;
  const fields: RootFields = {};
  const safety = native.read(
    google['safety_settings'],
    listOf(safetySetting),
    googlePath(context, 'safety_settings'),
  );
  if (Array.isArray(safety) && safety.length > 0) fields.safetySettings = safety.filter(isCompleteSetting);
  const armor = native.readObject(
    google['model_armor_config'],
    { ...modelArmorConfig, only: 'vertex' },
    googlePath(context, 'model_armor_config'),
  );
  if (armor !== undefined) fields.modelArmorConfig = armor;
  if (armor !== undefined && fields.safetySettings !== undefined) {
    receipt.fail(
      googlePath(context, 'model_armor_config'),
      'cannot stand beside safety_settings; send only one of them',
    );
  }
  const cachedContent = google['cached_content'];
  if (typeof cachedContent === 'string') fields.cachedContent = cachedContent;
  const labels = toLabels(context);
  if (labels !== undefined) fields.labels = labels;
  // Vertex AI takes it as a header.
  if (tier !== undefined && context.target.upstream === 'gemini') fields.serviceTier = tier;
  return fields;
}

/** The parts of `google.system_instruction`: a native Content or a string. */
export function toNativeInstruction(context: RequestContext): Part[] {
  const value = context.extras.google['system_instruction'];
  const content = context.native.readObject(
    typeof value === 'string' ? { parts: [{ text: value }] } : value,
    systemInstruction,
    googlePath(context, 'system_instruction'),
  );
  const parts = (content?.['parts'] ?? []) as Part[];
  return parts.filter((part) => part.text !== undefined && part.text !== '');
}

/** An unknown key may be a known one misspelt, so that it is refused. Contract section 4.1. */
function nameOthers(context: RequestContext): void {
  const { extras, receipt } = context;
  for (const key of Object.keys(extras.google)) {
    if (!KNOWN_KEYS.has(key))
      receipt.refuse(googlePath(context, key), 'is no key of google that is known here');
  }
  for (const key of extras.otherKeys) {
    if (key !== 'generation_config') receipt.ignore(['extra_body', key]);
  }
  if (extras.google['model_safety_settings'] !== undefined) {
    receipt.refuse(
      googlePath(context, 'model_safety_settings'),
      'is a setting of managed Llama models; Gemini has safety_settings',
    );
  }
}

/** A setting one of whose enum names is unknown to the upstream was refused as a whole. */
function isCompleteSetting(setting: unknown): setting is { category: string; threshold: string } {
  return typeof setting === 'object' && setting !== null && 'category' in setting && 'threshold' in setting;
}

/** Labels only sort the bill, so that their absence changes no answer. */
function toLabels(context: RequestContext): Record<string, string> | undefined {
  const labels = context.extras.google['labels'];
  const path = googlePath(context, 'labels');
  if (labels === undefined || context.target.upstream === 'vertex')
    return context.native.read(labels, mapOf(text), path) as Record<string, string> | undefined;
  context.receipt.ignore(path);
  return undefined;
}

const TIERS: ReadonlyMap<unknown, 'flex' | 'priority'> = new Map([
  ['flex', 'flex'],
  ['priority', 'priority'],
  ['fast', 'priority'],
]);

const STANDARD_TIERS: ReadonlySet<unknown> = new Set(['auto', 'default', 'standard']);

export type ServiceTier = 'flex' | 'priority';

/** `service_tier`, else that of `google`. */
export function toServiceTier(context: RequestContext): ServiceTier | undefined {
  const { request, extras, receipt } = context;
  const isOpenAi = request.service_tier != null;
  const asked = isOpenAi ? request.service_tier : extras.google['service_tier'];
  if (asked === undefined) return undefined;
  const path = isOpenAi ? ['service_tier'] : googlePath(context, 'service_tier');
  const name: unknown = typeof asked === 'string' ? asked.toLowerCase() : asked;
  if (STANDARD_TIERS.has(name)) return undefined;
  const tier = TIERS.get(name);
  if (tier === undefined) {
    receipt.refuse(path, 'must be auto, default, standard, flex, priority or fast: Gemini has no other tier');
    return undefined;
  }
  return tier;
}
