/** Schemas made to cost a translator time or memory. */

/** A schema of `levels` objects inside one another. */
export function nested(levels: number): object {
  let schema: object = { type: 'string' };
  for (let level = 0; level < levels; level++) schema = { type: 'object', properties: { a: schema } };
  return schema;
}

/** Definitions of which each holds the next one twice: 2^levels once they are written out. */
export function doubling(levels: number): object {
  const $defs: Record<string, object> = { d0: { type: 'string' } };
  for (let level = 1; level <= levels; level++) {
    const reference = { $ref: `#/$defs/d${level - 1}` };
    $defs[`d${level}`] = { type: 'object', properties: { a: reference, b: reference } };
  }
  return { type: 'object', properties: { top: { $ref: `#/$defs/d${levels}` } }, $defs };
}

/** Definitions that all refer to all others. */
export function mesh(count: number): object {
  const names = Array.from({ length: count }, (_, index) => `d${index}`);
  const properties = Object.fromEntries(names.map((name) => [name, { $ref: `#/$defs/${name}` }]));
  const $defs = Object.fromEntries(names.map((name) => [name, { type: 'object', properties }]));
  return { type: 'object', properties, $defs };
}

/** An `allOf` of objects with one property each, which merging naively makes quadratic. */
export function wideAllOf(count: number): object {
  return {
    type: 'object',
    allOf: Array.from({ length: count }, (_, index) => ({
      properties: { [`p${index}`]: { type: 'string' } },
    })),
  };
}

export function wideAnyOf(count: number): object {
  return {
    type: 'object',
    properties: { a: { anyOf: Array.from({ length: count }, (_, index) => ({ const: index })) } },
  };
}

/** A definition that is an `allOf` of itself. */
export const SELF_ALL_OF = {
  type: 'object',
  properties: { a: { $ref: '#/$defs/a' } },
  $defs: { a: { allOf: [{ $ref: '#/$defs/a' }, { type: 'object' }] } },
};

/** A recursive definition whose property merges the definition with something else at every level. */
export const GROWING_ALL_OF = {
  type: 'object',
  properties: { a: { $ref: '#/$defs/a' } },
  $defs: {
    a: {
      type: 'object',
      properties: { b: { allOf: [{ $ref: '#/$defs/a' }, { properties: { b: { description: 'x' } } }] } },
    },
  },
};
