import { getLlama, LlamaLogLevel } from 'node-llama-cpp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileJsonSchema } from '../../../../src/backends/embedded/grammar/compile-json-schema.ts';
import {
  buildGrammar,
  GrammarBuilder,
  jsonObjectGrammar,
} from '../../../../src/backends/embedded/grammar/grammar-builder.ts';

type Llama = Awaited<ReturnType<typeof getLlama>>;

const DEFINITIONS = Object.fromEntries(
  Array.from({ length: 20 }, (_, index) => [
    `d${index}`,
    { anyOf: [{ $ref: `#/$defs/d${index + 1}` }, { $ref: `#/$defs/d${index + 1}` }, { const: index }] },
  ]),
);

const OPTIONAL_PROPERTIES = Object.fromEntries(
  Array.from({ length: 150 }, (_, index) => [`p${index}`, { type: 'string', maxLength: index }]),
);

const SCHEMAS: readonly (readonly [name: string, schema: unknown])[] = [
  ['anything', {}],
  ['numbers', { type: 'number', exclusiveMinimum: -0.5, maximum: 1e6 }],
  ['divisors', { type: 'integer', multipleOf: 60 }],
  ['long strings', { type: 'string', minLength: 1234, maxLength: 40_000 }],
  ['long arrays', { type: 'array', items: { type: 'integer' }, minItems: 777, maxItems: 5000 }],
  ['patterns with escapes', { type: 'string', pattern: '[^"\\\\\\]\\[^-]{2,}[\\u0001-\\u0003é-\u{1F600}]' }],
  ...['date-time', 'duration', 'uuid', 'email', 'hostname', 'ipv6', 'uri'].map(
    (format) => [`format ${format}`, { type: 'string', format, maxLength: 40 }] as const,
  ),
  ['thousands of values', { enum: Array.from({ length: 3000 }, (_, index) => `value "${index}" é\\\n`) }],
  ['many optional properties', { type: 'object', properties: OPTIONAL_PROPERTIES }],
  ['names to escape', { type: 'object', properties: { 'a"\\\n\u{1F600}\u0000': { type: 'null' } } }],
  [
    'tuples',
    { type: 'array', prefixItems: [{}, { type: 'null' }, {}], minItems: 1, items: { type: 'string' } },
  ],
  [
    'alternatives that double at every reference',
    { $ref: '#/$defs/d0', $defs: { ...DEFINITIONS, d20: { type: 'null' } } },
  ],
  [
    'recursion',
    {
      type: 'object',
      properties: {
        next: { anyOf: [{ $ref: '#' }, { type: 'null' }] },
        all: { type: 'array', items: { $ref: '#' } },
        map: { type: 'object', additionalProperties: { $ref: '#' } },
      },
    },
  ],
];

describe('the engine accepts grammars of', () => {
  let llama: Llama;
  beforeAll(async () => {
    llama = await getLlama({ gpu: false, build: 'never', skipDownload: true, logLevel: LlamaLogLevel.error });
  });
  afterAll(() => llama.dispose());

  it.each(SCHEMAS)('%s', async (_, schema) => {
    const grammar = buildGrammar(compileJsonSchema(schema, { unsupported: 'reject' }));
    await expect(llama.createGrammar({ grammar })).resolves.toBeDefined();
  });

  it('any JSON object', async () => {
    await expect(llama.createGrammar({ grammar: jsonObjectGrammar() })).resolves.toBeDefined();
  });

  it('schemas inside a larger grammar', async () => {
    const builder = new GrammarBuilder();
    const calls = SCHEMAS.map(([name, schema]) => {
      const rule = builder.addSchema(schema, { unsupported: 'reject' }).rule;
      return `${builder.literal(`<tool_call>\n{"name": "${name}", "arguments": `)} ${rule} ${builder.literal('}\n</tool_call>')}`;
    });
    const call = builder.addRule('call', calls.join(' | '));
    await expect(llama.createGrammar({ grammar: builder.toString(`${call}{1,3}`) })).resolves.toBeDefined();
  });

  it('refuses what is no grammar, so that the tests above mean something', async () => {
    await expect(llama.createGrammar({ grammar: 'root ::= undefined-rule' })).rejects.toThrow(/grammar/i);
    await expect(llama.createGrammar({ grammar: 'root ::= root "a" | "b"' })).rejects.toThrow(/grammar/i);
  });
});
