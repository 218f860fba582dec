/** What a test wants of a schema: its grammar, random texts of it, and an independent judge of them. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import * as formats from 'ajv-formats';
import { compileJsonSchema } from '../../../../src/backends/embedded/grammar/compile-json-schema.ts';
import { buildGrammar } from '../../../../src/backends/embedded/grammar/grammar-builder.ts';
import { derives } from './gbnf-matcher.ts';
import { parseGbnf, type GbnfGrammar } from './gbnf-parser.ts';
import { GbnfSampler, seededRandom } from './gbnf-sampler.ts';

function grammarOf(schema: unknown): GbnfGrammar {
  return parseGbnf(buildGrammar(compileJsonSchema(schema, { unsupported: 'reject' })));
}

export function samplesOf(grammar: GbnfGrammar, count: number, seed = 1): string[] {
  const sampler = new GbnfSampler(grammar);
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => sampler.sample(random));
}

/** Whether the grammar of `schema` derives `text`. */
export function canProduce(schema: unknown, text: string): boolean {
  return derives(grammarOf(schema), text);
}

/** All formats in full; unknown formats and keywords are annotations; inherited members are none of an object's. */
const ajv = new Ajv2020({ strict: false, logger: false, ownProperties: true });
formats.default.default(ajv, { mode: 'full' });

/** Texts of the schema's grammar that are no JSON or that the schema refuses: none, if all is well. */
export function unsoundSamples(schema: unknown, count: number, seed = 1): string[] {
  const isValid = ajv.compile(schema as Record<string, unknown> | boolean);
  return samplesOf(grammarOf(schema), count, seed).filter((text) => {
    try {
      return !isValid(JSON.parse(text));
    } catch {
      return true;
    }
  });
}
