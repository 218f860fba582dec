import type { OutputUnit } from '@cfworker/json-schema';

/** What models get wrong most. */
const FORMAT_HINTS: Readonly<Record<string, string>> = {
  date: ', such as 2026-11-23',
  time: ' with a time zone, such as 10:00:00Z',
  'date-time': ' with a time zone, such as 2026-11-23T10:00:00Z',
  duration: ', such as P1DT12H',
};

/** What a failed keyword asked for. */
const DEMANDS: Readonly<Record<string, (limit: unknown) => string>> = {
  type: (types) => `must be of type ${[types].flat().join(' or ')}`,
  enum: (values) => `must be one of ${listed(values)}`,
  const: (value) => `must be ${JSON.stringify(value)}`,
  anyOf: () => 'must match one of the alternatives',
  oneOf: () => 'must match exactly one of the alternatives',
  not: () => 'must not match the schema under "not"',
  false: () => 'must not be there',
  minProperties: (limit) => `must have at least ${String(limit)} properties`,
  maxProperties: (limit) => `must have at most ${String(limit)} properties`,
  minItems: (limit) => `must have at least ${String(limit)} items`,
  maxItems: (limit) => `must have at most ${String(limit)} items`,
  uniqueItems: () => 'must not hold the same item twice',
  contains: () => 'must hold an item that matches the schema under "contains"',
  minimum: (limit) => `must be at least ${String(limit)}`,
  maximum: (limit) => `must be at most ${String(limit)}`,
  exclusiveMinimum: (limit) => `must be more than ${String(limit)}`,
  exclusiveMaximum: (limit) => `must be less than ${String(limit)}`,
  multipleOf: (limit) => `must be a multiple of ${String(limit)}`,
  minLength: (limit) => `must have at least ${String(limit)} characters`,
  maxLength: (limit) => `must have at most ${String(limit)} characters`,
  pattern: (pattern) => `must match the pattern ${String(pattern)}`,
  format: (format) => `must have the format ${String(format)}${FORMAT_HINTS[String(format)] ?? ''}`,
};

/** More than fit into one problem. */
const MAX_LISTED = 100;

function listed(values: unknown): string {
  const shown = Array.isArray(values) ? values.slice(0, MAX_LISTED) : [];
  return shown.map((value) => JSON.stringify(value)).join(', ');
}

/**
 * What a value would have to be, as `must …`.
 *
 * @param limit the keyword's value in the schema
 */
export function explainKeyword({ keyword, error }: OutputUnit, limit: unknown): string {
  const demand = DEMANDS[keyword];
  if (demand !== undefined) return demand(limit);
  // The validator's own words name what is missing, which the keyword alone does not.
  return error
    .replace('Instance does not have required property', 'must have the property')
    .replace(/\.$/, '');
}
