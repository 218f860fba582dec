/**
 * Rules of JSON texts that no schema restricts (RFC 8259).
 *
 * White space is bounded to one space after a colon and a comma, numbers to 16 digits on either side of the point,
 * and nesting to {@link MAX_DEPTH}: a model must not be able to go on for ever with what says nothing.
 */
import type { GrammarRules } from './grammar-rules.ts';

/** Levels of arrays and objects in a value that no schema describes. */
const MAX_DEPTH = 6;

/** Strings with no lone surrogate among their escapes. A pair of escapes counts as one character. */
export function jsonStringRule(rules: GrammarRules): string {
  return rules.shared('json-string', String.raw`"\"" ${jsonCharacterRule(rules)}* "\""`);
}

/** One code point of a JSON string. */
export function jsonCharacterRule(rules: GrammarRules): string {
  const hex = '[0-9a-fA-F]';
  const unit = `[0-9a-cA-CeEfF] ${hex}{3} | [dD] [0-7] ${hex}{2}`;
  const pair = String.raw`[dD] [89abAB] ${hex}{2} "\\u" [dD] [c-fC-F] ${hex}{2}`;
  const escape = rules.shared('json-escape', String.raw`["\\/bfnrt] | "u" (${unit} | ${pair})`);
  return rules.shared(
    'json-character',
    String.raw`[\x20\x21\x23-\x5B\x5D-\uD7FF\uE000-\U0010FFFF] | "\\" ${escape}`,
  );
}

export function jsonIntegerRule(rules: GrammarRules): string {
  return rules.shared('json-integer', '"0" | "-"? [1-9] [0-9]{0,15}');
}

export function jsonNumberRule(rules: GrammarRules): string {
  return rules.shared(
    'json-number',
    '"-"? ("0" | [1-9] [0-9]{0,15}) ("." [0-9]{1,16})? ([eE] [-+]? [0-9]{1,2})?',
  );
}

export const JSON_BOOLEAN = '"true" | "false"';
export const JSON_NULL = '"null"';

export function commaRule(rules: GrammarRules): string {
  return rules.shared('comma', '"," " "?');
}

export function colonRule(rules: GrammarRules): string {
  return rules.shared('colon', '":" " "?');
}

export function jsonValueRule(rules: GrammarRules, depth = MAX_DEPTH): string {
  const scalars = rules.shared(
    'json-scalar',
    `${jsonStringRule(rules)} | ${jsonNumberRule(rules)} | ${JSON_BOOLEAN} | ${JSON_NULL}`,
  );
  if (depth === 0) return scalars;
  return rules.shared(
    'json-value',
    `${scalars} | ${jsonObjectRule(rules, depth)} | ${jsonArrayRule(rules, depth)}`,
  );
}

export function jsonObjectRule(rules: GrammarRules, depth = MAX_DEPTH): string {
  const value = jsonValueRule(rules, depth - 1);
  const member = rules.shared('json-member', `${jsonStringRule(rules)} ${colonRule(rules)} ${value}`);
  return rules.shared('json-object', `"{" (${member} (${commaRule(rules)} ${member})*)? "}"`);
}

export function jsonArrayRule(rules: GrammarRules, depth = MAX_DEPTH): string {
  const value = jsonValueRule(rules, depth - 1);
  return rules.shared('json-array', `"[" (${value} (${commaRule(rules)} ${value})*)? "]"`);
}
