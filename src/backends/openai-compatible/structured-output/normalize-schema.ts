import type { Schema } from '@cfworker/json-schema';
import { SchemaDocument, SchemaProblem, pointerTokens } from '../../../translate/request/schema-document.ts';
import type { PathKey } from '../../../wire/validation/format-json-path.ts';
import { isJsonObject, type JsonObject } from '../../../wire/validation/structure-checks.ts';
import {
  KEYWORD_READERS,
  type NormalSubschema,
  type Place,
  type SubschemaReader,
} from './keyword-readers.ts';
import { modernizeSchema } from './modernize-schema.ts';

/**
 * A schema that the validator can take at its word: keywords of draft 2020-12 only, each of the right type, and every
 * reference resolved. Annotations and unknown keywords are gone.
 */
export interface NormalSchema {
  readonly root: NormalSubschema;
  /** What references point to, by the text of the reference. Has no prototype. */
  readonly targets: Readonly<Record<string, NormalSubschema>>;
}

/** Drafts in which `$ref` is all that counts of its schema. */
const OLD_DRAFT = /json-schema\.org\/draft-0[3-7]\//;

/** References that depend on how a value was reached. Left out, they would pass wrong answers. */
const DYNAMIC_REFERENCES = ['$dynamicRef', '$recursiveRef'];

/**
 * @param schema a JSON Schema of draft 4 to 2020-12, as parsed from JSON
 * @throws {SchemaProblem} when it is no usable schema, with the path from its root. Unreferenced definitions are not
 *   looked at.
 */
export function normalizeSchema(schema: unknown): NormalSchema {
  return new SchemaNormalizer(schema).run();
}

class SchemaNormalizer implements SubschemaReader {
  readonly #document: SchemaDocument;
  readonly #refStandsAlone: boolean;
  readonly #names = new Map<unknown, string>();
  readonly #waiting: {
    readonly name: string;
    readonly schema: unknown;
    readonly path: readonly PathKey[];
  }[] = [];

  constructor(root: unknown) {
    this.#document = new SchemaDocument(root);
    const dialect = isJsonObject(root) ? root['$schema'] : undefined;
    this.#refStandsAlone = typeof dialect === 'string' && OLD_DRAFT.test(dialect);
  }

  run(): NormalSchema {
    const targets = Object.create(null) as Record<string, NormalSubschema>;
    const root = this.subschema(this.#document.root, { path: [], level: 0 });
    // Reading a target may find further ones.
    for (const { name, schema, path } of this.#waiting) {
      targets[name] = this.subschema(schema, { path, level: 0 });
    }
    return { root, targets };
  }

  subschema(schema: unknown, place: Place): NormalSubschema {
    this.#document.spend(1, place.path);
    this.#document.checkLevel(place.level, place.path);
    if (typeof schema === 'boolean') return schema;
    if (!isJsonObject(schema)) {
      throw new SchemaProblem('unsupported_schema', place.path, 'must be a schema: an object, true or false');
    }
    return this.#object(schema, place);
  }

  #object(schema: JsonObject, place: Place): Schema {
    const modern = modernizeSchema(schema);
    const dynamic = DYNAMIC_REFERENCES.find((keyword) => modern[keyword] !== undefined);
    if (dynamic !== undefined) {
      throw new SchemaProblem(
        'unsupported_schema',
        [...place.path, dynamic],
        'cannot be followed; use "$ref"',
      );
    }
    const normal: Schema = {};
    if (modern['$ref'] !== undefined) {
      normal.$ref = this.#target(modern['$ref'], place.path);
      if (this.#refStandsAlone) return normal;
    }
    for (const [keyword, value] of Object.entries(modern)) {
      const read = KEYWORD_READERS.get(keyword);
      if (read === undefined) continue;
      const steps = { path: [...place.path, keyword], level: place.level + 1 };
      const meaning = read(value, steps, this);
      if (meaning !== undefined) normal[keyword] = meaning;
    }
    return normal;
  }

  /** The name under which the target of a reference is kept. One target has one name. */
  #target(reference: unknown, path: readonly PathKey[]): string {
    const schema = this.#document.resolve(reference, path);
    const known = this.#names.get(schema);
    if (known !== undefined) return known;
    const name = `#${this.#names.size}`;
    this.#names.set(schema, name);
    this.#waiting.push({ name, schema, path: pointerTokens(String(reference)) ?? [] });
    return name;
  }
}
