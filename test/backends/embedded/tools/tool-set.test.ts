import { describe, expect, it } from 'vitest';
import { readToolSet } from '../../../../src/backends/embedded/tools/tool-set.ts';
import type { ChatCompletionRequest, Tool } from '../../../../src/wire/openai/request.ts';

const WEATHER: Tool = {
  type: 'function',
  function: {
    name: 'weather',
    description: 'Tells.',
    parameters: { type: 'object', properties: {} },
    strict: true,
  },
};
const CLOCK: Tool = { type: 'function', function: { name: 'clock' } };
const RUN: Tool = { type: 'custom', custom: { name: 'run', description: 'Runs.' } };

const request = (fields: Partial<ChatCompletionRequest>): ChatCompletionRequest => ({
  messages: [{ role: 'user', content: 'Hi' }],
  ...fields,
});

describe('readToolSet', () => {
  it.each<[name: string, fields: Partial<ChatCompletionRequest>]>([
    ['no tools', {}],
    ['an empty list', { tools: [] }],
    ['null', { tools: null, functions: null }],
    ['tool_choice none', { tools: [CLOCK], tool_choice: 'none' }],
    ['function_call none', { functions: [{ name: 'clock' }], function_call: 'none' }],
  ])('reads %s as no tools', (_, fields) => {
    expect(readToolSet(request(fields))).toBeUndefined();
  });

  it('describes functions and custom tools, and where they stand', () => {
    expect(readToolSet(request({ tools: [WEATHER, CLOCK, RUN] }))?.tools).toEqual([
      {
        name: 'weather',
        description: 'Tells.',
        parameters: { type: 'object', properties: {} },
        strict: true,
        path: 'tools[0].function.parameters',
      },
      {
        name: 'clock',
        description: '',
        parameters: { type: 'object', properties: {} },
        strict: false,
        path: 'tools[1].function.parameters',
      },
      {
        name: 'run',
        description: 'Runs.',
        parameters: {
          type: 'object',
          properties: { input: { type: 'string' } },
          required: ['input'],
          additionalProperties: false,
        },
        strict: true,
        path: 'tools[2].custom',
      },
    ]);
  });

  it.each<[name: string, fields: Partial<ChatCompletionRequest>, use: string, names: string[]]>([
    ['nothing', {}, 'auto', ['weather', 'clock', 'run']],
    ['auto', { tool_choice: 'auto' }, 'auto', ['weather', 'clock', 'run']],
    ['validated', { tool_choice: 'validated' }, 'auto', ['weather', 'clock', 'run']],
    ['required', { tool_choice: 'required' }, 'required', ['weather', 'clock', 'run']],
    ['a function', { tool_choice: { type: 'function', function: { name: 'clock' } } }, 'required', ['clock']],
    [
      'a function in the Responses spelling',
      { tool_choice: { type: 'function', name: 'clock' } },
      'required',
      ['clock'],
    ],
    ['a custom tool', { tool_choice: { type: 'custom', custom: { name: 'run' } } }, 'required', ['run']],
    [
      'some of them, required',
      {
        tool_choice: {
          type: 'allowed_tools',
          allowed_tools: {
            mode: 'required',
            tools: [
              { type: 'function', function: { name: 'clock' } },
              { type: 'custom', custom: { name: 'run' } },
            ],
          },
        },
      },
      'required',
      ['clock', 'run'],
    ],
    [
      'some of them, in the Responses spelling',
      {
        tool_choice: {
          type: 'allowed_tools',
          allowed_tools: { mode: 'auto', tools: [{ type: 'function', name: 'weather' }] },
        },
      },
      'auto',
      ['weather'],
    ],
  ])('chooses as tool_choice says: %s', (_, fields, use, names) => {
    const set = readToolSet(request({ tools: [WEATHER, CLOCK, RUN], ...fields }));
    expect(set?.use).toBe(use);
    expect(set?.tools.map(({ name }) => name)).toEqual(names);
  });

  it.each<[name: string, choice: ChatCompletionRequest['function_call'], use: string]>([
    ['auto', 'auto', 'auto'],
    ['nothing', undefined, 'auto'],
    ['a name', { name: 'clock' }, 'required'],
  ])('reads the deprecated functions with function_call %s', (_, choice, use) => {
    const set = readToolSet(
      request({ functions: [{ name: 'clock' }], ...(choice === undefined ? {} : { function_call: choice }) }),
    );
    expect(set).toMatchObject({
      use,
      parallel: false,
      tools: [{ name: 'clock', path: 'functions[0].parameters' }],
    });
  });

  it.each<[asked: boolean | undefined, parallel: boolean]>([
    [undefined, false],
    [false, false],
    [true, true],
  ])('with parallel_tool_calls %s allows several calls: %s', (asked, parallel) => {
    const set = readToolSet(
      request({ tools: [WEATHER, CLOCK], ...(asked === undefined ? {} : { parallel_tool_calls: asked }) }),
    );
    expect(set?.parallel).toBe(parallel);
  });

  it('allows one call of the one tool that was named', () => {
    const set = readToolSet(
      request({
        tools: [WEATHER, CLOCK],
        parallel_tool_calls: true,
        tool_choice: { type: 'function', function: { name: 'clock' } },
      }),
    );
    expect(set?.parallel).toBe(false);
  });

  it.each<[name: string, tool: Tool, param: string]>([
    ['a tool only Google can run', { type: 'google_search' }, 'tools[0].type'],
    [
      'a custom tool with a grammar',
      { type: 'custom', custom: { name: 'run', format: { type: 'grammar' } } },
      'tools[0].custom.format',
    ],
  ])('refuses %s', (_, tool, param) => {
    expect(() => readToolSet(request({ tools: [tool] }))).toThrow(
      expect.objectContaining({ code: 'unsupported_parameter', status: 400, param }),
    );
  });
});
