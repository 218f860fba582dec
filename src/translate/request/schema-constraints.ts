import type { JsonObject } from '../../wire/validation/structure-checks.ts';

/** Keywords that neither of Gemini's schema languages enforces. */
export const UNENFORCED_KEYWORDS: ReadonlySet<string> = new Set([
  'not',
  'if',
  'then',
  'else',
  'dependentRequired',
  'dependentSchemas',
  'dependencies',
  'patternProperties',
  'propertyNames',
  'contains',
  'minContains',
  'maxContains',
  'unevaluatedProperties',
  'unevaluatedItems',
  'uniqueItems',
  'multipleOf',
]);

/** A keyword's value is shown to the model up to this many characters. */
const MAX_SHOWN_CHARACTERS = 200;

/** The keywords of a schema among `keywords`, each as text for a description, such as `pattern ^a$`. */
export function summarizeConstraints(schema: JsonObject, keywords: ReadonlySet<string>): string[] {
  const constraints: string[] = [];
  for (const keyword in schema) {
    const value = schema[keyword];
    if (value == null || value === false || !keywords.has(keyword)) continue;
    constraints.push(`${keyword} ${abbreviate(value, MAX_SHOWN_CHARACTERS)}`);
  }
  return constraints;
}

/** What the texts of constraints cost in steps of a schema's budget. */
export function stepsFor(constraints: readonly string[]): number {
  return constraints.reduce((steps, { length }) => steps + 1 + Math.floor(length / 32), 0);
}

/** A description that ends with constraints the schema itself cannot carry; `undefined` for neither. */
export function describeConstraints(
  description: unknown,
  constraints: readonly string[],
): string | undefined {
  const text = typeof description === 'string' ? description : undefined;
  if (constraints.length === 0) return text;
  const summary = `Constraint: ${constraints.join('; ')}`;
  return text === undefined || text === '' ? summary : `${text}\n${summary}`;
}

export interface Bounds {
  readonly minimum?: number;
  readonly maximum?: number;
  /** Exclusive bounds of numbers, which can only be described. */
  readonly constraints: string[];
}

/** `minimum` and `maximum` with the exclusive bounds worked in, those of draft 4 (booleans) too. Section 7.2. */
export function readBounds(schema: JsonObject, isInteger: boolean): Bounds {
  const constraints: string[] = [];
  const lower = bound(schema['minimum'], schema['exclusiveMinimum'], (limit) => {
    if (isInteger) return Math.floor(limit) + 1;
    constraints.push(`exclusiveMinimum ${limit}`);
    return limit;
  });
  const upper = bound(schema['maximum'], schema['exclusiveMaximum'], (limit) => {
    if (isInteger) return Math.ceil(limit) - 1;
    constraints.push(`exclusiveMaximum ${limit}`);
    return limit;
  });
  const minimum = lower.length === 0 ? undefined : Math.max(...lower);
  const maximum = upper.length === 0 ? undefined : Math.min(...upper);
  return {
    constraints,
    ...(minimum === undefined ? {} : { minimum }),
    ...(maximum === undefined ? {} : { maximum }),
  };
}

function bound(inclusive: unknown, exclusive: unknown, convert: (limit: number) => number): number[] {
  const isNumber = typeof inclusive === 'number';
  if (exclusive === true && isNumber) return [convert(inclusive)];
  return [...(isNumber ? [inclusive] : []), ...(typeof exclusive === 'number' ? [convert(exclusive)] : [])];
}

/** JSON of a value, cut after `room` characters; takes time for what it shows, not for what there is. */
function abbreviate(value: unknown, room: number): string {
  if (typeof value === 'string') return cut(value, room);
  return cut(shortJson(value, room), room);
}

function shortJson(value: unknown, room: number): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, room));
  if (typeof value !== 'object' || value === null) return String(value);
  if (room <= 0) return '…';
  return Array.isArray(value) ? shortArray(value, room) : shortObject(value as JsonObject, room);
}

function shortArray(items: readonly unknown[], room: number): string {
  const pieces: string[] = [];
  let left = room;
  for (let index = 0; index < items.length && left > 0; index++) {
    const piece = shortJson(items[index], left - 1);
    pieces.push(piece);
    left -= piece.length + 1;
  }
  return `[${pieces.join(',')}]`;
}

function shortObject(members: JsonObject, room: number): string {
  const pieces: string[] = [];
  let left = room;
  for (const key in members) {
    if (left <= 0) break;
    const name = `${JSON.stringify(key.slice(0, left))}:`;
    const piece = name + shortJson(members[key], left - name.length - 1);
    pieces.push(piece);
    left -= piece.length + 1;
  }
  return `{${pieces.join(',')}}`;
}

function cut(text: string, room: number): string {
  return text.length > room ? `${text.slice(0, room)}…` : text;
}
