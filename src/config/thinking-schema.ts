/** Model families that a configuration adds to the table of how models are told how much to think. Contract section 6.2. */
import { z } from 'zod';
import type { ThinkingAmount, ThinkingFamily } from '../translate/request/thinking.ts';
import type { DeepReadonly } from './deep-freeze.ts';
import { oneOf, wholeNumber } from './value-schemas.ts';

const LEVELS = ['minimal', 'low', 'medium', 'high'] as const;
const MAX_TOKENS = 1_000_000;

const amountMessage = `must be a number of tokens from 0 to ${MAX_TOKENS}, or ${LEVELS.map((level) => `\`${level}\``).join(' or ')}`;

function amount(description: string) {
  return z
    .union([z.int().min(0).max(MAX_TOKENS), z.enum(LEVELS)], { error: amountMessage })
    .describe(description);
}

export const thinkingFamilySchema = z
  .strictObject({
    match: z
      .string()
      .min(1, 'must not be empty')
      .refine(isRegularExpression, 'must be a regular expression')
      .describe(
        'Regular expression on the model name without `google/`, such as `^my-tuned-`. The first match wins, and these come before what Parlance knows itself.',
      ),
    control: oneOf(
      ['budget', 'level', 'none'],
      'What the models take: a number of tokens, a word, or nothing at all.',
    ),
    efforts: z
      .strictObject({
        none: amount(
          'What `reasoning_effort: none` sends. When absent: the models always think.',
        ).exactOptional(),
        minimal: amount('What `minimal` sends.'),
        low: amount('What `low` sends.'),
        medium: amount('What `medium` sends.'),
        high: amount('What `high`, `xhigh` and `max` send.'),
      })
      .exactOptional(),
    budget_range: z
      .strictObject({
        min: wholeNumber({ min: 1, max: MAX_TOKENS }, 'Smallest number of tokens besides 0.'),
        max: wholeNumber({ min: 1, max: MAX_TOKENS }, 'Largest number of tokens.'),
      })
      .refine(({ min, max }) => min <= max, '`min` must not be above `max`')
      .exactOptional(),
  })
  .superRefine(({ control, efforts = {}, budget_range: range }, context) => {
    const problem = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
    const given = Object.entries(efforts);
    if (control === 'none' ? given.length > 0 : given.length === 0) {
      const message =
        control === 'none' ? 'has no meaning with control `none`' : `is needed with control \`${control}\``;
      problem(['efforts'], message);
    }
    for (const [effort, value] of given) {
      const wanted = control === 'budget' ? 'number' : 'string';
      // Nothing but a budget of 0 turns thinking off.
      if (control === 'none' || typeof value === wanted || (effort === 'none' && value === 0)) continue;
      const form = control === 'budget' ? 'a number of tokens' : 'a word such as `low`';
      problem(['efforts', effort], `must be ${form}, because \`control\` is \`${control}\``);
    }
    if (range !== undefined && control !== 'budget') {
      problem(['budget_range'], 'has a meaning with control `budget` only');
    }
  });

type ThinkingFamilyConfig = z.output<typeof thinkingFamilySchema>;

function isRegularExpression(text: string): boolean {
  try {
    void new RegExp(text);
    return true;
  } catch {
    return false;
  }
}

/** The families as the translation takes them. */
export function toThinkingFamilies(rows: DeepReadonly<ThinkingFamilyConfig[]>): ThinkingFamily[] {
  return rows.map(({ match, control, efforts, budget_range: range }) => ({
    name: match,
    models: match,
    control,
    ...(efforts !== undefined && {
      efforts: {
        ...(efforts.none !== undefined && { none: toAmount(efforts.none) }),
        minimal: toAmount(efforts.minimal),
        low: toAmount(efforts.low),
        medium: toAmount(efforts.medium),
        high: toAmount(efforts.high),
      },
    }),
    ...(range !== undefined && { budgetRange: [range.min, range.max] as const }),
  }));
}

function toAmount(value: number | (typeof LEVELS)[number]): ThinkingAmount {
  if (typeof value === 'number') return { budget: value };
  return { level: value.toUpperCase() as Uppercase<(typeof LEVELS)[number]> };
}
