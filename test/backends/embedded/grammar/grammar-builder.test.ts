import { describe, expect, it } from 'vitest';
import { compileJsonSchema } from '../../../../src/backends/embedded/grammar/compile-json-schema.ts';
import {
  buildGrammar,
  GrammarBuilder,
  jsonObjectGrammar,
} from '../../../../src/backends/embedded/grammar/grammar-builder.ts';
import type { SchemaError } from '../../../../src/backends/embedded/grammar/schema-error.ts';
import { derives } from './gbnf-matcher.ts';
import { parseGbnf } from './gbnf-parser.ts';
import { samplesOf } from './sampled-schema.ts';

describe('GrammarBuilder', () => {
  it('puts schemas into a larger grammar', () => {
    const builder = new GrammarBuilder();
    const tools = { add: { n: { type: 'integer' } }, say: { text: { type: 'string', maxLength: 5 } } };
    const calls = Object.entries(tools).map(([name, properties]) => {
      const schema = { type: 'object', properties, required: Object.keys(properties) };
      const { rule, dropped } = builder.addSchema(schema, { unsupported: 'reject' });
      expect(dropped).toEqual([]);
      return `${builder.literal(`{"name": "${name}", "arguments": `)} ${rule} ${builder.literal('}')}`;
    });
    const call = builder.addRule('object', calls.join(' | '));
    expect(call).not.toBe('object');
    const root = `${builder.literal('<tool_call>\n')} ${call} ${builder.literal('\n</tool_call>')}`;
    const grammar = parseGbnf(builder.toString(root));
    expect(derives(grammar, '<tool_call>\n{"name": "add", "arguments": {"n": 7}}\n</tool_call>')).toBe(true);
    expect(derives(grammar, '<tool_call>\n{"name": "say", "arguments": {"text":"hi"}}\n</tool_call>')).toBe(
      true,
    );
    expect(derives(grammar, '<tool_call>\n{"name": "say", "arguments": {"n": 7}}\n</tool_call>')).toBe(false);
  });

  it('says what each schema dropped', () => {
    const builder = new GrammarBuilder();
    const options = { unsupported: 'drop', path: 'tools[3].function.parameters' } as const;
    expect(builder.addSchema({ properties: { 'a b': { not: { type: 'null' } } } }, options).dropped).toEqual([
      { keyword: 'not', path: 'tools[3].function.parameters.properties["a b"]' },
    ]);
    expect(builder.addSchema({ type: 'null' }, options).dropped).toEqual([]);
  });

  it('keeps the same value in one rule', () => {
    const builder = new GrammarBuilder();
    const schema = { type: 'string', format: 'date' };
    const [one, other] = [schema, { ...schema }].map(
      (each) => builder.addSchema(each, { unsupported: 'reject' }).rule,
    );
    expect(one).toBe(other);
  });

  it('names the path of a schema that makes the grammar too large', () => {
    const builder = new GrammarBuilder();
    const add = (index: number) =>
      builder.addSchema(
        { enum: [index, 'x'.repeat(100_000)] },
        { unsupported: 'reject', path: `tools[${index}]` },
      );
    for (let index = 0; index < 5; index += 1) add(index);
    expect(() => add(5)).toThrow(
      expect.objectContaining({ kind: 'too_complex', path: 'tools[5]' }) as SchemaError,
    );
  });

  it.each([
    ['plain', 'text', '"text"'],
    ['quotes and backslashes', '"\\', '"\\"\\\\"'],
    ['line ends', 'a\nb\r', '"a\\nb\\x0D"'],
    ['beyond ASCII', '\u00e9\u{1F600}', '"\\xE9\\U0001F600"'],
  ])('writes literals: %s', (_, text, literal) => {
    expect(new GrammarBuilder().literal(text)).toBe(literal);
    expect(derives(parseGbnf(`root ::= ${literal}`), text)).toBe(true);
  });
});

describe('jsonObjectGrammar', () => {
  const grammar = parseGbnf(jsonObjectGrammar());

  it('produces JSON objects that end', () => {
    const values = samplesOf(grammar, 300).map((text) => JSON.parse(text) as unknown);
    expect(
      values.every((value) => typeof value === 'object' && value !== null && !Array.isArray(value)),
    ).toBe(true);
  });

  it.each([
    '{}',
    '{"a": 1}',
    '{"a":-1.5e+10,"b": [true, false, null], "c": {"d": ["e", {}]}}',
    '{"\\u00e9 \\ud83d\\ude00": "\\\\ \\" \\/ \\b\\f\\n\\r\\t"}',
  ])('can produce %s', (text) => {
    expect(derives(grammar, text)).toBe(true);
  });

  it.each([
    '',
    '[]',
    '1',
    '{',
    '{"a":1,}',
    '{"a":  1}',
    '{ }',
    '{"a":\n1}',
    '{"a":01}',
    '{"a":"\u0001"}',
    '{"a":"\\ud83d"}',
    '{"a":"\\ude00"}',
    '{"a":1e999}',
  ])('cannot produce %j', (text) => {
    expect(derives(grammar, text)).toBe(false);
  });

  it('does not nest without end', () => {
    expect(derives(grammar, `{"a":${'['.repeat(5)}${']'.repeat(5)}}`)).toBe(true);
    expect(derives(grammar, `{"a":${'['.repeat(50)}${']'.repeat(50)}}`)).toBe(false);
  });
});

it('buildGrammar starts at the rule of the schema', () => {
  const compiled = compileJsonSchema({ type: 'null' }, { unsupported: 'reject' });
  expect(buildGrammar(compiled)).toBe(`root ::= ${compiled.root}\n${compiled.root} ::= "null"\n`);
});

it('a builder bounds the work on all its schemas together', () => {
  const builder = new GrammarBuilder();
  expect(() => {
    for (let index = 0; index < 2000; index += 1) {
      const pattern = `^(a|b)*a(a|b){6}${index}$`;
      builder.addSchema({ type: 'string', pattern }, { unsupported: 'reject' });
    }
  }).toThrow(expect.objectContaining({ kind: 'too_complex', keyword: 'pattern' }) as SchemaError);
  expect(() => builder.addSchema({}, { unsupported: 'reject' })).toThrow(
    expect.objectContaining({ kind: 'too_complex', path: 'schema' }) as SchemaError,
  );
});
