import { describeValue } from './describe-value.ts';
import type { Check, ProblemCollector } from './problem-collector.ts';
import { checkWellFormed, isWellFormed } from './scalar-checks.ts';

/** Checks of JSON objects, arrays and free-form values. */

/** Levels of objects and arrays a request may have, the body being the first. */
export const MAX_DEPTH = 128;

/** Items any array of known shape may have. Only a guard: no API takes as many. */
export const MAX_ITEMS = 100_000;

export type JsonObject = Record<string, unknown>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * An object with known members. Others are allowed and checked as free-form JSON; a `null` member counts as absent.
 *
 * @param required members that must be there and not null
 * @param rule what holds between members; runs whatever problems the members have
 */
export function objectOf(
  members: Readonly<Record<string, Check>>,
  required: readonly string[] = [],
  rule?: (value: JsonObject, collector: ProblemCollector) => void,
): Check {
  const checks = new Map(Object.entries(members));
  return (value, collector) => {
    if (!isJsonObject(value)) {
      collector.report(`must be an object, not ${describeValue(value)}`);
      return;
    }
    for (const name of required) {
      if (value[name] == null) reportMissing(name, value[name], collector);
    }
    // JSON objects inherit nothing enumerable, and this loop costs half of one over Object.keys.
    for (const name in value) {
      const member = value[name];
      if (member != null) collector.check(name, member, checks.get(name) ?? checkFreeForm);
    }
    rule?.(value, collector);
  };
}

/** Reports a required member that is absent or null. */
export function reportMissing(name: string, value: unknown, collector: ProblemCollector): void {
  collector.reportAt(
    [name],
    value === null ? 'is required and must not be null' : 'is required',
    'missing_required_parameter',
  );
}

export interface ListOptions {
  /** @default 0 */
  readonly min?: number;
  /** @default {@link MAX_ITEMS} */
  readonly max?: number;
}

/** An array whose items all pass `item`. */
export function listOf(item: Check, { min = 0, max = MAX_ITEMS }: ListOptions = {}): Check {
  return (value, collector) => {
    if (!Array.isArray(value)) {
      collector.report(`must be an array, not ${describeValue(value)}`);
      return;
    }
    if (value.length < min || value.length > max) {
      collector.report(
        `must have ${min > 0 ? `${min} to ${max}` : `at most ${max}`} items, not ${value.length}`,
      );
      return;
    }
    for (let index = 0; index < value.length && !collector.full; index++) {
      collector.check(index, value[index], item);
    }
  };
}

export interface MapOptions {
  /** @default {@link MAX_ITEMS} */
  readonly maxEntries?: number;
  /** Longest key in UTF-16 code units. @default no limit */
  readonly maxKeyLength?: number;
}

/** An object with free keys whose values all pass `item`. Unlike in {@link objectOf}, a null value is a value. */
export function mapOf(
  item: Check,
  { maxEntries = MAX_ITEMS, maxKeyLength = Infinity }: MapOptions = {},
): Check {
  return (value, collector) => {
    if (!isJsonObject(value)) {
      collector.report(`must be an object, not ${describeValue(value)}`);
      return;
    }
    const keys = Object.keys(value);
    if (keys.length > maxEntries) {
      collector.report(`must have at most ${maxEntries} entries, not ${keys.length}`);
      return;
    }
    for (const key of keys) {
      if (key.length > maxKeyLength) {
        collector.reportAt([key], `must have a key of at most ${maxKeyLength} characters, not ${key.length}`);
      }
      collector.check(key, value[key], item);
      if (collector.full) return;
    }
  };
}

/** Strings pass `text`, everything else passes `other`. */
export function stringOr(text: Check, other: Check): Check {
  return (value, collector) => (typeof value === 'string' ? text : other)(value, collector);
}

/**
 * Any JSON value that can be sent on: at most {@link MAX_DEPTH} levels, no lone surrogates in values, no number
 * that became infinite when it was read.
 */
export const checkFreeForm: Check = (value, collector) => {
  if (!isSendable(value, MAX_DEPTH - collector.depth)) explain(value, collector);
};

/** Recursion is safe: the depth limit is far below what the call stack holds. */
function isSendable(value: unknown, levelsLeft: number): boolean {
  if (typeof value === 'string') return isWellFormed(value);
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || value === null) return true;
  if (levelsLeft <= 0) return false;
  if (Array.isArray(value)) {
    for (const item of value) {
      if (!isSendable(item, levelsLeft - 1)) return false;
    }
    return true;
  }
  for (const key in value) {
    if (!isSendable((value as JsonObject)[key], levelsLeft - 1)) return false;
  }
  return true;
}

/** Reports every reason why a value is not sendable, each at its own path. */
function explain(value: unknown, collector: ProblemCollector): void {
  if (typeof value === 'string') checkWellFormed(value, collector);
  else if (typeof value === 'number' && !Number.isFinite(value)) {
    collector.report('is a number beyond the range of a double (about 1.8e308)');
  } else if (typeof value === 'object' && value !== null) explainMembers(value, collector);
}

function explainMembers(value: object, collector: ProblemCollector): void {
  if (collector.depth >= MAX_DEPTH) {
    collector.report(
      `is nested too deeply: a request may have at most ${MAX_DEPTH} levels of objects and arrays`,
    );
    return;
  }
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length && !collector.full; index++)
      collector.check(index, value[index], explain);
    return;
  }
  for (const key in value) {
    collector.check(key, (value as JsonObject)[key], explain);
    if (collector.full) return;
  }
}
