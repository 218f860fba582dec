/** A small language for the shape of native Gemini messages, and the reader that checks a client's own ones with it. */
import type { GeminiUpstream } from '../../wire/gemini/request.ts';
import type { PathKey } from '../../wire/validation/format-json-path.ts';
import { describeValue } from '../../wire/validation/describe-value.ts';
import { isJsonObject } from '../../wire/validation/structure-checks.ts';
import { normalizeBase64 } from './base64.ts';
import type { FieldPath, Receipt } from './receipt.ts';

/** The form of a value; `only` names the one upstream that knows the field which has it. */
export type NativeShape = (Scalar | Enumeration | Repeated | Mapped | Message) & {
  readonly only?: GeminiUpstream;
};

interface Scalar {
  readonly kind:
    | 'text'
    | 'boolean'
    | 'int32'
    | 'int64'
    | 'number'
    | 'float'
    | 'bytes'
    | 'duration'
    | 'timestamp'
    | 'any';
}

interface Enumeration {
  readonly kind: 'enum';
  readonly values: readonly string[];
  /** Values that one upstream has in addition. */
  readonly more: Partial<Record<GeminiUpstream, readonly string[]>>;
  /** Beginning of every value that a client may leave out. */
  readonly prefix: string;
}

interface Repeated {
  readonly kind: 'list';
  readonly item: NativeShape;
}

interface Mapped {
  readonly kind: 'map';
  readonly item: NativeShape;
}

export interface Message {
  readonly kind: 'message';
  readonly fields: Readonly<Record<string, NativeShape>>;
  /** Fields of which at most one may be set. */
  readonly oneOf: readonly string[];
}

export const text: NativeShape = { kind: 'text' };
export const boolean: NativeShape = { kind: 'boolean' };
export const int32: NativeShape = { kind: 'int32' };
export const int64: NativeShape = { kind: 'int64' };
export const number: NativeShape = { kind: 'number' };
export const float: NativeShape = { kind: 'float' };
export const bytes: NativeShape = { kind: 'bytes' };
export const duration: NativeShape = { kind: 'duration' };
export const timestamp: NativeShape = { kind: 'timestamp' };
export const anyValue: NativeShape = { kind: 'any' };

export function oneOfNames(
  values: readonly string[],
  { prefix = '', ...more }: Partial<Record<GeminiUpstream, readonly string[]>> & { prefix?: string } = {},
): NativeShape {
  return { kind: 'enum', values, more, prefix };
}

export function listOf(item: NativeShape): NativeShape {
  return { kind: 'list', item };
}

export function mapOf(item: NativeShape): NativeShape {
  return { kind: 'map', item };
}

export function message(
  fields: Readonly<Record<string, NativeShape>>,
  oneOf: readonly string[] = [],
): NativeShape & Message {
  return { kind: 'message', fields, oneOf };
}

export function onVertex(shape: NativeShape): NativeShape {
  return { ...shape, only: 'vertex' };
}

export function onGemini(shape: NativeShape): NativeShape {
  return { ...shape, only: 'gemini' };
}

const UPSTREAM_NAMES = { vertex: 'Vertex AI', gemini: 'the Gemini Developer API' } as const;

/**
 * Reads native objects as Google's front end does: names in camelCase or snake_case, `null` for absence, one value for
 * a list of one, enum names in any letter case. What the upstream does not know is refused; what has the wrong type
 * is a problem.
 */
export class NativeReader {
  readonly #upstream: GeminiUpstream;
  readonly #receipt: Receipt;

  constructor(upstream: GeminiUpstream, receipt: Receipt) {
    this.#upstream = upstream;
    this.#receipt = receipt;
  }

  /** The value in the form this project sends; `undefined` when it is absent, refused or wrong. */
  read(value: unknown, shape: NativeShape, path: FieldPath): unknown {
    if (value == null) return undefined;
    if (shape.only !== undefined && shape.only !== this.#upstream) {
      this.#receipt.refuse(path, `exists on ${UPSTREAM_NAMES[shape.only]} only`);
      return undefined;
    }
    switch (shape.kind) {
      case 'message':
        return this.#readMessage(value, shape, path);
      case 'list': {
        const items: readonly unknown[] = Array.isArray(value) ? value : [value];
        return this.#readEach([...items.entries()], shape.item, path).map(([, item]) => item);
      }
      case 'map':
        if (!isJsonObject(value)) return this.#wrong(value, 'an object', path);
        return Object.fromEntries(this.#readEach(Object.entries(value), shape.item, path));
      case 'enum':
        return this.#readEnum(value, shape, path);
      default:
        return this.#readScalar(value, shape.kind, path);
    }
  }

  /** A message; `undefined` when it is absent, refused or wrong. */
  readObject(value: unknown, shape: NativeShape, path: FieldPath): Record<string, unknown> | undefined {
    return this.read(value, shape, path) as Record<string, unknown> | undefined;
  }

  #readEach<Key extends PathKey>(
    entries: readonly (readonly [Key, unknown])[],
    shape: NativeShape,
    path: FieldPath,
  ): (readonly [Key, unknown])[] {
    return entries
      .map(([key, member]) => [key, this.read(member, shape, [...path, key])] as const)
      .filter(([, member]) => member !== undefined);
  }

  #readMessage(value: unknown, { fields, oneOf }: Message, path: FieldPath): unknown {
    if (!isJsonObject(value)) return this.#wrong(value, 'an object', path);
    const read = new Map<string, unknown>();
    for (const [key, member] of Object.entries(value)) {
      if (member == null) continue;
      const name = Object.hasOwn(fields, key) ? key : toCamelCase(key);
      const shape = Object.hasOwn(fields, name) ? fields[name] : undefined;
      const place = [...path, key];
      if (shape === undefined) {
        this.#receipt.refuse(place, `is no field that ${UPSTREAM_NAMES[this.#upstream]} knows here`);
      } else if (read.has(name)) {
        this.#receipt.fail(place, `is set twice, in two spellings of ${name}`);
      } else {
        const converted = this.read(member, shape, place);
        if (converted !== undefined) read.set(name, converted);
      }
    }
    const rivals = oneOf.filter((name) => read.has(name));
    if (rivals.length > 1) this.#receipt.fail(path, `may have only one of ${rivals.join(', ')}`);
    return Object.fromEntries(read);
  }

  #readEnum(value: unknown, { values, more, prefix }: Enumeration, path: FieldPath): string | undefined {
    const allowed = [...values, ...(more[this.#upstream] ?? [])];
    const wanted = typeof value === 'string' ? value.toUpperCase() : '';
    const isWanted = (name: string): boolean => name === wanted || name === `${prefix}${wanted}`;
    const found = allowed.find(isWanted);
    if (found !== undefined) return found;
    const expected = `must be one of ${allowed.join(', ')}, not ${describeValue(value)}`;
    if (Object.values(more).flat().some(isWanted)) this.#receipt.refuse(path, expected);
    else this.#receipt.fail(path, expected);
    return undefined;
  }

  #readScalar(value: unknown, kind: Scalar['kind'], path: FieldPath): unknown {
    const { expected, read } = SCALARS[kind];
    return read(value) ?? this.#wrong(value, expected, path);
  }

  #wrong(value: unknown, expected: string, path: FieldPath): undefined {
    this.#receipt.fail(path, `must be ${expected}, not ${describeValue(value)}`);
    return undefined;
  }
}

interface ScalarReader {
  readonly expected: string;
  /** `undefined` for a value of another type. */
  readonly read: (value: unknown) => unknown;
}

const INTEGER = /^-?\d{1,19}$/;
const DURATION = /^-?\d{1,12}(\.\d{1,9})?s$/;
const TIMESTAMP = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)$/;

const SCALARS: Readonly<Record<Scalar['kind'], ScalarReader>> = {
  text: { expected: 'a string', read: (value) => (typeof value === 'string' ? value : undefined) },
  boolean: { expected: 'true or false', read: (value) => (typeof value === 'boolean' ? value : undefined) },
  number: { expected: 'a number', read: (value) => (typeof value === 'number' ? value : undefined) },
  float: {
    expected: 'a number of single precision',
    read: (value) => (typeof value === 'number' && Number.isFinite(Math.fround(value)) ? value : undefined),
  },
  int32: {
    expected: 'a whole number of 32 bits',
    read: (value) => {
      const integer = typeof value === 'string' && INTEGER.test(value) ? Number(value) : value;
      return Number.isInteger(integer) && (integer as number) === ((integer as number) | 0)
        ? integer
        : undefined;
    },
  },
  // As decimal strings, the one form that keeps every digit.
  int64: {
    expected: 'a whole number',
    read: (value) => {
      if (Number.isSafeInteger(value)) return String(value);
      return typeof value === 'string' &&
        INTEGER.test(value) &&
        BigInt.asIntN(64, BigInt(value)) === BigInt(value)
        ? value
        : undefined;
    },
  },
  bytes: {
    expected: 'base64',
    read: (value) => (typeof value === 'string' ? normalizeBase64(value) : undefined),
  },
  duration: {
    expected: 'a duration such as "3.5s"',
    read: (value) => (typeof value === 'string' && DURATION.test(value) ? value : undefined),
  },
  timestamp: {
    expected: 'a time such as "2026-01-31T12:00:00Z"',
    read: (value) => (typeof value === 'string' && TIMESTAMP.test(value) ? value : undefined),
  },
  any: { expected: 'any value', read: (value) => value },
};

function toCamelCase(name: string): string {
  return name.replaceAll(/_+([a-zA-Z0-9])/g, (_, character: string) => character.toUpperCase());
}
