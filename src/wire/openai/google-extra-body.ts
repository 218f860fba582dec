import { isJsonObject } from '../validation/structure-checks.ts';
import type { ChatCompletionRequest } from './request.ts';

/** The keys of `google` a client may also spell in camelCase. Contract section 4.2. */
export const GOOGLE_KEYS = [
  'audio_timestamp',
  'cached_content',
  'generation_config',
  'image_config',
  'media_resolution',
  'model_armor_config',
  'model_safety_settings',
  'response_json_schema',
  'response_mime_type',
  'response_modalities',
  'response_schema',
  'routing_config',
  'safety_settings',
  'service_tier',
  'speech_config',
  'stream_function_call_arguments',
  'system_instruction',
  'thinking_config',
  'thought_tag_marker',
  'tool_config',
  'top_k',
] as const;

const THINKING_KEYS = ['include_thoughts', 'thinking_budget', 'thinking_level'] as const;

const GOOGLE_SPELLINGS = camelCaseSpellings(GOOGLE_KEYS);
const THINKING_SPELLINGS = camelCaseSpellings(THINKING_KEYS);

/** Google's extensions of one request, whatever way they came. */
export interface GoogleExtras {
  /**
   * All `google` objects merged, known keys in snake_case, nulls left out. Has no prototype: a key such as
   * `constructor` is there only if the client sent it.
   */
  readonly google: Readonly<Record<string, unknown>>;
  readonly thinking: ThinkingExtras;
  /** Keys beside `google` in `extra_body`, `generation_config` among them, each once. */
  readonly otherKeys: readonly string[];
}

/** `thinking_config` after merging. Section 4.2. */
export interface ThinkingExtras {
  readonly include_thoughts?: boolean;
  /** Tokens; 0 turns thinking off, -1 leaves it to the model. */
  readonly thinking_budget?: number;
  /** `minimal`, `low`, `medium` or `high`. */
  readonly thinking_level?: string;
}

/** One `google` object of a request and where it stands. */
export interface GoogleSource {
  readonly path: readonly string[];
  readonly google: Readonly<Record<string, unknown>>;
}

const NO_EXTRAS: GoogleExtras = { google: Object.freeze(emptyRecord()), thinking: {}, otherKeys: [] };

/**
 * Google's extensions of a validated request: top-level `google`, then `extra_body.google`, then a doubled
 * `extra_body.extra_body.google`. A later one wins key by key, inside `thinking_config` too. Contract section 4.1.
 */
export function readGoogleExtraBody(
  request: Pick<ChatCompletionRequest, 'google' | 'extra_body'>,
): GoogleExtras {
  if (request.google == null && request.extra_body == null) return NO_EXTRAS;
  const google = emptyRecord();
  const thinking = emptyRecord();
  for (const source of googleSources(request)) {
    for (const [name, value] of namedEntries(source.google, GOOGLE_SPELLINGS)) {
      if (name !== 'thinking_config') google[name] = value;
      else if (isJsonObject(value)) assign(thinking, namedEntries(value, THINKING_SPELLINGS));
    }
  }
  if (Object.keys(thinking).length > 0) google['thinking_config'] = thinking;
  return { google, thinking: readThinking(thinking), otherKeys: otherKeys(request) };
}

/** The `google` objects of a body in the order in which they are merged. Safe on bodies that are not validated. */
export function googleSources(body: {
  readonly google?: unknown;
  readonly extra_body?: unknown;
}): GoogleSource[] {
  const outer = isJsonObject(body.extra_body) ? body.extra_body : {};
  const inner = isJsonObject(outer['extra_body']) ? outer['extra_body'] : {};
  const places: [readonly string[], unknown][] = [
    [['google'], body.google],
    [['extra_body', 'google'], outer['google']],
    [['extra_body', 'extra_body', 'google'], inner['google']],
  ];
  return places.flatMap(([path, google]) => (isJsonObject(google) ? [{ path, google }] : []));
}

/** The tag name asked for with `thought_tag_marker`, without `<` and `>` around it. Contract section 4.3. */
export function thoughtTagMarker(google: Readonly<Record<string, unknown>>): string | undefined {
  const marker = google['thought_tag_marker'];
  return typeof marker === 'string' ? withoutAngleBrackets(marker) : undefined;
}

/** Removes one pair of `<` and `>` around a marker. */
export function withoutAngleBrackets(marker: string): string {
  return marker.startsWith('<') && marker.endsWith('>') ? marker.slice(1, -1) : marker;
}

/** Members for a table of known keys, each also under its camelCase name. */
export function inBothSpellings<T>(members: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(
    Object.entries(members).flatMap(([name, value]) => [
      [name, value],
      [toCamelCase(name), value],
    ]),
  );
}

function readThinking(config: Readonly<Record<string, unknown>>): ThinkingExtras {
  const { include_thoughts, thinking_budget, thinking_level } = config;
  return {
    ...(typeof include_thoughts === 'boolean' ? { include_thoughts } : {}),
    ...(typeof thinking_budget === 'number' ? { thinking_budget } : {}),
    ...(typeof thinking_level === 'string' ? { thinking_level: thinking_level.toLowerCase() } : {}),
  };
}

function otherKeys(request: Pick<ChatCompletionRequest, 'extra_body'>): string[] {
  const outer = isJsonObject(request.extra_body) ? request.extra_body : {};
  const inner = isJsonObject(outer['extra_body']) ? outer['extra_body'] : {};
  const known = new Set(['google', 'extra_body']);
  return [...new Set([...Object.keys(outer), ...Object.keys(inner)])].filter((key) => !known.has(key));
}

/** Entries with known names in snake_case, without the nulls. */
function namedEntries(
  value: Readonly<Record<string, unknown>>,
  spellings: ReadonlyMap<string, string>,
): [string, unknown][] {
  return Object.entries(value)
    .filter(([, member]) => member != null)
    .map(([name, member]) => [spellings.get(name) ?? name, member]);
}

function assign(target: Record<string, unknown>, entries: readonly [string, unknown][]): void {
  for (const [name, value] of entries) target[name] = value;
}

/** Without a prototype, so that a client's `__proto__` is a key like any other. */
function emptyRecord(): Record<string, unknown> {
  return Object.create(null) as Record<string, unknown>;
}

function camelCaseSpellings(names: readonly string[]): ReadonlyMap<string, string> {
  return new Map(names.map((name) => [toCamelCase(name), name]));
}

function toCamelCase(name: string): string {
  return name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
