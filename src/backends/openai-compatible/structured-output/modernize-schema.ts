import { isJsonObject, type JsonObject } from '../../../wire/validation/structure-checks.ts';

/**
 * One schema, without its subschemas, in the words of draft 2020-12: tuples, dependencies and exclusive bounds of older
 * drafts, `nullable` of OpenAPI 3.0. A keyword that is null counts as absent, as serializers write it; `const` does not.
 */
export function modernizeSchema(schema: JsonObject): JsonObject {
  const modern = Object.fromEntries(
    Object.entries(schema).filter(([keyword, value]) => value !== null || keyword === 'const'),
  );
  modernizeItems(modern);
  modernizeDependencies(modern);
  modernizeBound(modern, 'minimum', 'exclusiveMinimum');
  modernizeBound(modern, 'maximum', 'exclusiveMaximum');
  modernizeType(modern);
  return modern;
}

/** A list under `items` was a tuple, and `additionalItems` meant something beside one only. */
function modernizeItems(schema: JsonObject): void {
  const { items, additionalItems } = schema;
  delete schema['additionalItems'];
  if (!Array.isArray(items)) return;
  delete schema['items'];
  // An empty list restricts nothing, and 2020-12 has no empty tuple.
  if (items.length > 0) schema['prefixItems'] = items;
  if (additionalItems !== undefined) schema['items'] = additionalItems;
}

/** `dependencies` held what are `dependentRequired` and `dependentSchemas` now. */
function modernizeDependencies(schema: JsonObject): void {
  const { dependencies } = schema;
  if (!isJsonObject(dependencies)) return;
  delete schema['dependencies'];
  const entries = Object.entries(dependencies);
  const split = {
    dependentRequired: entries.filter(([, needed]) => Array.isArray(needed)),
    dependentSchemas: entries.filter(([, needed]) => !Array.isArray(needed)),
  };
  for (const [keyword, older] of Object.entries(split)) {
    if (older.length === 0) continue;
    const newer = schema[keyword];
    schema[keyword] = { ...Object.fromEntries(older), ...(isJsonObject(newer) ? newer : {}) };
  }
}

/** In draft 4 an exclusive bound was a switch on the other one. */
function modernizeBound(schema: JsonObject, bound: string, exclusive: string): void {
  const isExclusive = schema[exclusive];
  if (typeof isExclusive !== 'boolean') return;
  delete schema[exclusive];
  if (!isExclusive || schema[bound] === undefined) return;
  schema[exclusive] = schema[bound];
  delete schema[bound];
}

/** Types as a list of lower-case names; Google's own schemas write them in capitals. */
function modernizeType(schema: JsonObject): void {
  const { type, nullable } = schema;
  delete schema['nullable'];
  if (type === undefined) return;
  const names = (Array.isArray(type) ? type : [type]).map((name: unknown) =>
    typeof name === 'string' ? name.toLowerCase() : name,
  );
  schema['type'] = nullable === true ? [...names, 'null'] : names;
}
