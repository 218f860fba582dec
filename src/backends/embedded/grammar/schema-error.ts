/**
 * Why a JSON Schema has no grammar:
 * `unsupported`: a keyword is right but cannot be enforced; `invalid`: the schema is malformed or no value satisfies it;
 * `too_complex`: it exceeds a limit of this compiler.
 */
export type SchemaErrorKind = 'unsupported' | 'invalid' | 'too_complex';

/** A keyword at a place of a schema. */
export interface SchemaPlace {
  readonly keyword: string;
  /** JSON path of the schema object that holds the keyword, such as `schema.properties.age`. */
  readonly path: string;
}

/** A schema that cannot be compiled. The message is written for the author of the schema. */
export class SchemaError extends Error {
  override readonly name = 'SchemaError';
  readonly kind: SchemaErrorKind;
  readonly keyword: string;
  readonly path: string;

  constructor(kind: SchemaErrorKind, place: SchemaPlace, message: string) {
    super(message);
    this.kind = kind;
    this.keyword = place.keyword;
    this.path = place.path;
  }
}
