import type { CallerPolicy, LimitName } from '../caller-policy.ts';
import type { NewKey } from '../state/keys/key-store.ts';
import { type CommandLine, CommandLineError } from './run-command.ts';

/** Options that say what a new key is for. */
export const KEY_OPTIONS = {
  name: { type: 'string' },
  models: { type: 'string' },
  endpoints: { type: 'string' },
  projects: { type: 'string' },
  expires: { type: 'string' },
  'requests-per-minute': { type: 'string' },
  'tokens-per-minute': { type: 'string' },
  'concurrent-requests': { type: 'string' },
  'tokens-per-day': { type: 'string' },
  'tokens-per-month': { type: 'string' },
} as const;

/** Those that say how much a key may use. */
const LIMIT_OPTIONS = {
  'requests-per-minute': 'requestsPerMinute',
  'tokens-per-minute': 'tokensPerMinute',
  'concurrent-requests': 'concurrentRequests',
  'tokens-per-day': 'tokensPerDay',
  'tokens-per-month': 'tokensPerMonth',
} as const satisfies Record<string, LimitName>;

type LimitOption = keyof typeof LIMIT_OPTIONS;

const limitOptions = Object.keys(LIMIT_OPTIONS) as readonly LimitOption[];

/** Those that say what a key may be used for. */
const LIST_OPTIONS = ['models', 'endpoints', 'projects'] as const;

type KeyValues = CommandLine<typeof KEY_OPTIONS>['values'];

/** @throws {CommandLineError} that says which option is wrong */
export function readKey(values: KeyValues): NewKey {
  const { name = '', expires } = values;
  if (name.trim() === '') throw new CommandLineError('Say for whom the key is: --name NAME.');
  return {
    name: name.trim(),
    policy: readPolicy(values),
    ...(expires !== undefined && { expiresAt: readExpiry(expires) }),
  };
}

function readPolicy(values: KeyValues): CallerPolicy {
  const lists = LIST_OPTIONS.flatMap((option) => {
    const text = values[option];
    return text === undefined ? [] : [[option, readList(option, text)] as const];
  });
  const limits = limitOptions.flatMap((option) => {
    const text = values[option];
    return text === undefined ? [] : [[LIMIT_OPTIONS[option], readLimit(option, text)] as const];
  });
  return {
    ...Object.fromEntries(lists),
    ...(limits.length > 0 && { limits: Object.fromEntries(limits) }),
  };
}

function readLimit(option: LimitOption, text: string): number {
  if (!/^[1-9]\d{0,11}$/.test(text))
    throw new CommandLineError(`--${option} wants a whole number from 1 to 999999999999, not "${text}".`);
  return Number(text);
}

function readList(option: string, text: string): string[] {
  const entries = text.split(',').map((entry) => entry.trim());
  if (entries.includes(''))
    throw new CommandLineError(`--${option} wants names with a comma between: --${option} A,B.`);
  return entries;
}

const HOUR_MS = 3_600_000;

const DATE = /^\d{4}-\d{2}-\d{2}(?:T[\d:.]+(?:Z|[+-]\d{2}:\d{2}))?$/;

function readExpiry(text: string): Date {
  const [, count, unit] = /^([1-9]\d{0,4})([dh])$/.exec(text) ?? [];
  const date =
    count === undefined
      ? new Date(DATE.test(text) ? text : Number.NaN)
      : new Date(Date.now() + Number(count) * (unit === 'd' ? 24 * HOUR_MS : HOUR_MS));
  if (!(date.getTime() > Date.now()))
    throw new CommandLineError(
      `--expires wants 30d, 12h or a date to come such as 2027-01-31, not "${text}".`,
    );
  return date;
}

/** What a key may be used for, under the names of the options. */
export function describePolicy(policy: CallerPolicy): string {
  const lists = LIST_OPTIONS.flatMap((name) => {
    const list = policy[name];
    return list === undefined ? [] : `${name} ${list.join(', ')}`;
  });
  const limits = limitOptions.flatMap((option) => {
    const limit = policy.limits?.[LIMIT_OPTIONS[option]];
    return limit === undefined ? [] : `${limit} ${option.replaceAll('-', ' ')}`;
  });
  return [...(lists.length === 0 ? ['everything'] : lists), ...limits].join('; ');
}
