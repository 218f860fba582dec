/**
 * Checks native Gemini bodies against Google's discovery documents, as its front end does (proto3 JSON), and stricter
 * in what this project promises of its own bodies: camelCase names, lists as lists, int64 as decimal strings.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A type in a discovery document. */
interface DiscoveryType {
  readonly type?: string;
  readonly format?: string;
  readonly $ref?: string;
  readonly enum?: readonly string[];
  readonly items?: DiscoveryType;
  readonly additionalProperties?: DiscoveryType;
  readonly properties?: Readonly<Record<string, DiscoveryType>>;
  readonly 'x-behavior'?: string;
}

interface DiscoverySchema extends DiscoveryType {
  readonly 'x-oneofs'?: Readonly<Record<string, readonly string[]>>;
}

interface DiscoveryDocument {
  readonly roots: Readonly<Record<string, string>>;
  readonly schemas: Readonly<Record<string, DiscoverySchema>>;
}

export type DiscoveryApi = 'aiplatform-v1' | 'aiplatform-v1beta1' | 'generativelanguage-v1beta';

/** The API whose schema a body for each upstream must follow. */
export const API_OF = { vertex: 'aiplatform-v1', gemini: 'generativelanguage-v1beta' } as const;

const documents = new Map<DiscoveryApi, DiscoveryDocument>();

function loadDocument(api: DiscoveryApi): DiscoveryDocument {
  const known = documents.get(api);
  if (known !== undefined) return known;
  const file = join(import.meta.dirname, '../discovery', `${api}.json`);
  const document = JSON.parse(readFileSync(file, 'utf8')) as DiscoveryDocument;
  documents.set(api, document);
  return document;
}

/** Everything wrong with a native body, each with its place; empty for a correct one. */
export function violationsOf(api: DiscoveryApi, root: string, body: unknown): string[] {
  const document = loadDocument(api);
  const name = document.roots[root];
  if (name === undefined) throw new Error(`${api} has no root ${root}`);
  const validator = new Validator(document);
  validator.checkMessage(name, body, root);
  return validator.violations;
}

/** The fields of the message at a place below a root, with their types in words, for comparison with other tables. */
export function discoveryFields(
  api: DiscoveryApi,
  root: string,
  path: readonly string[],
): ReadonlyMap<string, string> {
  const document = loadDocument(api);
  let schema = document.schemas[document.roots[root] ?? root];
  for (const name of path) {
    const field = schema?.properties?.[name];
    const target = field?.$ref ?? field?.items?.$ref ?? field?.additionalProperties?.$ref;
    schema = target === undefined ? undefined : document.schemas[target];
  }
  if (schema === undefined) throw new Error(`${api} has no message at ${root}.${path.join('.')}`);
  return new Map(Object.entries(schema.properties ?? {}).map(([name, type]) => [name, describeType(type)]));
}

/** A type in words, such as `list of enum A, B`; without the enum values that mean nothing. */
function describeType(type: DiscoveryType): string {
  if (type.$ref !== undefined) return 'message';
  if (type.enum !== undefined) {
    const names = type.enum.filter((name) => !name.endsWith('_UNSPECIFIED') && name !== 'UNKNOWN');
    return `enum ${names.toSorted().join(', ')}`;
  }
  if (type.items !== undefined) return `list of ${describeType(type.items)}`;
  if (type.additionalProperties !== undefined) return `map of ${describeType(type.additionalProperties)}`;
  return [type.type, type.format].filter((word) => word !== undefined && word !== '').join(' ');
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return kindOf(value) === 'object';
}

class Validator {
  readonly violations: string[] = [];
  readonly #document: DiscoveryDocument;

  constructor(document: DiscoveryDocument) {
    this.#document = document;
  }

  checkMessage(name: string, value: unknown, path: string): void {
    const schema = this.#document.schemas[name];
    if (schema === undefined) throw new Error(`the discovery document lacks ${name}`);
    if (!isObject(value)) {
      this.#report(path, `expected ${name}, got ${kindOf(value)}`);
      return;
    }
    const properties = schema.properties ?? {};
    for (const [key, member] of Object.entries(value)) {
      const property = Object.hasOwn(properties, key) ? properties[key] : undefined;
      if (property === undefined) this.#report(`${path}.${key}`, `unknown name in ${name}`);
      else if (member === undefined) this.#report(`${path}.${key}`, 'is undefined');
      else this.#checkType(property, member, `${path}.${key}`);
    }
    for (const [group, members] of Object.entries(schema['x-oneofs'] ?? {})) {
      const set = members.filter((member) => value[member] !== undefined);
      if (set.length > 1) this.#report(path, `sets ${set.join(' and ')} of the oneof ${group}`);
    }
  }

  #report(path: string, message: string): void {
    this.violations.push(`${path}: ${message}`);
  }

  #checkType(type: DiscoveryType, value: unknown, path: string): void {
    if (type.type === 'any') return;
    if (type.$ref !== undefined) {
      this.checkMessage(type.$ref, value, path);
      return;
    }
    if (type.enum !== undefined) {
      const name = typeof value === 'string' ? value.toUpperCase() : undefined;
      if (!type.enum.some((allowed) => allowed.toUpperCase() === name))
        this.#report(path, `${JSON.stringify(value)} is none of ${type.enum.join(', ')}`);
      return;
    }
    if (type.type === 'array') this.#checkList(type.items ?? {}, value, path);
    else if (type.type === 'object') this.#checkObject(type, value, path);
    else this.#checkScalar(type, value, path);
  }

  #checkList(item: DiscoveryType, value: unknown, path: string): void {
    if (!Array.isArray(value)) {
      this.#report(path, `expected a list, got ${kindOf(value)}`);
      return;
    }
    for (const [index, member] of value.entries()) this.#checkType(item, member, `${path}[${index}]`);
  }

  #checkObject(type: DiscoveryType, value: unknown, path: string): void {
    if (!isObject(value)) {
      this.#report(path, `expected an object, got ${kindOf(value)}`);
      return;
    }
    if (type.additionalProperties === undefined) return;
    for (const [key, member] of Object.entries(value))
      this.#checkType(type.additionalProperties, member, `${path}[${JSON.stringify(key)}]`);
  }

  #checkScalar({ type, format = '' }: DiscoveryType, value: unknown, path: string): void {
    const check = SCALARS[format === '' || type === 'number' ? `${type}` : `${type}/${format}`];
    if (check === undefined) throw new Error(`${path}: unknown discovery type ${type}/${format}`);
    if (!check(value)) this.#report(path, `${JSON.stringify(value)} is no ${type} ${format}`.trimEnd());
    if (format === 'float' && Math.abs(Number(value)) > 3.402_823_466_385_288_6e38)
      this.#report(path, 'is beyond a float');
  }
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isIntegerIn = (min: number, max: number) => (value: unknown) =>
  Number.isInteger(value) && (value as number) >= min && (value as number) <= max;

const SCALARS: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: isText,
  boolean: (value) => typeof value === 'boolean',
  number: (value) => typeof value === 'number' && Number.isFinite(value),
  'integer/int32': isIntegerIn(-(2 ** 31), 2 ** 31 - 1),
  'integer/uint32': isIntegerIn(0, 2 ** 32 - 1),
  'string/int64': (value) =>
    isText(value) && /^-?\d+$/.test(value) && BigInt.asIntN(64, BigInt(value)) === BigInt(value),
  'string/byte': (value) => {
    if (!isText(value)) return false;
    const digits = value.replace(/=+$/, '');
    return /^[A-Za-z0-9+/_-]*$/.test(digits) && digits.length % 4 !== 1;
  },
  'string/google-duration': (value) => isText(value) && /^-?\d+(\.\d{1,9})?s$/.test(value),
  'string/google-datetime': (value) =>
    isText(value) && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/i.test(value),
};
