import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Tool } from '../../../src/wire/openai/request.ts';
import type { Choice } from '../../../src/wire/openai/response.ts';
import { type Fields, LocalModel } from './local-model.ts';

let model: LocalModel;

beforeAll(async () => {
  model = await LocalModel.start({ contextSize: 1024 });
});

afterAll(async () => {
  await model.close();
});

const PARAMETERS = {
  weather: {
    type: 'object',
    properties: { city: { type: 'string', maxLength: 12 }, unit: { enum: ['C', 'F'] } },
    required: ['city', 'unit'],
    additionalProperties: false,
  },
  roll: {
    type: 'object',
    properties: { sides: { type: 'integer', minimum: 2, maximum: 20 } },
    required: ['sides'],
    additionalProperties: false,
  },
};

type ToolName = keyof typeof PARAMETERS;

const TOOLS = Object.entries(PARAMETERS).map(([name, parameters]) => ({
  type: 'function' as const,
  function: { name, description: `Does ${name}.`, parameters, strict: true },
}));

const ajv = new Ajv2020();

/** The calls of a choice, each checked against the schema of its tool. */
function callsOf({ message }: Choice): { name: ToolName; arguments: unknown }[] {
  return (message.tool_calls ?? []).map((call) => {
    if (call.type !== 'function') throw new Error('not a function call');
    const name = call.function.name as ToolName;
    const value: unknown = JSON.parse(call.function.arguments);
    expect(Object.keys(PARAMETERS)).toContain(name);
    expect([value, ajv.validate(PARAMETERS[name], value)]).toEqual([value, true]);
    expect(call.id).toMatch(/^call_[0-9A-Za-z]{24}$/);
    return { name, arguments: value };
  });
}

const ASKING: Fields = { ask: 'Is it warm in Oslo?', temperature: 1, max_tokens: 60, tools: TOOLS };

describe('tool_choice', () => {
  it.each([1, 2])('required makes a valid call and nothing else, seed %d', async (seed) => {
    const choice = await model.choice({ ...ASKING, seed, tool_choice: 'required' });
    expect(callsOf(choice)).toHaveLength(1);
    expect(choice).toMatchObject({ finish_reason: 'tool_calls', message: { content: null } });
  });

  it('naming a function makes a call of it', async () => {
    const choice = await model.choice({
      ...ASKING,
      seed: 3,
      tool_choice: { type: 'function', function: { name: 'roll' } },
    });
    expect(callsOf(choice).map(({ name }) => name)).toEqual(['roll']);
    expect(choice.finish_reason).toBe('tool_calls');
  });

  it('gives the same call streamed, as one delta and a finish', async () => {
    const fields: Fields = { ...ASKING, seed: 4, tool_choice: 'required' };
    const whole = await model.choice(fields);
    const chunks = await model.chunks(fields);
    const deltas = chunks.flatMap(({ choices }) => choices[0]?.delta.tool_calls ?? []);
    const [first] = deltas;
    expect(first).toMatchObject({ index: 0, type: 'function' });
    const json = deltas
      .map((delta) => ('function' in delta ? (delta.function?.arguments ?? '') : ''))
      .join('');
    expect(JSON.parse(json)).toEqual(callsOf(whole)[0]?.arguments);
    expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe('');
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('tool_calls');
  });

  it('none makes no call', async () => {
    const choice = await model.choice({ ...ASKING, seed: 5, max_tokens: 10, tool_choice: 'none' });
    expect(choice.message).not.toHaveProperty('tool_calls');
    expect(choice.message.content).not.toBe('');
  });

  it('auto makes valid calls or writes text, never a broken call', async () => {
    for (const seed of [1, 2]) {
      const choice = await model.choice({ ...ASKING, seed, max_tokens: 40 });
      const calls = callsOf(choice);
      expect(choice.finish_reason).toBe(calls.length > 0 ? 'tool_calls' : choice.finish_reason);
      expect(choice.message.content ?? '').not.toContain('tool_call>');
    }
  });

  it('lets a format and a call stand side by side', async () => {
    const schema = { type: 'array', items: { enum: [1, 2] }, maxItems: 2 };
    for (const seed of [1, 2]) {
      const choice = await model.choice({
        ...ASKING,
        seed,
        response_format: { type: 'json_schema', json_schema: { schema } },
      });
      const isCall = callsOf(choice).length === 1;
      expect(isCall || ajv.validate(schema, JSON.parse(choice.message.content ?? ''))).toBe(true);
    }
  });
});

describe('parallel_tool_calls', () => {
  it.each<[asked: boolean | undefined]>([[false], [undefined]])('%s: one call', async (asked) => {
    const fields = asked === undefined ? {} : { parallel_tool_calls: asked };
    const choice = await model.choice({
      ...ASKING,
      ...fields,
      seed: 6,
      max_tokens: 200,
      tool_choice: 'required',
    });
    expect(callsOf(choice)).toHaveLength(1);
    expect(choice.finish_reason).toBe('tool_calls');
  });

  it('true: each call is valid, and has an id of its own', async () => {
    const choice = await model.choice({
      ...ASKING,
      seed: 7,
      max_tokens: 150,
      parallel_tool_calls: true,
      tool_choice: 'required',
    });
    const calls = callsOf(choice);
    expect(calls.length).toBeGreaterThanOrEqual(1);
    expect(calls.length).toBeLessThanOrEqual(8);
    expect(new Set((choice.message.tool_calls ?? []).map(({ id }) => id)).size).toBe(calls.length);
  });
});

describe('other kinds of tools', () => {
  it('calls a custom tool with its input', async () => {
    const choice = await model.choice({
      ask: 'Say hi.',
      temperature: 0.5,
      seed: 1,
      max_tokens: 60,
      tools: [{ type: 'custom', custom: { name: 'say', description: 'Says a word.' } }],
      tool_choice: 'required',
    });
    const isCut = choice.finish_reason === 'length';
    const [call] = choice.message.tool_calls ?? [];
    expect(isCut ? 'custom' : call?.type).toBe('custom');
  });

  it('answers deprecated functions with a function_call', async () => {
    const choice = await model.choice({
      ask: 'Roll.',
      temperature: 1,
      seed: 1,
      max_tokens: 60,
      functions: [{ name: 'roll', parameters: PARAMETERS.roll }],
      function_call: { name: 'roll' },
    });
    expect(choice.finish_reason).toBe('function_call');
    expect(choice.message.function_call?.name).toBe('roll');
    expect(ajv.validate(PARAMETERS.roll, JSON.parse(choice.message.function_call?.arguments ?? ''))).toBe(
      true,
    );
  });

  it('refuses a strict tool whose schema cannot be enforced, and names the keyword', async () => {
    const parameters = { type: 'object', properties: { a: { not: { type: 'null' } } } };
    const tools = (strict: boolean): Tool[] => [
      { type: 'function', function: { name: 'f', parameters, strict } },
    ];
    await expect(model.text({ ...ASKING, tools: tools(true) })).rejects.toMatchObject({
      code: 'unsupported_schema',
      param: 'tools[0].function.parameters.properties.a',
      message: expect.stringContaining('not'),
    });
    const loose = await model.answer({ ...ASKING, max_tokens: 1, tools: tools(false) });
    expect(loose.facts.ignored).toEqual(['tools[0].function.parameters.properties.a.not']);
  });
});

describe('a conversation with tool results', () => {
  it('goes on after the results, and re-uses what the model has read', async () => {
    const first = await model.complete({ ...ASKING, seed: 1, tool_choice: 'required' });
    const [call] = first.choices[0]?.message.tool_calls ?? [];
    const second = await model.complete({
      messages: [
        { role: 'user', content: 'Is it warm in Oslo?' },
        {
          role: 'assistant',
          content: null,
          tool_calls: call === undefined || call.type === 'custom' ? [] : [call],
        },
        { role: 'tool', tool_call_id: call?.id ?? '', content: '{"temperature": 21}' },
      ],
      tools: TOOLS,
      temperature: 0,
      max_tokens: 12,
    });
    expect(second.choices[0]?.message.content).toMatch(/\w/);
    expect(second.usage.prompt_tokens).toBeGreaterThan(first.usage.prompt_tokens);
    expect(second.usage.prompt_tokens_details?.cached_tokens).toBeGreaterThan(first.usage.prompt_tokens / 2);
  });
});
