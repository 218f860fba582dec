/** Which keywords mean what to the compiler, and the checks of those that can only be enforced when they say nothing. */
import { isJsonObject, ownProperty, type JsonObject } from './json-value.ts';
import type { Fragment, SchemaSource } from './schema-source.ts';

/** Keywords that restrict the value itself; the others combine subschemas or are annotations. */
const ASSERTIONS = [
  'type',
  'enum',
  'const',
  'properties',
  'required',
  'additionalProperties',
  'minProperties',
  'maxProperties',
  'items',
  'prefixItems',
  'additionalItems',
  'minItems',
  'maxItems',
  'uniqueItems',
  'minLength',
  'maxLength',
  'pattern',
  'format',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
] as const;

export type Assertion = (typeof ASSERTIONS)[number];

export function hasAssertions(schema: JsonObject): boolean {
  return ASSERTIONS.some((keyword) => ownProperty(schema, keyword) !== undefined);
}

const COMBINATORS = [
  'allOf',
  'anyOf',
  'oneOf',
  'not',
  'if',
  'then',
  'else',
  'unevaluatedProperties',
  'nullable',
];

/** The reference of a schema that says nothing else, so that it is the same as its target. */
export function pureReference(schema: Fragment['schema']): unknown {
  if (typeof schema === 'boolean') return undefined;
  const reference = ownProperty(schema, '$ref');
  if (reference === undefined || hasAssertions(schema)) return undefined;
  const more = [...COMBINATORS, ...NEVER_ENFORCED.keys()].some(
    (keyword) => ownProperty(schema, keyword) !== undefined,
  );
  return more ? undefined : reference;
}

/** Says whether a keyword's value restricts nothing. */
type SaysNothing = (value: unknown, schema: JsonObject) => boolean;

export const isTrueSchema = (value: unknown): boolean =>
  value === true || (isJsonObject(value) && Object.keys(value).length === 0);
const isEmptyObject: SaysNothing = (value) => isJsonObject(value) && Object.keys(value).length === 0;
const never: SaysNothing = () => false;

/** Keywords that no grammar of ours enforces, with the values that nothing need be done about. */
const NEVER_ENFORCED: ReadonlyMap<string, SaysNothing> = new Map<string, SaysNothing>([
  // `not` of everything leaves nothing, which the search for alternatives knows.
  ['not', (value) => value === false || isTrueSchema(value)],
  [
    'if',
    (_, schema) =>
      [ownProperty(schema, 'then'), ownProperty(schema, 'else')].every(
        (branch) => branch === undefined || isTrueSchema(branch),
      ),
  ],
  ['dependentRequired', isEmptyObject],
  ['dependentSchemas', isEmptyObject],
  ['dependencies', isEmptyObject],
  ['patternProperties', isEmptyObject],
  [
    'propertyNames',
    (value) =>
      isTrueSchema(value) ||
      (isJsonObject(value) &&
        Object.keys(value).every((keyword) => keyword === 'type') &&
        ownProperty(value, 'type') === 'string'),
  ],
  [
    'contains',
    (_, schema) =>
      ownProperty(schema, 'minContains') === 0 && ownProperty(schema, 'maxContains') === undefined,
  ],
  ['unevaluatedItems', (value, schema) => isTrueSchema(value) || ownProperty(schema, 'items') !== undefined],
  ['$dynamicRef', never],
  ['$recursiveRef', never],
]);

/** Reports every keyword of the fragment that cannot be enforced. */
export function reportUnsupported(source: SchemaSource, fragment: Fragment): void {
  const { schema } = fragment;
  if (typeof schema === 'boolean') return;
  for (const [keyword, saysNothing] of NEVER_ENFORCED) {
    const value = ownProperty(schema, keyword);
    if (value !== undefined && !saysNothing(value, schema)) {
      source.unsupported(fragment, keyword, 'a grammar cannot express it');
    }
  }
}
