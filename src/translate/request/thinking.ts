import type { ThinkingConfig, ThinkingLevel } from '../../wire/gemini/request.ts';
import type { ReasoningEffort } from '../../wire/openai/request.ts';
import type { FieldPath } from './receipt.ts';
import { googlePath, type RequestContext } from './request-context.ts';

/** What one word of `reasoning_effort` becomes. */
export type ThinkingAmount = { readonly budget: number } | { readonly level: ThinkingLevel };

/** How the models of one family are told how much to think. */
export interface ThinkingFamily {
  readonly name: string;
  /** Regular expression on the bare model id; the first family that matches is the model's. */
  readonly models: string;
  /**
   * `budget`: a number of tokens; `level`: a word; `none`: the models refuse any setting; `unknown`: nothing is known,
   * so native settings pass and words such as `low` cannot be translated.
   */
  readonly control: 'budget' | 'level' | 'none' | 'unknown';
  /** `none` is absent where thinking cannot be turned off. `xhigh` and `max` become what `high` is. */
  readonly efforts?: Readonly<Partial<Record<'none', ThinkingAmount>>> &
    Readonly<Record<'minimal' | 'low' | 'medium' | 'high', ThinkingAmount>>;
  /** Smallest and largest budget besides 0 and -1, in tokens. */
  readonly budgetRange?: readonly [min: number, max: number];
}

const OFF = { none: { budget: 0 } };

const BUDGETS = {
  minimal: { budget: 1024 },
  low: { budget: 1024 },
  medium: { budget: 8192 },
  high: { budget: 24_576 },
} as const;

const LEVELS = {
  minimal: { level: 'MINIMAL' },
  low: { level: 'LOW' },
  medium: { level: 'MEDIUM' },
  high: { level: 'HIGH' },
} as const;

const LEVELS_FROM_LOW = { ...LEVELS, minimal: LEVELS.low } as const;

/** Google's models as of mid-2026. Contract section 6.2. */
export const DEFAULT_THINKING_FAMILIES: readonly ThinkingFamily[] = [
  { name: 'image and speech models', models: '^gemini-.*-(image|tts)(-|$)', control: 'none' },
  {
    name: '2.5 Flash-Lite',
    models: '^gemini-2\\.5-flash-lite',
    control: 'budget',
    efforts: { ...OFF, ...BUDGETS },
    budgetRange: [512, 24_576],
  },
  {
    name: '2.5 Flash',
    models: '^gemini-2\\.5-flash',
    control: 'budget',
    efforts: { ...OFF, ...BUDGETS },
    budgetRange: [1, 24_576],
  },
  {
    name: '2.5 Pro',
    models: '^gemini-2\\.5-pro',
    control: 'budget',
    efforts: BUDGETS,
    budgetRange: [128, 32_768],
  },
  { name: '2.5', models: '^gemini-2\\.5-', control: 'budget', efforts: BUDGETS, budgetRange: [128, 24_576] },
  {
    name: '3 Pro',
    models: '^gemini-3-pro',
    control: 'level',
    efforts: { ...LEVELS_FROM_LOW, medium: LEVELS.high },
  },
  { name: '3.1 Pro and later', models: '^gemini-3\\.\\d+-pro', control: 'level', efforts: LEVELS_FROM_LOW },
  { name: '3.7 and 3.8 Flash', models: '^gemini-3\\.[78]-flash', control: 'level', efforts: LEVELS_FROM_LOW },
  { name: '3.x Flash', models: '^gemini-3(\\.\\d+)?-flash', control: 'level', efforts: LEVELS },
  { name: '2.0 and older', models: '^gemini-([01]\\.|2\\.0|1-|2-|pro|ultra)', control: 'none' },
  { name: 'newer Gemini', models: '^gemini-', control: 'level', efforts: LEVELS_FROM_LOW },
  { name: 'Gemma', models: '^gemma', control: 'none' },
];

/** Models that no family's pattern matches, such as tuned ones behind an endpoint id. */
const UNKNOWN_FAMILY: ThinkingFamily = { name: 'unknown', models: '', control: 'unknown' };

/** What a request says about thinking, in whichever spelling, and where. */
type ThinkingWish =
  | { readonly kind: 'effort'; readonly effort: ReasoningEffort; readonly path: FieldPath }
  | { readonly kind: 'tokens'; readonly tokens: number; readonly path: FieldPath }
  | { readonly kind: 'native-budget'; readonly tokens: number; readonly path: FieldPath }
  | { readonly kind: 'native-level'; readonly level: string; readonly path: FieldPath };

/**
 * `reasoning_effort`, `thinking_config` and their other spellings as the setting the model's family takes.
 * Contract section 6.2.
 *
 * @returns an empty object when nothing is to be sent
 */
export function toThinkingConfig(context: RequestContext): ThinkingConfig {
  const family = familyOf(context);
  const wish = readWish(context);
  const amount = wish === undefined ? undefined : amountFor(wish, family, context);
  const config: ThinkingConfig = amount === undefined ? {} : toConfig(amount);
  if (context.extras.thinking.include_thoughts !== true) return config;
  // Gemini refuses to show thoughts where there are none.
  if (family.control !== 'none' && config.thinkingBudget !== 0) return { ...config, includeThoughts: true };
  context.receipt.ignore([...googlePath(context, 'thinking_config'), 'include_thoughts']);
  return config;
}

function familyOf({ target, options }: RequestContext): ThinkingFamily {
  const families = options.thinkingFamilies ?? DEFAULT_THINKING_FAMILIES;
  return families.find(({ models }) => new RegExp(models).test(target.model)) ?? UNKNOWN_FAMILY;
}

/** Validation has seen to it that there is at most one wish, or the same one twice. */
function readWish(context: RequestContext): ThinkingWish | undefined {
  const { request, extras } = context;
  const { thinking_budget: budget, thinking_level: level } = extras.thinking;
  const configPath = (key: string): FieldPath => [...googlePath(context, 'thinking_config'), key];
  if (budget !== undefined)
    return { kind: 'native-budget', tokens: budget, path: configPath('thinking_budget') };
  if (level !== undefined) return { kind: 'native-level', level, path: configPath('thinking_level') };
  const { reasoning_effort: effort, reasoning, thinking } = request;
  if (effort != null) return { kind: 'effort', effort, path: ['reasoning_effort'] };
  if (reasoning?.effort != null)
    return { kind: 'effort', effort: reasoning.effort, path: ['reasoning', 'effort'] };
  if (thinking == null) return undefined;
  if (thinking.type === 'disabled') return { kind: 'effort', effort: 'none', path: ['thinking', 'type'] };
  if (thinking.budget_tokens == null) return { kind: 'tokens', tokens: -1, path: ['thinking', 'type'] };
  return { kind: 'tokens', tokens: thinking.budget_tokens, path: ['thinking', 'budget_tokens'] };
}

function amountFor(
  wish: ThinkingWish,
  family: ThinkingFamily,
  context: RequestContext,
): ThinkingAmount | undefined {
  const { receipt } = context;
  if (isForNothing(wish) && family.control === 'none') return undefined;
  if (family.control === 'none') {
    receipt.refuse(wish.path, `cannot be set: ${context.target.model} takes no setting of how much to think`);
    return undefined;
  }
  switch (wish.kind) {
    case 'effort':
      return amountOfEffort(wish, family, context);
    case 'tokens':
      return amountOfTokens(wish, family, context);
    case 'native-budget':
      return { budget: Math.min(wish.tokens, MAX_INT32) };
    case 'native-level': {
      const level = wish.level.toUpperCase() as ThinkingLevel;
      // Gemini 2.5 knows no levels; Google's own table says what they are worth.
      return family.control === 'budget'
        ? family.efforts?.[wish.level as 'minimal' | 'low' | 'medium' | 'high']
        : { level };
    }
  }
}

const MAX_INT32 = 2 ** 31 - 1;

function isForNothing(wish: ThinkingWish): boolean {
  return wish.kind === 'effort' ? wish.effort === 'none' : 'tokens' in wish && wish.tokens === 0;
}

function amountOfEffort(
  { effort, path }: { effort: ReasoningEffort; path: FieldPath },
  { efforts, name }: ThinkingFamily,
  { receipt, target }: RequestContext,
): ThinkingAmount | undefined {
  if (efforts === undefined) {
    receipt.refuse(
      path,
      `cannot be translated: nothing is known about how ${target.model} thinks; set google.thinking_config instead`,
    );
    return undefined;
  }
  switch (effort) {
    case 'none':
      if (efforts.none !== undefined) return efforts.none;
      receipt.refuse(
        path,
        `cannot be "none": models of the family ${name} always think; the least is "minimal"`,
      );
      return efforts.minimal;
    case 'xhigh':
    case 'max':
      receipt.ignore([...path, effort]);
      return efforts.high;
    default:
      return efforts[effort];
  }
}

/** A number of tokens from a client of another API, brought into the family's range or to its levels. */
function amountOfTokens(
  { tokens, path }: { tokens: number; path: FieldPath },
  family: ThinkingFamily,
  context: RequestContext,
): ThinkingAmount | undefined {
  if (tokens === 0) return amountOfEffort({ effort: 'none', path }, family, context);
  if (family.control === 'level') {
    // Without a number the model's own default holds, which is to think.
    return tokens < 0 ? undefined : amountOfEffort({ effort: levelOfTokens(tokens), path }, family, context);
  }
  if (tokens < 0) return { budget: -1 };
  const [min, max] = family.budgetRange ?? [1, MAX_INT32];
  const budget = Math.min(Math.max(tokens, min), max);
  if (budget !== tokens) context.receipt.ignore(path);
  return { budget };
}

function levelOfTokens(tokens: number): 'low' | 'medium' | 'high' {
  if (tokens <= BUDGETS.low.budget) return 'low';
  return tokens <= BUDGETS.medium.budget ? 'medium' : 'high';
}

function toConfig(amount: ThinkingAmount): ThinkingConfig {
  return 'budget' in amount ? { thinkingBudget: amount.budget } : { thinkingLevel: amount.level };
}
