import { describe, expect, it } from 'vitest';
import type { AnswerFormat } from '../../../src/backends/embedded/answer-format.ts';
import { buildAnswerGrammar, type GrammarRequest } from '../../../src/backends/embedded/answer-grammar.ts';
import type { CallableTool, ToolSet } from '../../../src/backends/embedded/tools/tool-set.ts';
import { derives } from './grammar/gbnf-matcher.ts';
import { parseGbnf } from './grammar/gbnf-parser.ts';

const TEXT: AnswerFormat = { kind: 'text' };
const NUMBERS: AnswerFormat = {
  kind: 'json-schema',
  schema: { type: 'array', items: { enum: [1, 2] }, maxItems: 2 },
  path: 'response_format.json_schema.schema',
};

function tool(name: string, parameters: Record<string, unknown>, strict = false): CallableTool {
  return { name, description: '', parameters, strict, path: `tools.${name}` };
}

const ADD = tool('add', {
  type: 'object',
  properties: { n: { enum: [1, 2] } },
  required: ['n'],
  additionalProperties: false,
});
const CLOCK = tool('clock', { type: 'object', properties: {}, additionalProperties: false });
const toolSet = (fields: Partial<ToolSet> = {}): ToolSet => ({
  tools: [ADD, CLOCK],
  use: 'auto',
  parallel: false,
  ...fields,
});

const ADD_JSON = '{"name": "add", "arguments": {"n": 1}}';
const CLOCK_JSON = '{"name": "clock", "arguments": {}}';
const tagged = (json: string): string => `<tool_call>\n${json}\n</tool_call>`;

function build(fields: Partial<GrammarRequest>) {
  return buildAnswerGrammar({ format: TEXT, toolSet: undefined, unsupported: 'reject', ...fields });
}

describe('buildAnswerGrammar', () => {
  it('leaves free text free', () => {
    expect(build({})).toEqual({ ignored: [] });
    expect(build({ thoughtEnd: '</think>' })).toEqual({ ignored: [] });
  });

  it.each<
    [name: string, fields: Partial<GrammarRequest>, after: string | undefined, good: string[], bad: string[]]
  >([
    ['a schema', { format: NUMBERS }, undefined, ['[]', '[1,2]'], ['', '{}', '[3]', '[1,1,1]', ' x']],
    [
      'any object',
      { format: { kind: 'json-object' } },
      undefined,
      ['{}', '{"a": [1, "x"]}'],
      ['[]', '1', ''],
    ],
    [
      'a schema behind reasoning',
      { format: NUMBERS, thoughtEnd: '</think>' },
      '</think>',
      ['[]', '\n\n[1]'],
      ['x'],
    ],
    [
      'a required call',
      { toolSet: toolSet({ use: 'required' }) },
      undefined,
      [tagged(ADD_JSON), tagged(CLOCK_JSON)],
      [
        '',
        ADD_JSON,
        tagged('{"name": "rm", "arguments": {}}'),
        tagged('{"name": "add", "arguments": {}}'),
        `${tagged(ADD_JSON)}\n${tagged(ADD_JSON)}`,
      ],
    ],
    [
      'a required call behind reasoning',
      { toolSet: toolSet({ use: 'required' }), thoughtEnd: '</think>' },
      '</think>',
      [`\n\n${tagged(ADD_JSON)}`, tagged(ADD_JSON)],
      ['\n\n'],
    ],
    [
      'several required calls',
      { toolSet: toolSet({ use: 'required', parallel: true }) },
      undefined,
      [
        tagged(ADD_JSON),
        `${tagged(ADD_JSON)}\n${tagged(CLOCK_JSON)}`,
        Array.from({ length: 8 }, () => tagged(CLOCK_JSON)).join('\n'),
      ],
      [Array.from({ length: 9 }, () => tagged(CLOCK_JSON)).join('\n')],
    ],
    [
      'a call the model chooses to make',
      { toolSet: toolSet() },
      '<tool_call>',
      [`\n${ADD_JSON}\n</tool_call>`, `${CLOCK_JSON}\n</tool_call>`],
      [`\n${ADD_JSON}`, `\n{"name": "rm", "arguments": {}}\n</tool_call>`],
    ],
    [
      'the same behind reasoning: the trigger is the call, not the end of the reasoning',
      { toolSet: toolSet(), thoughtEnd: '</think>' },
      '<tool_call>',
      [`\n${ADD_JSON}\n</tool_call>`],
      [''],
    ],
    [
      'a schema or a call',
      { format: NUMBERS, toolSet: toolSet() },
      undefined,
      ['[1]', tagged(ADD_JSON)],
      ['x', ADD_JSON],
    ],
    [
      'a required call, which leaves no room for a schema',
      { format: NUMBERS, toolSet: toolSet({ use: 'required' }) },
      undefined,
      [tagged(ADD_JSON)],
      ['[1]'],
    ],
  ])('holds an answer to %s', (_, fields, after, good, bad) => {
    const { grammar, ignored } = build(fields);
    expect(ignored).toEqual([]);
    expect(grammar?.after).toBe(after);
    const parsed = parseGbnf(grammar?.text ?? '');
    for (const text of good) expect([text, derives(parsed, text)]).toEqual([text, true]);
    for (const text of bad) expect([text, derives(parsed, text)]).toEqual([text, false]);
  });

  const NOT = { not: { type: 'string' } };
  const NOT_TOOL = { type: 'object', properties: { n: NOT } };

  it.each<[name: string, fields: Partial<GrammarRequest>, code: string, param: string]>([
    [
      'a format with a keyword no grammar can express',
      { format: { kind: 'json-schema', schema: NOT, path: 'schema' } },
      'unsupported_schema',
      'schema',
    ],
    [
      'a strict tool with one',
      { toolSet: toolSet({ tools: [tool('x', NOT_TOOL, true)] }) },
      'unsupported_schema',
      'tools.x.properties.n',
    ],
    [
      'a malformed schema',
      { format: { kind: 'json-schema', schema: { type: 'text' }, path: 'schema' }, unsupported: 'ignore' },
      'invalid_argument',
      'schema',
    ],
  ])('refuses %s', (_, fields, code, param) => {
    expect(() => build(fields)).toThrow(expect.objectContaining({ code, param, status: 400 }));
  });

  it('names the keyword in its refusal', () => {
    expect(() => build({ format: { kind: 'json-schema', schema: NOT, path: 'schema' } })).toThrow(/\bnot\b/);
  });

  it.each<[name: string, fields: Partial<GrammarRequest>, ignored: string]>([
    [
      'a tool that is not strict',
      { toolSet: toolSet({ tools: [tool('x', NOT_TOOL)] }) },
      'tools.x.properties.n.not',
    ],
    [
      'a format, where that is configured',
      { format: { kind: 'json-schema', schema: NOT, path: 'schema' }, unsupported: 'ignore' },
      'schema.not',
    ],
  ])('leaves out and names what it cannot enforce in %s', (_, fields, ignored) => {
    expect(build(fields).ignored).toEqual([ignored]);
  });

  it('keeps the schemas of many tools apart', () => {
    const many = Array.from({ length: 20 }, (_, index) =>
      tool(`t${index}`, { type: 'object', properties: { v: { const: index } }, required: ['v'] }),
    );
    const { grammar } = build({ toolSet: toolSet({ tools: many, use: 'required' }) });
    const parsed = parseGbnf(grammar?.text ?? '');
    expect(derives(parsed, tagged('{"name": "t7", "arguments": {"v":7}}'))).toBe(true);
    expect(derives(parsed, tagged('{"name": "t7", "arguments": {"v":8}}'))).toBe(false);
  });
});
