import { describe, expect, it } from 'vitest';
import type { GeminiTool } from '../../../src/wire/gemini/request.ts';
import { refusal, type TestTarget, translate, USER } from './translate.ts';

const OLD = { model: 'gemini-2.0-flash' };

const fn = (definition: object): object => ({ type: 'function', function: definition });
const CITY = { type: 'object', properties: { city: { type: 'string' } } };

const toolsOf = (fields: object, target?: TestTarget): GeminiTool[] | undefined =>
  translate(fields, target).body.tools;

describe('functions', () => {
  it('stand in one native tool, their schema in the language of the model', () => {
    const tools = [fn({ name: 'a', description: 'A.', parameters: CITY }), fn({ name: 'b' })];
    expect(toolsOf({ tools })).toEqual([
      { functionDeclarations: [{ name: 'a', description: 'A.', parametersJsonSchema: CITY }, { name: 'b' }] },
    ]);
    expect(toolsOf({ tools }, OLD)).toEqual([
      {
        functionDeclarations: [
          {
            name: 'a',
            description: 'A.',
            parameters: { type: 'OBJECT', properties: { city: { type: 'STRING' } } },
          },
          { name: 'b' },
        ],
      },
    ]);
  });

  it.each<[mode: 'auto' | 'json' | 'openapi', model: string, field: string]>([
    ['auto', 'gemini-2.5-flash', 'parametersJsonSchema'],
    ['auto', 'gemini-3-pro-preview', 'parametersJsonSchema'],
    ['auto', 'gemini-flash-latest', 'parametersJsonSchema'],
    ['auto', 'gemini-2.0-flash', 'parameters'],
    ['auto', 'gemini-1.5-pro', 'parameters'],
    ['auto', 'gemini-pro', 'parameters'],
    ['auto', 'tuned-endpoint', 'parameters'],
    ['json', 'gemini-1.5-pro', 'parametersJsonSchema'],
    ['openapi', 'gemini-3-pro-preview', 'parameters'],
  ])('mode %s for %s sends %s', (schemaMode, model, field) => {
    const [tool] = toolsOf({ tools: [fn({ name: 'a', parameters: CITY })] }, { schemaMode, model }) ?? [];
    expect(tool?.functionDeclarations?.[0]).toHaveProperty(field);
  });

  it.each([
    undefined,
    null,
    {},
    { type: 'object' },
    { type: 'object', properties: {} },
    { type: 'object', properties: {}, required: [], additionalProperties: false, $schema: 'x' },
  ])('without arguments have no schema: %j', (parameters) => {
    for (const target of [{}, OLD]) {
      const [tool] = toolsOf({ tools: [fn({ name: 'a', parameters })] }, target) ?? [];
      expect(tool?.functionDeclarations).toEqual([{ name: 'a' }]);
    }
  });

  it('that take any argument of a type keep their schema', () => {
    const parameters = { type: 'object', additionalProperties: { type: 'string' } };
    const [tool] = toolsOf({ tools: [fn({ name: 'a', parameters })] }) ?? [];
    expect(tool?.functionDeclarations?.[0]?.parametersJsonSchema).toEqual(parameters);
  });

  it('may come as functions', () => {
    expect(toolsOf({ functions: [{ name: 'a', description: 'A.' }] })).toEqual([
      { functionDeclarations: [{ name: 'a', description: 'A.' }] },
    ]);
  });

  it('report a broken schema where it stands', () => {
    const parameters = { type: 'object', properties: { a: { $ref: '#/$defs/none' } } };
    expect(refusal({ tools: [fn({ name: 'a', parameters })] })).toMatchObject({
      param: 'tools[0].function.parameters.properties.a.$ref',
      code: 'invalid_argument',
    });
  });
});

describe('names', () => {
  it('that begin with a digit or dash get an underscore, taken off on the way back', () => {
    const { body, toolNames } = translate({
      tools: [fn({ name: '1st' }), fn({ name: '-x' }), fn({ name: 'ok' })],
    });
    expect(body.tools?.[0]?.functionDeclarations?.map(({ name }) => name)).toEqual(['_1st', '_-x', 'ok']);
    expect([...toolNames]).toEqual([
      ['_1st', '1st'],
      ['_-x', '-x'],
    ]);
  });

  it('do not clash', () => {
    const { toolNames } = translate({ tools: [fn({ name: '1' }), fn({ name: '_1' }), fn({ name: '__1' })] });
    expect([...toolNames]).toEqual([['___1', '1']]);
  });

  it('are the same in the history and in the choice', () => {
    const { body } = translate({
      tools: [fn({ name: '1st' })],
      tool_choice: { type: 'function', function: { name: '1st' } },
      messages: [
        USER,
        {
          role: 'assistant',
          tool_calls: [{ id: 'a', type: 'function', function: { name: '1st', arguments: '{}' } }],
        },
        { role: 'tool', tool_call_id: 'a', content: 'r' },
      ],
    });
    expect(body.contents[1]?.parts[0]?.functionCall?.name).toBe('_1st');
    expect(body.contents[2]?.parts[0]?.functionResponse?.name).toBe('_1st');
    expect(body.toolConfig?.functionCallingConfig?.allowedFunctionNames).toEqual(['_1st']);
  });

  it('must leave room for the underscore', () => {
    expect(refusal({ tools: [fn({ name: '1'.repeat(128) })] }).param).toBe('tools[0].function.name');
  });
});

describe('strict', () => {
  const tools = [fn({ name: 'a' }), fn({ name: 'b', strict: true })];

  it.each([undefined, 'auto'])('makes VALIDATED of the choice %s', (choice) => {
    const fields = { tools, ...(choice === undefined ? {} : { tool_choice: choice }) };
    expect(translate(fields).body.toolConfig).toEqual({ functionCallingConfig: { mode: 'VALIDATED' } });
  });

  it.each([
    ['required', 'ANY'],
    ['none', 'NONE'],
  ])('leaves the choice %s', (choice, mode) => {
    expect(translate({ tools, tool_choice: choice }).body.toolConfig).toEqual({
      functionCallingConfig: { mode },
    });
  });

  it('is named as ignored before Gemini 2.5', () => {
    const { body, ignored } = translate({ tools }, OLD);
    expect(body).not.toHaveProperty('toolConfig');
    expect(ignored).toEqual(['tools[1].function.strict']);
  });
});

describe('custom tools', () => {
  it('are functions with one string', () => {
    const tools = [
      { type: 'custom', custom: { name: 'sql', description: 'Runs SQL.', format: { type: 'text' } } },
    ];
    expect(toolsOf({ tools })).toEqual([
      {
        functionDeclarations: [
          {
            name: 'sql',
            description: 'Runs SQL.',
            parametersJsonSchema: {
              type: 'object',
              properties: { input: { type: 'string' } },
              required: ['input'],
            },
          },
        ],
      },
    ]);
  });

  it('with a grammar are refused, or lose it', () => {
    const tools = [{ type: 'custom', custom: { name: 'a', format: { type: 'grammar', grammar: {} } } }];
    expect(refusal({ tools })).toMatchObject({
      param: 'tools[0].custom.format',
      code: 'unsupported_parameter',
    });
    const { ignored, body } = translate({ tools }, { unsupported: 'ignore' });
    expect(ignored).toEqual(['tools[0].custom.format']);
    expect(body.tools?.[0]?.functionDeclarations).toHaveLength(1);
  });
});

describe('tools that Google runs', () => {
  it.each<[fields: object, tools: object[]]>([
    [{ tools: [{ type: 'google_search' }] }, [{ googleSearch: {} }]],
    [
      { tools: [{ type: 'googleSearch', exclude_domains: ['a.b'] }] },
      [{ googleSearch: { excludeDomains: ['a.b'] } }],
    ],
    [{ tools: [{ type: 'url_context', url_context: {} }] }, [{ urlContext: {} }]],
    [{ web_search_options: {} }, [{ googleSearch: {} }]],
    [{ web_search_options: {}, tools: [{ type: 'google_search' }] }, [{ googleSearch: {} }]],
    [
      { google: { tools: [{ google_search: {} }, { code_execution: {} }] } },
      [{ googleSearch: {} }, { codeExecution: {} }],
    ],
    [{ extra_body: { google: { tools: [{ enterprise_web_search: {} }] } } }, [{ enterpriseWebSearch: {} }]],
    [
      { google: { tools: [{ retrieval: { vertex_ai_search: { datastore: 'd', max_results: 3 } } }] } },
      [{ retrieval: { vertexAiSearch: { datastore: 'd', maxResults: 3 } } }],
    ],
    [
      {
        tools: [fn({ name: 'a' }), { type: 'google_maps' }],
        google: { tools: [{ url_context: {}, function_declarations: [{ name: 'b' }] }] },
      },
      [{ functionDeclarations: [{ name: 'a' }, { name: 'b' }] }, { googleMaps: {} }, { urlContext: {} }],
    ],
    [
      {
        google: {
          tools: [
            {
              function_declarations: [
                {
                  name: 'b',
                  parameters: { type: 'object', properties: { n: { type: 'array', max_items: 3 } } },
                },
              ],
            },
          ],
        },
      },
      [
        {
          functionDeclarations: [
            {
              name: 'b',
              parameters: { type: 'OBJECT', properties: { n: { type: 'ARRAY', maxItems: '3' } } },
            },
          ],
        },
      ],
    ],
  ])('%j', (fields, tools) => {
    const { body, ignored } = translate(fields);
    expect(body.tools).toEqual(tools);
    expect(ignored).toEqual([]);
  });

  it('of the Developer API', () => {
    const tools = [
      { type: 'file_search', file_search_store_names: ['s'] },
      {
        type: 'mcp_servers',
        mcp_servers: { name: 'm', streamable_http_transport: { url: 'https://h', timeout: '5s' } },
      },
    ];
    expect(toolsOf({ tools }, { upstream: 'gemini' })).toEqual([
      { fileSearch: { fileSearchStoreNames: ['s'] } },
      { mcpServers: [{ name: 'm', streamableHttpTransport: { url: 'https://h', timeout: '5s' } }] },
    ]);
  });

  it.each<[fields: object, upstream: 'vertex' | 'gemini', param: string, code: string]>([
    [{ tools: [{ type: 'web_search' }] }, 'vertex', 'tools[0].type', 'unsupported_parameter'],
    [{ tools: [{ type: 'file_search' }] }, 'vertex', 'tools[0]', 'unsupported_parameter'],
    [{ tools: [{ type: 'retrieval' }] }, 'gemini', 'tools[0]', 'unsupported_parameter'],
    [{ tools: [{ type: 'google_search', depth: 1 }] }, 'vertex', 'tools[0].depth', 'unsupported_parameter'],
    [
      { tools: [{ type: 'google_search', exclude_domains: ['a'] }] },
      'gemini',
      'tools[0].exclude_domains',
      'unsupported_parameter',
    ],
    [
      { google: { tools: [{ google_serach: {} }] } },
      'vertex',
      'google.tools[0].google_serach',
      'unsupported_parameter',
    ],
    [
      { google: { tools: [{ url_context: 1 }] } },
      'vertex',
      'google.tools[0].url_context',
      'invalid_argument',
    ],
    [
      { web_search_options: { user_location: {} } },
      'vertex',
      'web_search_options.user_location',
      'unsupported_parameter',
    ],
    [
      { tools: [fn({ name: 'a' })], google: { tools: [{ function_declarations: [{ name: 'a' }] }] } },
      'vertex',
      'google.tools',
      'invalid_argument',
    ],
    [
      { google: { tools: [{ retrieval: { vertex_ai_search: {}, vertex_rag_store: {} } }] } },
      'vertex',
      'google.tools[0].retrieval',
      'invalid_argument',
    ],
  ])('refuses %j on %s', (fields, upstream, param, code) => {
    expect(refusal(fields, { upstream })).toMatchObject({ param, code });
  });

  it('are dropped and named where the configuration says so', () => {
    const { body, ignored } = translate({ tools: [{ type: 'web_search' }] }, { unsupported: 'ignore' });
    expect([body.tools, ignored]).toEqual([undefined, ['tools[0].type']]);
  });
});
