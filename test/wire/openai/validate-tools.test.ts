import { describe, expect, it } from 'vitest';
import { validateChatRequest } from '../../../src/wire/openai/validate-request.ts';

const messages = [{ role: 'user', content: 'go on' }];
const f = { type: 'function', function: { name: 'f' } };
const c = { type: 'custom', custom: { name: 'c' } };
const named = (name: string) => ({ type: 'function', function: { name } });
const withParameters = (parameters: unknown) => ({
  tools: [{ type: 'function', function: { name: 'f', parameters } }],
});

function validate(fields: Record<string, unknown>) {
  return validateChatRequest({ messages, ...fields }, { modelRequired: false });
}

describe('tools accepted', () => {
  it.each<[string, Record<string, unknown>]>([
    ['none', { tools: [] }],
    ['null', { tools: null, tool_choice: null, functions: null, function_call: null }],
    [
      'function',
      {
        tools: [
          { type: 'function', function: { name: 'f', description: 'd', parameters: {}, strict: true } },
        ],
      },
    ],
    [
      'names OpenAI or Gemini take',
      { tools: ['a_b-C9', '9lives', '-x', 'ns.tool:v1', 'x'.repeat(128)].map(named) },
    ],
    ['null parameters', withParameters(null)],
    ['object schema', withParameters({ type: 'object', properties: { type: { type: 'string' } } })],
    ['upper-case type', withParameters({ type: 'OBJECT' })],
    ['type list', withParameters({ type: ['object', 'null'] })],
    ['reference', withParameters({ $ref: '#/$defs/A', $defs: { A: { type: 'object' } } })],
    [
      'custom',
      {
        tools: [
          {
            type: 'custom',
            custom: { name: 'c', description: 'd', format: { type: 'grammar', grammar: {} } },
          },
        ],
      },
    ],
    ['built-in', { tools: [{ type: 'google_search' }, { type: 'code_execution', x: 1 }] }],
    ['choice words', { tools: [f], tool_choice: 'required' }],
    ['validated', { tools: [f], tool_choice: 'validated' }],
    ['auto without tools', { tool_choice: 'auto' }],
    ['none without tools', { tools: [], tool_choice: 'none' }],
    ['named', { tools: [f], tool_choice: named('f') }],
    ['named flat', { tools: [f], tool_choice: { type: 'function', name: 'f' } }],
    ['named custom', { tools: [f, c], tool_choice: { type: 'custom', custom: { name: 'c' } } }],
    [
      'allowed tools',
      {
        tools: [f, c],
        tool_choice: { type: 'allowed_tools', allowed_tools: { mode: 'auto', tools: [f, c] } },
      },
    ],
    [
      'allowed built-in tool',
      {
        tools: [f, { type: 'google_search' }],
        tool_choice: {
          type: 'allowed_tools',
          allowed_tools: { mode: 'required', tools: [{ type: 'google_search' }] },
        },
      },
    ],
    [
      'choice among native tools',
      { google: { tools: [{ function_declarations: [] }] }, tool_choice: 'required' },
    ],
    ['functions', { functions: [{ name: 'f' }], function_call: { name: 'f' } }],
    ['function_call without functions', { function_call: 'auto' }],
    ['function beside empty tools', { functions: [{ name: 'f' }], tools: [] }],
  ])('%s', (_, fields) => {
    expect(validate(fields)).toEqual([]);
  });
});

describe('tools refused', () => {
  it.each<[string, Record<string, unknown>, string, string]>([
    ['no array', { tools: { f } }, 'tools', 'must be an array'],
    ['no object', { tools: ['f'] }, 'tools[0]', 'must be an object'],
    ['no type', { tools: [{ function: { name: 'f' } }] }, 'tools[0].type', 'is required'],
    ['type of a wrong type', { tools: [{ type: 5 }] }, 'tools[0].type', 'must be a string'],
    ['no function', { tools: [{ type: 'function' }] }, 'tools[0].function', 'is required'],
    ['no name', { tools: [{ type: 'function', function: {} }] }, 'tools[0].function.name', 'is required'],
    ['empty name', { tools: [named('')] }, 'tools[0].function.name', '1 to 128 letters'],
    ['name with a space', { tools: [named('a b')] }, 'tools[0].function.name', '1 to 128 letters'],
    ['name with NUL', { tools: [named('a\0')] }, 'tools[0].function.name', '1 to 128 letters'],
    [
      'long name',
      { tools: [named('x'.repeat(129))] },
      'tools[0].function.name',
      'a string of 129 characters',
    ],
    [
      'repeated name',
      { tools: [f, named('g'), f] },
      'tools[2].function.name',
      'must differ from the names before it',
    ],
    [
      'function and custom of one name',
      { tools: [f, { type: 'custom', custom: { name: 'f' } }] },
      'tools[1].custom.name',
      'must differ',
    ],
    [
      'parameters that are no object',
      withParameters([]),
      'tools[0].function.parameters',
      'must be an object',
    ],
    [
      'parameters of another type',
      withParameters({ type: 'array' }),
      'tools[0].function.parameters.type',
      'must be "object"',
    ],
    [
      'parameters of other types',
      withParameters({ type: ['string', 'null'] }),
      'tools[0].function.parameters.type',
      'must be "object"',
    ],
    [
      'strict of a wrong type',
      { tools: [{ type: 'function', function: { name: 'f', strict: 'yes' } }] },
      'tools[0].function.strict',
      'true or false',
    ],
    [
      'lone surrogate in a schema',
      withParameters({ properties: { a: { description: '\ud800' } } }),
      'tools[0].function.parameters.properties.a.description',
      'surrogate',
    ],
    [
      'custom without name',
      { tools: [{ type: 'custom', custom: {} }] },
      'tools[0].custom.name',
      'is required',
    ],
    [
      'custom format without type',
      { tools: [{ type: 'custom', custom: { name: 'c', format: {} } }] },
      'tools[0].custom.format.type',
      'is required',
    ],
    [
      'unknown choice',
      { tools: [f], tool_choice: 'any' },
      'tool_choice',
      '"none", "auto", "required", "validated"',
    ],
    ['choice of a wrong type', { tools: [f], tool_choice: 1 }, 'tool_choice', 'not the number 1'],
    ['choice without type', { tools: [f], tool_choice: { name: 'f' } }, 'tool_choice.type', 'is required'],
    [
      'choice of an unknown type',
      { tools: [f], tool_choice: { type: 'x' } },
      'tool_choice.type',
      '"allowed_tools"',
    ],
    [
      'named without name',
      { tools: [f], tool_choice: { type: 'function' } },
      'tool_choice.function',
      'is required',
    ],
    [
      'unknown name',
      { tools: [f], tool_choice: named('g') },
      'tool_choice.function.name',
      'must be a name declared in tools',
    ],
    [
      'unknown flat name',
      { tools: [f], tool_choice: { type: 'function', name: 'g' } },
      'tool_choice.name',
      'must be a name declared in tools',
    ],
    [
      'unknown custom name',
      { tools: [f], tool_choice: { type: 'custom', custom: { name: 'g' } } },
      'tool_choice.custom.name',
      'must be a name declared in tools',
    ],
    [
      'unknown allowed name',
      {
        tools: [f],
        tool_choice: { type: 'allowed_tools', allowed_tools: { mode: 'auto', tools: [f, named('g')] } },
      },
      'tool_choice.allowed_tools.tools[1].function.name',
      'must be a name declared in tools',
    ],
    [
      'allowed tools without mode',
      { tools: [f], tool_choice: { type: 'allowed_tools', allowed_tools: { tools: [f] } } },
      'tool_choice.allowed_tools.mode',
      'is required',
    ],
    [
      'no allowed tool',
      { tools: [f], tool_choice: { type: 'allowed_tools', allowed_tools: { mode: 'auto', tools: [] } } },
      'tool_choice.allowed_tools.tools',
      'must have 1 to',
    ],
    ['required without tools', { tool_choice: 'required' }, 'tool_choice', 'needs tools'],
    ['named with empty tools', { tools: [], tool_choice: named('f') }, 'tool_choice', 'needs tools'],
    ['choice beside broken tools', { tools: 5, tool_choice: 'required' }, 'tools', 'must be an array'],
    ['functions beside tools', { tools: [f], functions: [{ name: 'f' }] }, 'functions', 'beside tools'],
    ['no functions', { functions: [] }, 'functions', 'must have 1 to 128'],
    [
      'too many functions',
      { functions: Array.from({ length: 129 }, (_, i) => ({ name: `f${i}` })) },
      'functions',
      '1 to 128 items, not 129',
    ],
    ['repeated function', { functions: [{ name: 'f' }, { name: 'f' }] }, 'functions[1].name', 'must differ'],
    [
      'unknown function_call',
      { functions: [{ name: 'f' }], function_call: { name: 'g' } },
      'function_call.name',
      'must be a name declared in functions',
    ],
    [
      'function_call without functions',
      { function_call: { name: 'g' } },
      'function_call.name',
      'must be a name declared in functions',
    ],
    ['function_call word', { function_call: 'required' }, 'function_call', '"none", "auto"'],
    [
      'function_call beside broken functions',
      { functions: 5, function_call: { name: 'g' } },
      'functions',
      'must be an array',
    ],
  ])('%s', (_, fields, param, text) => {
    const problems = validate(fields);
    expect(problems.map((problem) => problem.param)).toEqual([param]);
    expect(problems[0]?.message).toContain(text);
  });
});
