/** Clients as their users have them, in a conversation with Gemini through the real server process. */
import { resolve } from 'node:path';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { ChatOpenAI } from '@langchain/openai';
import { generateObject, generateText, isStepCount, type LanguageModel, Output, streamText, tool } from 'ai';
import OpenAI from 'openai';
import { zodResponseFormat } from 'openai/helpers/zod';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createClientMachine } from '../support/client-machine.ts';
import { NO_PYTHON, PYTHON } from '../support/client-python.ts';
import { ROUTES } from '../support/gemini-server.ts';
import { ReplayUpstream } from '../support/replay-upstream.ts';
import { type ParlanceInFront, startInFrontOf } from './parlance-in-front-of.ts';
import { SIGNATURE, weatherModel } from './weather-model.ts';

const QUESTION = 'How is the weather in Oslo?';
const weather = z.object({ city: z.string(), celsius: z.int() });
const OSLO = { city: 'Oslo', celsius: 21 };
const place = z.object({ city: z.string() });
const PARAMETERS = { type: 'object' as const, properties: { city: { type: 'string' } }, required: ['city'] };
const WEATHER_TOOL = { type: 'function' as const, function: { name: 'weather', parameters: PARAMETERS } };
const ANSWER = 'In Oslo it is {"celsius":21}.';

let upstream: ReplayUpstream;
let server: ParlanceInFront;

beforeAll(async () => {
  upstream = await ReplayUpstream.start(weatherModel);
  server = await startInFrontOf(upstream);
});

afterEach(() => {
  const refusals = [...upstream.refusals];
  upstream.clear();
  if (refusals.length > 0) throw new Error(`Google would have refused: ${refusals.join('; ')}`);
});

afterAll(async () => {
  await server.stop();
  await upstream[Symbol.asyncDispose]();
});

/** The signature the last request had on its call, and what the upstream was. */
function lastStep(): { upstream: string; signature: string | undefined } {
  const parts = upstream.last.body.contents.flatMap((content) => content.parts);
  return {
    upstream: upstream.last.upstream,
    signature: parts.find((part) => part.functionCall !== undefined)?.thoughtSignature,
  };
}

function openAi(): OpenAI {
  return new OpenAI({ baseURL: `${server.url}${ROUTES.vertex}`, apiKey: 'key', maxRetries: 0 });
}

function aiSdkModel(model: string, route: keyof typeof ROUTES): LanguageModel {
  const baseURL = `${server.url}${ROUTES[route]}`;
  return createOpenAICompatible({
    name: 'parlance',
    baseURL,
    apiKey: 'key',
    supportsStructuredOutputs: true,
  })(model);
}

function langChainModel(model: string): ChatOpenAI {
  const baseURL = `${server.url}${ROUTES.plain}`;
  return new ChatOpenAI({ model, apiKey: 'key', maxRetries: 0, configuration: { baseURL } });
}

describe.each([
  { name: 'vertex', model: 'google/gemini-3-flash-preview' },
  { name: 'gemini', model: 'google/gemini-3.5-flash' },
])('through an upstream of kind $name,', ({ name, model }) => {
  const signed = { upstream: name, signature: SIGNATURE };

  describe('the OpenAI SDK for Node', () => {
    const messages = [{ role: 'user' as const, content: QUESTION }];

    it('reads an answer and a stream', async () => {
      const completion = await openAi().chat.completions.create({ model, messages });
      expect(completion.choices[0]?.message.content).toBe('It is sunny.');
      const pieces: string[] = [];
      for await (const { choices } of await openAi().chat.completions.create({
        model,
        messages,
        stream: true,
      })) {
        pieces.push(choices[0]?.delta.content ?? '');
      }
      expect(pieces.filter((piece) => piece !== '')).toEqual(['It is ', 'sunny.']);
    });

    it('parses an answer, whole and streamed', async () => {
      const request = { model, messages, response_format: zodResponseFormat(weather, 'weather') };
      const completion = await openAi().chat.completions.parse(request);
      expect(completion.choices[0]?.message.parsed).toEqual(OSLO);
      const final = await openAi().chat.completions.stream(request).finalChatCompletion();
      expect(final.choices[0]?.message.parsed).toEqual(OSLO);
    });

    it.each([{ stream: false }, { stream: true }])('runs tools (stream: $stream)', async ({ stream }) => {
      const cities: unknown[] = [];
      const run = {
        name: 'weather',
        parameters: PARAMETERS,
        description: 'The weather in a city',
        parse: (text: string): unknown => JSON.parse(text),
        function: (args: unknown) => {
          cities.push(args);
          return { celsius: 21 };
        },
      };
      const request = { model, messages, tools: [{ type: 'function' as const, function: run }] };
      const runner = stream
        ? openAi().chat.completions.runTools({ ...request, stream: true })
        : openAi().chat.completions.runTools(request);
      expect(await runner.finalContent()).toBe(ANSWER);
      expect(cities).toEqual([{ city: 'Oslo' }]);
      expect(lastStep()).toEqual(signed);
    });

    it('gets to the second step without the signature', async () => {
      const first = await openAi().chat.completions.create({ model, messages, tools: [WEATHER_TOOL] });
      const calls = (first.choices[0]?.message.tool_calls ?? []).filter((made) => made.type === 'function');
      const second = await openAi().chat.completions.create({
        model,
        messages: [
          ...messages,
          {
            role: 'assistant',
            tool_calls: calls.map(({ id, type, function: { name: called, arguments: args } }) => ({
              id,
              type,
              function: { name: called, arguments: args },
            })),
          },
          ...calls.map(({ id }) => ({ role: 'tool' as const, tool_call_id: id, content: '{"celsius":21}' })),
        ],
        tools: [WEATHER_TOOL],
      });
      expect(second.choices[0]?.message.content).toBe(ANSWER);
      expect(lastStep()).toEqual(signed);
    });
  });

  describe('the AI SDK', () => {
    const tools = {
      weather: tool({ inputSchema: place, execute: async () => ({ celsius: 21 }) }),
    };

    it('generates and streams text', async () => {
      const { text, usage } = await generateText({ model: aiSdkModel(model, 'plain'), prompt: QUESTION });
      expect(text).toBe('It is sunny.');
      expect(usage).toMatchObject({ inputTokens: 10, outputTokens: 5 });
      const streamed = streamText({ model: aiSdkModel(model, 'plain'), prompt: QUESTION });
      const pieces: string[] = [];
      for await (const piece of streamed.textStream) pieces.push(piece);
      expect(pieces).toEqual(['It is ', 'sunny.']);
    });

    it.each(['plain', 'vertex'] as const)('calls a tool and answers from its result (%s)', async (route) => {
      const options = { model: aiSdkModel(model, route), prompt: QUESTION, tools, stopWhen: isStepCount(3) };
      const { text, steps } = await generateText(options);
      expect([text, steps.length]).toEqual([ANSWER, 2]);
      expect(lastStep()).toEqual(signed);
      const streamed = streamText(options);
      expect([await streamed.text, (await streamed.steps).length]).toEqual([ANSWER, 2]);
      expect(lastStep()).toEqual(signed);
    });

    it('generates an object', async () => {
      const { object } = await generateObject({
        model: aiSdkModel(model, 'plain'),
        schema: weather,
        prompt: QUESTION,
      });
      expect(object).toEqual(OSLO);
      const { output } = await generateText({
        model: aiSdkModel(model, 'plain'),
        output: Output.object({ schema: weather }),
        prompt: QUESTION,
      });
      expect(output).toEqual(OSLO);
    });
  });

  describe('LangChain', () => {
    it('invokes and streams', async () => {
      expect((await langChainModel(model).invoke(QUESTION)).text).toBe('It is sunny.');
      const pieces: string[] = [];
      for await (const { text } of await langChainModel(model).stream(QUESTION)) pieces.push(text);
      expect(pieces.filter((piece) => piece !== '')).toEqual(['It is ', 'sunny.']);
    });

    it('calls a tool and answers from its result', async () => {
      const withTools = langChainModel(model).bindTools([WEATHER_TOOL]);
      const first = await withTools.invoke(QUESTION);
      expect(first.tool_calls).toMatchObject([{ name: 'weather', args: { city: 'Oslo' } }]);
      const [made] = first.tool_calls ?? [];
      const result = { role: 'tool', content: '{"celsius":21}', tool_call_id: made?.id ?? '' };
      const second = await withTools.invoke([{ role: 'user', content: QUESTION }, first, result]);
      expect(second.text).toBe(ANSWER);
      expect(lastStep()).toEqual(signed);
    });

    it.each(['jsonSchema', 'functionCalling'] as const)('structures its output by %s', async (method) => {
      const structured = langChainModel(model).withStructuredOutput(weather, { method });
      expect(await structured.invoke(QUESTION)).toEqual(OSLO);
    });
  });
});

describe.skipIf(NO_PYTHON !== '')(`the OpenAI SDK for Python${NO_PYTHON}`, () => {
  it.each([
    { name: 'vertex', model: 'google/gemini-3-flash-preview' },
    { name: 'gemini', model: 'google/gemini-3.5-flash' },
  ])('streams, parses and calls a tool ($name)', async ({ name, model }) => {
    const machine = await createClientMachine({
      env: { OPENAI_BASE_URL: `${server.url}${ROUTES.vertex}`, OPENAI_API_KEY: 'key' },
    });
    const program = resolve(import.meta.dirname, 'python/weather.py');
    const { exitCode, stdout, stderr } = await machine.run(PYTHON, [program, model]);
    await machine.remove();
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const { pieces, events, ...answers } = JSON.parse(stdout) as Record<string, string[]>;
    expect(pieces?.join('')).toBe('It is sunny.');
    expect(events?.filter((type) => type === 'content.done')).toHaveLength(1);
    expect(answers).toEqual({
      streamed: OSLO,
      parsed: OSLO,
      calls_in_stream: ['weather'],
      second_step: ANSWER,
      second_step_after_stream: ANSWER,
    });
    expect(lastStep()).toEqual({ upstream: name, signature: SIGNATURE });
  });
});
