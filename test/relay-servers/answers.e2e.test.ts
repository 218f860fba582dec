/** What a real model server can do, asked for with OpenAI's SDKs: it gets there, and its answers come back. */
import { resolve } from 'node:path';
import type OpenAI from 'openai';
import { zodResponseFormat } from 'openai/helpers/zod';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createClientMachine } from '../support/client-machine.ts';
import { NO_PYTHON, PYTHON } from '../support/client-python.ts';
import { type LlamaCppServer, ONE_TOOL_CALL, startLlamaCppServer } from '../support/llama-cpp-server.ts';
import { MISSING_SERVERS } from './missing-servers.ts';
import { type ParlanceInFront, startInFrontOfEndpoint } from './parlance-in-front-of.ts';

type Request = OpenAI.ChatCompletionCreateParamsNonStreaming;

const SERVED_MODEL = 'smollm2-135m-instruct';
const ENDPOINT = '1234567890';

/** Greedy, so that equal requests have equal answers. */
const QUESTION = {
  model: 'gemma-2-9b-it',
  messages: [{ role: 'user' as const, content: 'Why is the sky blue?' }],
  temperature: 0,
  max_tokens: 12,
} satisfies Request;

/** With a field of llama.cpp's own: no answer ends before it has all its tokens. */
const TWO_CHOICES = { ...QUESTION, temperature: 1, n: 2, ignore_eos: true };

const GET_WEATHER = {
  name: 'get_weather',
  description: 'The weather in a city right now.',
  parameters: {
    type: 'object' as const,
    properties: { city: { type: 'string', maxLength: 20 } },
    required: ['city'],
    additionalProperties: false,
  },
};

describe.skipIf(MISSING_SERVERS !== '')(`llama.cpp's server${MISSING_SERVERS}`, () => {
  let server: LlamaCppServer;
  let parlance: ParlanceInFront;
  let client: OpenAI;

  beforeAll(async () => {
    server = await startLlamaCppServer();
    parlance = await startInFrontOfEndpoint(server, ENDPOINT);
    client = parlance.client(ENDPOINT);
  });

  afterAll(async () => {
    await parlance.stop();
    await server.stop();
  });

  /** The only choice of a whole answer. `more` may hold fields that OpenAI's API lacks. */
  async function ask(more: object = {}): Promise<OpenAI.ChatCompletion.Choice> {
    const completion = await client.chat.completions.create({ ...QUESTION, ...more } as Request);
    const [choice, ...others] = completion.choices;
    if (choice === undefined || others.length > 0) throw new Error(`${completion.choices.length} choices`);
    return choice;
  }

  async function textOf(more: object = {}): Promise<string> {
    return (await ask(more)).message.content ?? '';
  }

  describe('streams', () => {
    it('the text of a whole answer, and the token counts that were asked for', async () => {
      const stream = await client.chat.completions.create({
        ...QUESTION,
        stream: true,
        stream_options: { include_usage: true },
      });
      const chunks: OpenAI.ChatCompletionChunk[] = [];
      for await (const chunk of stream) chunks.push(chunk);
      const last = chunks.pop();
      expect(last?.choices).toEqual([]);
      expect(last?.usage).toMatchObject({ completion_tokens: QUESTION.max_tokens });
      expect(chunks.length).toBeGreaterThan(QUESTION.max_tokens);
      expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe(await textOf());
      expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('length');
    });

    it('several choices', async () => {
      const { choices } = await client.chat.completions.stream(TWO_CHOICES).finalChatCompletion();
      expect(choices.map(({ index, finish_reason }) => ({ index, finish_reason }))).toEqual([
        { index: 0, finish_reason: 'length' },
        { index: 1, finish_reason: 'length' },
      ]);
      for (const { message } of choices) expect(message.content).toMatch(/./);
    });
  });

  describe('calls tools', () => {
    const tools = [{ type: 'function' as const, function: GET_WEATHER }];
    const request = {
      ...QUESTION,
      ...ONE_TOOL_CALL,
      messages: [{ role: 'user' as const, content: 'What is the weather in Oslo?' }],
      tools,
      tool_choice: 'required' as const,
      max_tokens: 60,
    };

    it.each([{ stream: false }, { stream: true }])(
      'and answers with what they return, stream: $stream',
      async ({ stream }) => {
        const { choices } = stream
          ? await client.chat.completions.stream(request).finalChatCompletion()
          : await client.chat.completions.create(request);
        const { message, finish_reason } = choices[0]!;
        expect(finish_reason).toBe('tool_calls');
        expect(message.tool_calls).toEqual([
          {
            id: expect.stringMatching(/./),
            type: 'function',
            function: expect.objectContaining({ name: 'get_weather' }),
          },
        ]);
        const [call] = message.tool_calls as OpenAI.ChatCompletionMessageFunctionToolCall[];
        expect(JSON.parse(call!.function.arguments)).toEqual({ city: expect.any(String) });
        const result = { role: 'tool' as const, tool_call_id: call!.id, content: 'It is raining.' };
        const answer = await ask({
          messages: [...request.messages, message, result],
          tools,
          tool_choice: 'none',
          // The small model may have nothing to say.
          ignore_eos: true,
        });
        expect(answer.message.content).toMatch(/./);
      },
    );

    it('in a loop of the SDK', async () => {
      const cities: string[] = [];
      const run = {
        ...GET_WEATHER,
        parse: (text: string) => z.strictObject({ city: z.string() }).parse(JSON.parse(text)),
        function: ({ city }: { city: string }) => {
          cities.push(city);
          return 'It is raining.';
        },
      };
      const runner = client.chat.completions.runTools(
        { ...request, tools: [{ type: 'function', function: run }] },
        { maxChatCompletions: 2 },
      );
      await runner.done();
      expect(cities).toHaveLength(2);
    });
  });

  describe('keeps to a JSON Schema', () => {
    const City = z.object({
      name: z.string().max(12),
      country: z.enum(['Norway', 'Sweden']),
      coastal: z.boolean(),
    });
    const request = {
      ...QUESTION,
      messages: [{ role: 'user' as const, content: 'Name a city in Norway.' }],
      response_format: zodResponseFormat(City, 'city'),
      max_tokens: 80,
    };

    it('in a whole answer', async () => {
      const { choices } = await client.chat.completions.parse(request);
      expect(City.parse(choices[0]?.message.parsed)).toEqual(choices[0]?.message.parsed);
    });

    it('in a stream', async () => {
      const { choices } = await client.chat.completions.stream(request).finalChatCompletion();
      expect(City.parse(choices[0]?.message.parsed)).toEqual(choices[0]?.message.parsed);
    });
  });

  describe('samples as it is told:', () => {
    it('logprobs and top_logprobs', async () => {
      const { message, logprobs } = await ask({ logprobs: true, top_logprobs: 3 });
      const tokens = logprobs?.content ?? [];
      expect(tokens.map(({ token }) => token).join('')).toBe(message.content);
      for (const { token, logprob, top_logprobs: others } of tokens) {
        expect(others).toHaveLength(3);
        // Greedy.
        expect(others[0]).toMatchObject({ token, logprob });
      }
    });

    it('n', async () => {
      const { choices } = await client.chat.completions.create(TWO_CHOICES);
      expect(choices.map(({ index }) => index)).toEqual([0, 1]);
      for (const { message } of choices) expect(message.content).toMatch(/./);
    });

    it('seed', async () => {
      const texts: string[] = [];
      for (const seed of [1, 2, 3, 1, 2, 3]) texts.push(await textOf({ temperature: 1, seed }));
      expect(texts.slice(3)).toEqual(texts.slice(0, 3));
      expect(new Set(texts).size).toBeGreaterThan(1);
    });

    it('stop', async () => {
      const text = await textOf();
      const stop = text.split(' ')[3] ?? '';
      const { message, finish_reason } = await ask({ stop: [stop] });
      expect(message.content).toBe(text.slice(0, text.indexOf(stop)));
      expect(finish_reason).toBe('stop');
    });

    it.each([
      { place: 'at the top level', field: { top_k: 1 } },
      { place: 'in extra_body', field: { extra_body: { top_k: 1 } } },
      { place: 'in extra_body of extra_body', field: { extra_body: { extra_body: { top_k: 1 } } } },
    ])('top_k $place', async ({ field }) => {
      expect(await textOf({ ...field, temperature: 1 })).toBe(await textOf());
    });
  });

  it('gets fields that only it knows, and shows what only it has', async () => {
    const request = { ...QUESTION, stream: true as const, timings_per_token: true };
    const stream = await client.chat.completions.create(request);
    const timings: unknown[] = [];
    for await (const chunk of stream) timings.push('timings' in chunk ? chunk.timings : undefined);
    expect(timings.slice(2)).toEqual(timings.slice(2).map(() => expect.any(Object)));
  });

  it('is asked for its own model, whatever name the client makes up', async () => {
    const { data, response } = await client.chat.completions
      .create({ ...QUESTION, model: 'a/model-of@nobody' })
      .withResponse();
    expect(data.model).toBe('a/model-of@nobody');
    expect(response.headers.get('x-parlance-model-version')).toBe(SERVED_MODEL);
    expect(response.headers.get('x-parlance-upstream')).toBe('gemma');
    expect(response.headers.get('x-parlance-replica')).toBe(new URL(server.url).host);
  });

  it('heeds a message of role developer', async () => {
    const [user] = QUESTION.messages;
    const content = 'You answer in French.';
    const [developer, system, neither] = [
      await textOf({ messages: [{ role: 'developer', content }, user] }),
      await textOf({ messages: [{ role: 'system', content }, user] }),
      await textOf(),
    ];
    expect(developer).toBe(system);
    expect(developer).not.toBe(neither);
  });

  it.skipIf(NO_PYTHON !== '')(`answers the SDK for Python in the same way${NO_PYTHON}`, async () => {
    const machine = await createClientMachine({
      env: { OPENAI_BASE_URL: parlance.endpoint(ENDPOINT), OPENAI_API_KEY: 'local' },
    });
    const { stdout, stderr } = await machine.run(PYTHON, [resolve(import.meta.dirname, 'python/answers.py')]);
    await machine.remove();
    expect(stderr).toBe('');
    const text = await textOf();
    expect(JSON.parse(stdout)).toEqual({
      parsed: {
        type: 'City',
        value: {
          name: expect.any(String),
          country: expect.stringMatching(/^(?:Norway|Sweden)$/),
          coastal: expect.any(Boolean),
        },
      },
      streamed: { text, completion_tokens: QUESTION.max_tokens },
      top_k: text,
      nested_top_k: text,
      failure: {
        type: 'invalid_request_error',
        code: 'invalid_argument',
        message: expect.stringContaining('temperature'),
      },
    });
  });
});
