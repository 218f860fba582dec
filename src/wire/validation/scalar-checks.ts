import { describeValue } from './describe-value.ts';
import type { Check, ProblemCollector } from './problem-collector.ts';

/** Checks of single JSON values. Messages read as `<path>: must be …, not …`. */

export interface NumberRange {
  readonly min?: number;
  readonly max?: number;
}

export interface LengthRange {
  /** UTF-16 code units. @default 0 */
  readonly min?: number;
  /** UTF-16 code units. @default no limit */
  readonly max?: number;
}

export const checkBoolean: Check = (value, collector) => {
  if (typeof value !== 'boolean') collector.report(`must be true or false, not ${describeValue(value)}`);
};

/** A number within `min` and `max`, both included. A number written as a string is refused. */
export function numberIn({ min = -Infinity, max = Infinity }: NumberRange): Check {
  const expected = `must be a number${describeRange(min, max)}`;
  return (value, collector) => {
    if (typeof value === 'number' && value >= min && value <= max) return;
    collector.report(`${expected}, not ${describeValue(value)}`);
  };
}

/** A whole number within `min` and `max`, both included, that a double holds exactly. */
export function integerIn({
  min = Number.MIN_SAFE_INTEGER,
  max = Number.MAX_SAFE_INTEGER,
}: NumberRange): Check {
  const expected = `must be a whole number${describeRange(min, max)}`;
  return (value, collector) => {
    if (Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max) return;
    collector.report(`${expected}, not ${describeValue(value)}`);
  };
}

function describeRange(min: number, max: number): string {
  const hasMin = min > Number.MIN_SAFE_INTEGER;
  const hasMax = max < Number.MAX_SAFE_INTEGER;
  if (hasMin && hasMax) return ` from ${min} to ${max}`;
  if (hasMin) return ` of at least ${min}`;
  return hasMax ? ` of at most ${max}` : '';
}

/** A string of the given length that has a UTF-8 form: no surrogate stands alone (RFC 8259 section 8.2). */
export function textOf({ min = 0, max = Infinity }: LengthRange = {}): Check {
  const expected = `must be a ${min > 0 ? 'non-empty ' : ''}string${max < Infinity ? ` of at most ${max} characters` : ''}`;
  return (value, collector) => {
    if (typeof value !== 'string') collector.report(`${expected}, not ${describeValue(value)}`);
    else if (value.length < min || value.length > max)
      collector.report(`${expected}, not ${describeLength(value)}`);
    else checkWellFormed(value, collector);
  };
}

function describeLength(text: string): string {
  return text === '' ? 'an empty one' : `one of ${text.length}`;
}

export const checkText = textOf();
export const checkNonEmptyText = textOf({ min: 1 });

const CONTROL_CHARACTER = /\p{Cc}/u;

/** A name or id: a string without control characters, of any length because some clients keep state in ids. */
export const checkIdentifier: Check = (value, collector) => {
  checkText(value, collector);
  if (typeof value === 'string' && CONTROL_CHARACTER.test(value)) {
    collector.report('must not contain control characters');
  }
};

export const checkNonEmptyIdentifier: Check = (value, collector) => {
  if (value === '') checkNonEmptyText(value, collector);
  else checkIdentifier(value, collector);
};

/** One of a fixed list of strings. */
export function oneOf(allowed: readonly string[]): Check {
  const members = new Set<unknown>(allowed);
  const expected = `must be ${allowed.length === 1 ? '' : 'one of '}${allowed.map((text) => `"${text}"`).join(', ')}`;
  return (value, collector) => {
    if (!members.has(value)) collector.report(`${expected}, not ${describeValue(value)}`);
  };
}

/** Reports a lone surrogate: it cannot be sent on, since UTF-8 has no form for it. */
export function checkWellFormed(text: string, collector: ProblemCollector): void {
  if (!isWellFormed(text)) {
    collector.report('contains half of a surrogate pair, which has no UTF-8 form; send the whole character');
  }
}

/** Whether every surrogate of `text` has its partner. Every runtime has the method; ES2023's types lack it. */
export function isWellFormed(text: string): boolean {
  return (text as string & { isWellFormed(): boolean }).isWellFormed();
}
