/** What each keyword of draft 2020-12 may say, and its value as the validator takes it. */
import type { Schema } from '@cfworker/json-schema';
import { SchemaProblem } from '../../../translate/request/schema-document.ts';
import type { PathKey } from '../../../wire/validation/format-json-path.ts';
import { isJsonObject } from '../../../wire/validation/structure-checks.ts';
import { ecmaPattern } from './ecma-pattern.ts';

export type NormalSubschema = Schema | boolean;

export interface Place {
  /** From the schema's root. */
  readonly path: readonly PathKey[];
  /** Schemas around this one. */
  readonly level: number;
}

export interface SubschemaReader {
  /** @throws {SchemaProblem} */
  subschema(schema: unknown, place: Place): NormalSubschema;
}

/**
 * Reads a keyword's value. `undefined` when it restricts nothing.
 *
 * @throws {SchemaProblem} when the value is none the keyword may have
 */
type KeywordReader = (value: unknown, place: Place, reader: SubschemaReader) => unknown;

const TYPES: ReadonlySet<unknown> = new Set([
  'array',
  'boolean',
  'integer',
  'null',
  'number',
  'object',
  'string',
]);

/** Formats the validator knows, in the standard's words; others are annotations. */
const FORMATS: ReadonlySet<unknown> = new Set([
  'date',
  'date-time',
  'time',
  'duration',
  'email',
  'hostname',
  'ipv4',
  'ipv6',
  'uri',
  'uri-reference',
  'uri-template',
  'uuid',
  'json-pointer',
  'relative-json-pointer',
  'regex',
]);

function refuse({ path }: Place, message: string): never {
  throw new SchemaProblem('unsupported_schema', path, message);
}

const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
const isNames = (value: unknown): boolean =>
  Array.isArray(value) && value.every((name) => typeof name === 'string');
const isTypes = (value: unknown): boolean =>
  Array.isArray(value) && value.length > 0 && value.every((name) => TYPES.has(name));

/** A value that must pass `test` and is taken as it is. */
function plain(test: (value: unknown) => boolean, expected: string): KeywordReader {
  return (value, place) => (test(value) ? value : refuse(place, `must be ${expected}`));
}

const schema: KeywordReader = (value, place, reader) => reader.subschema(value, place);

const schemaList: KeywordReader = (value, place, reader) => {
  if (!Array.isArray(value) || value.length === 0) return refuse(place, 'must be a list of schemas');
  return value.map((item: unknown, index) => reader.subschema(item, step(place, index)));
};

const schemaMap: KeywordReader = (value, place, reader) => {
  if (!isJsonObject(value)) return refuse(place, 'must be an object of schemas');
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, reader.subschema(item, step(place, name))]),
  );
};

const patternMap: KeywordReader = (value, place, reader) => {
  if (!isJsonObject(value)) return refuse(place, 'must be an object of schemas');
  return Object.fromEntries(
    Object.entries(value).map(([expression, item]) => {
      const at = step(place, expression);
      return [pattern(expression, at, reader), reader.subschema(item, at)];
    }),
  );
};

const pattern: KeywordReader = (value, place) =>
  (typeof value === 'string' ? ecmaPattern(value) : undefined) ??
  refuse(place, 'must be a regular expression of ECMA-262');

const neededNames: KeywordReader = (value, place) =>
  isJsonObject(value) && Object.values(value).every(isNames)
    ? value
    : refuse(place, 'must be an object of lists of property names');

const format: KeywordReader = (value) => (FORMATS.has(value) ? value : undefined);

const count = plain((value) => Number.isInteger(value) && Number(value) >= 0, 'a whole number from 0 on');
const bound = plain(isNumber, 'a number');

function step({ path, level }: Place, key: PathKey): Place {
  return { path: [...path, key], level };
}

/** Has no entry for annotations and for keywords nobody knows. */
export const KEYWORD_READERS: ReadonlyMap<string, KeywordReader> = new Map([
  ...['if', 'then', 'else'].map((keyword) => [keyword, schema] as const),
  ...Object.entries({
    type: plain(isTypes, 'a JSON type or a list of them'),
    enum: plain((value) => Array.isArray(value) && value.length > 0, 'a list of values'),
    const: plain(() => true, 'a value'),

    allOf: schemaList,
    anyOf: schemaList,
    oneOf: schemaList,
    not: schema,

    properties: schemaMap,
    patternProperties: patternMap,
    additionalProperties: schema,
    unevaluatedProperties: schema,
    propertyNames: schema,
    required: plain(isNames, 'a list of property names'),
    dependentRequired: neededNames,
    dependentSchemas: schemaMap,
    minProperties: count,
    maxProperties: count,

    prefixItems: schemaList,
    items: schema,
    unevaluatedItems: schema,
    contains: schema,
    minContains: count,
    maxContains: count,
    minItems: count,
    maxItems: count,
    uniqueItems: plain((value) => typeof value === 'boolean', 'true or false'),

    minimum: bound,
    maximum: bound,
    exclusiveMinimum: bound,
    exclusiveMaximum: bound,
    multipleOf: plain((value) => isNumber(value) && value > 0, 'a number above 0'),

    minLength: count,
    maxLength: count,
    pattern,
    format,
  }),
]);
