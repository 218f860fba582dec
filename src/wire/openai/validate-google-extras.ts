import type { Check, ProblemCollector } from '../validation/problem-collector.ts';
import {
  checkBoolean,
  checkIdentifier,
  checkNonEmptyText,
  checkText,
  integerIn,
} from '../validation/scalar-checks.ts';
import { isJsonObject, type JsonObject, listOf, mapOf, objectOf } from '../validation/structure-checks.ts';
import { describeValue } from '../validation/describe-value.ts';
import {
  googleSources,
  inBothSpellings,
  readGoogleExtraBody,
  withoutAngleBrackets,
} from './google-extra-body.ts';

/**
 * Shapes of Google's extensions. Keys that are not known here pass: whether they can be honoured depends on the
 * backend. Contract sections 4 and 5.
 */

const MARKER = /^[A-Za-z][A-Za-z0-9_:-]{0,63}$/;

const checkMarker: Check = (value, collector) => {
  if (typeof value === 'string' && MARKER.test(withoutAngleBrackets(value))) return;
  collector.report(
    `must be a tag name: a letter, then up to 63 letters, digits, "_", ":" or "-", not ${describeValue(value)}`,
  );
};

const THINKING_LEVELS = ['minimal', 'low', 'medium', 'high'];

const checkThinkingLevel: Check = (value, collector) => {
  if (typeof value === 'string' && THINKING_LEVELS.includes(value.toLowerCase())) return;
  collector.report(`must be one of ${THINKING_LEVELS.join(', ')}, in any case, not ${describeValue(value)}`);
};

/** Top-level `google`. */
export const checkGoogle = objectOf(
  inBothSpellings({
    thinking_config: objectOf(
      inBothSpellings({
        include_thoughts: checkBoolean,
        thinking_budget: integerIn({ min: -1 }),
        thinking_level: checkThinkingLevel,
      }),
    ),
    thought_tag_marker: checkMarker,
    safety_settings: listOf(
      objectOf({ category: checkNonEmptyText, threshold: checkNonEmptyText, method: checkText }, [
        'category',
        'threshold',
      ]),
    ),
    cached_content: checkNonEmptyText,
    stream_function_call_arguments: checkBoolean,
    tools: listOf(objectOf({})),
    labels: mapOf(checkText),
    generation_config: objectOf({}),
    top_k: integerIn({ min: 1 }),
  }),
);

const extraBodyMembers = { google: checkGoogle, generation_config: objectOf({}) };

/** `extra_body`, once more inside itself where a client has doubled it. */
export const checkExtraBody = objectOf({ ...extraBodyMembers, extra_body: objectOf(extraBodyMembers) });

const checkGoogleContent = objectOf({
  thought_signature: checkText,
  thought: checkBoolean,
  parts: listOf(objectOf({})),
  mime_type: checkIdentifier,
});

/** `extra_content` of messages, parts and tool calls. `vertex` is another name for `google`. */
export const checkExtraContent = objectOf({ google: checkGoogleContent, vertex: checkGoogleContent });

/** One way in which a request says how much the model should think. */
interface ThinkingSetting {
  readonly path: readonly string[];
  /** The `reasoning_effort` that says the same; `undefined` when none does. */
  readonly effort?: string;
}

/**
 * Level and budget exclude each other, and either excludes `reasoning_effort` in all its spellings. Asking for
 * `include_thoughts` alone goes with anything. Contract sections 6.1 and 6.2. Safe on bodies that are not validated.
 */
export function checkThinkingIsSetOnce(body: JsonObject, collector: ProblemCollector): void {
  const settings = effortSettings(body);
  const { thinking } = readGoogleExtraBody(body);
  const keys = (['thinking_budget', 'thinking_level'] as const).filter((key) => thinking[key] !== undefined);
  if (keys.length > 0) {
    const configPath = thinkingConfigPath(body);
    if (keys.length > 1) {
      collector.reportAt(configPath, 'expected one of either thinking_budget or thinking_level; found both');
    }
    settings.push({ path: [...configPath, ...keys.slice(0, 1)] });
  }
  const [first, ...others] = settings;
  const second = others.find(({ effort }) => effort === undefined || effort !== first?.effort);
  if (first === undefined || second === undefined) return;
  collector.reportAt(
    first.path,
    `expected one of either ${first.path.join('.')} or ${second.path.join('.')}; found both, and each sets how much the model thinks`,
  );
}

function effortSettings({ reasoning_effort: effort, reasoning, thinking }: JsonObject): ThinkingSetting[] {
  const settings: ThinkingSetting[] = [];
  if (typeof effort === 'string') settings.push({ path: ['reasoning_effort'], effort });
  if (isJsonObject(reasoning) && typeof reasoning['effort'] === 'string') {
    settings.push({ path: ['reasoning', 'effort'], effort: reasoning['effort'] });
  }
  if (isJsonObject(thinking)) {
    if (thinking['type'] === 'disabled') settings.push({ path: ['thinking', 'type'], effort: 'none' });
    else if (thinking['budget_tokens'] != null) settings.push({ path: ['thinking', 'budget_tokens'] });
  }
  return settings;
}

/** The place of the `thinking_config` that wins, as the client spelled it. */
function thinkingConfigPath(body: JsonObject): string[] {
  for (const { path, google } of googleSources(body).toReversed()) {
    const key = ['thinking_config', 'thinkingConfig'].find((name) => google[name] != null);
    if (key !== undefined) return [...path, key];
  }
  return ['google', 'thinking_config'];
}
