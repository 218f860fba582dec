import { isGroup } from './is-group.ts';
import { suggestName } from './nearest-name.ts';

/**
 * What `compat: openai` and `compat: google` stand for: what OpenAI's clients expect on every route, or what Google's
 * own endpoint does. Contract sections 0, 4.3 and 9.8.
 */
const PRESETS = {
  openai: { unsupported: 'reject', delivery: 'reasoning_content', mode: 'openai' },
  google: { unsupported: 'ignore', delivery: 'google', mode: 'google' },
} as const;

const NAMES = Object.keys(PRESETS);

/**
 * Writes out the word that `compat` may be instead of a group. What the file says about thoughts and usage itself
 * stays, and so does everything that is wrong.
 */
export function expandCompatPreset(value: unknown): unknown {
  if (!isGroup(value)) return value;
  const { compat, thoughts = {}, usage = {} } = value;
  const preset = compat === 'openai' || compat === 'google' ? PRESETS[compat] : undefined;
  if (preset === undefined) return value;
  return {
    ...value,
    compat: { unsupported: preset.unsupported },
    thoughts: isGroup(thoughts) ? { delivery: preset.delivery, ...thoughts } : thoughts,
    usage: isGroup(usage) ? { mode: preset.mode, ...usage } : usage,
  };
}

/** Why a text cannot stand for `compat`. */
export function wrongPreset(text: string): string {
  return `must be \`openai\` or \`google\`, or a group of keys; ${suggestName(text, NAMES)}`;
}
