/** What the OpenAI SDK for Node does beyond sending a request: helpers, error classes, aborts. */
import { randomBytes } from 'node:crypto';
import OpenAI, { AuthenticationError, BadRequestError, NotFoundError } from 'openai';
import { zodResponseFormat } from 'openai/helpers/zod';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { z } from 'zod';
import { type ParlanceProcess, startParlance } from '../support/parlance-process.ts';
import { readVertexStream } from './answer-shapes.ts';

const VERTEX_PATH = '/v1/projects/my-project/locations/us-central1/endpoints/openapi';
const MODEL = 'google/gemini-2.5-pro';
const QUESTION = { model: MODEL, messages: [{ role: 'user' as const, content: 'Why is the sky blue?' }] };

const client = new OpenAI({ baseURL: `${inject('parlanceUrl')}${VERTEX_PATH}`, apiKey: 'local' });

describe('streams', () => {
  it('come chunk by chunk', async () => {
    const stream = await client.chat.completions.create({ ...QUESTION, stream: true, max_tokens: 16 });
    const chunks: unknown[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    expect(readVertexStream(chunks)).toEqual({ model: MODEL, text: expect.stringMatching(/./s) });
  });

  it('have the token counts in a chunk of their own when they were asked for', async () => {
    const stream = await client.chat.completions.create({
      ...QUESTION,
      stream: true,
      stream_options: { include_usage: true },
      max_tokens: 8,
    });
    const chunks: OpenAI.ChatCompletionChunk[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    const last = chunks.pop();
    expect(last?.choices).toEqual([]);
    expect(last?.usage?.completion_tokens).toBeGreaterThan(0);
    expect(chunks.map(({ usage }) => usage)).toEqual(chunks.map(() => null));
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toMatch(/^(?:stop|length)$/);
  });

  it('are put together by the stream helper', async () => {
    const stream = client.chat.completions.stream({ ...QUESTION, max_tokens: 16 });
    const pieces: string[] = [];
    stream.on('content', (delta) => pieces.push(delta));
    const completion = await stream.finalChatCompletion();
    expect(pieces.length).toBeGreaterThan(1);
    expect(completion.choices[0]?.message).toMatchObject({ role: 'assistant', content: pieces.join('') });
    const { prompt_tokens, completion_tokens, total_tokens } = await stream.totalUsage();
    expect(completion_tokens).toBeGreaterThan(0);
    expect(prompt_tokens + completion_tokens).toBe(total_tokens);
  });

  it('of a JSON answer end with the parsed object', async () => {
    const stream = client.chat.completions.stream({
      ...QUESTION,
      response_format: zodResponseFormat(z.object({ colour: z.enum(['blue', 'red']) }), 'answer'),
    });
    const parsed = vi.fn<(colour: string | undefined) => void>();
    stream.on('content.done', ({ parsed: value }) => parsed(value?.colour));
    await stream.done();
    expect(parsed.mock.calls).toEqual([[expect.stringMatching(/^(?:blue|red)$/)]]);
  });
});

describe('parse', () => {
  const Recipe = z.object({
    title: z.string().max(30),
    difficulty: z.enum(['easy', 'hard']),
    minutes: z.int().min(1).max(240),
    note: z.string().max(20).nullable(),
    ingredients: z
      .array(z.object({ name: z.string().max(15), unit: z.enum(['g', 'ml']) }))
      .min(1)
      .max(3),
  });

  it('returns an object that follows a nested zod schema', async () => {
    const completion = await client.chat.completions.parse({
      model: MODEL,
      messages: [{ role: 'user', content: 'A recipe for pancakes.' }],
      response_format: zodResponseFormat(Recipe, 'recipe'),
    });
    const parsed = completion.choices[0]?.message.parsed;
    expect(Recipe.parse(parsed)).toEqual(parsed);
    expect(completion.choices[0]?.finish_reason).toBe('stop');
  });
});

describe('runTools', () => {
  it.each([{ stream: false as const }, { stream: true as const }])(
    'calls the function and sends back what it returns, stream: $stream',
    async ({ stream }) => {
      const getWeather = vi.fn<(place: { city: string }) => string>(
        ({ city }) => `It is raining in ${city}.`,
      );
      const runner = client.chat.completions.runTools(
        {
          model: MODEL,
          stream: stream as true,
          messages: [{ role: 'user', content: 'What is the weather in Oslo?' }],
          tools: [
            {
              type: 'function',
              function: {
                name: 'get_weather',
                description: 'The weather in a city.',
                parameters: {
                  type: 'object',
                  properties: { city: { type: 'string', maxLength: 20 } },
                  required: ['city'],
                  additionalProperties: false,
                },
                parse: (text: string) => z.strictObject({ city: z.string().max(20) }).parse(JSON.parse(text)),
                function: getWeather,
              },
            },
          ],
          // A small model left to choose may not call at all; one that must call is stopped after two rounds.
          tool_choice: 'required',
          parallel_tool_calls: false,
        },
        { maxChatCompletions: 2 },
      );
      await runner.done();
      expect(getWeather).toHaveBeenCalledTimes(2);
      expect(runner.messages.map(({ role }) => role)).toEqual([
        'user',
        'assistant',
        'tool',
        'assistant',
        'tool',
      ]);
      expect(runner.messages[2]).toMatchObject({ content: expect.stringContaining('It is raining in ') });
    },
  );
});

/** What the SDK throws. */
async function failureOf(body: OpenAI.ChatCompletionCreateParams): Promise<unknown> {
  return client.chat.completions.create(body).then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('errors', () => {
  it('are a NotFoundError for a model that no rule matches', async () => {
    const failure = await failureOf({ ...QUESTION, model: 'meta/llama-3.3-70b-instruct-maas' });
    expect(failure).toBeInstanceOf(NotFoundError);
    expect(failure).toMatchObject({ status: 404, code: 'model_not_found', param: 'model' });
  });

  it.each([
    { name: 'a whole answer', stream: false },
    { name: 'a stream', stream: true },
  ])('are a BadRequestError that names the field, asked for $name', async ({ stream }) => {
    const failure = await failureOf({ ...QUESTION, stream, temperature: 5 });
    expect(failure).toBeInstanceOf(BadRequestError);
    expect(failure).toMatchObject({
      status: 400,
      type: 'invalid_request_error',
      param: 'temperature',
      requestID: expect.stringMatching(/^req_\w+$/),
      message: expect.stringContaining('temperature'),
    });
  });
});

describe('responses', () => {
  it('carry the request id', async () => {
    const { data, response, request_id } = await client.chat.completions
      .create({ ...QUESTION, max_tokens: 1 })
      .withResponse();
    expect(request_id).toMatch(/^req_\w+$/);
    expect(data).toHaveProperty('_request_id', request_id);
    expect(response.headers.get('x-parlance-upstream')).toBe('roomy');
  });
});

describe('a server that asks for keys', () => {
  const key = randomBytes(24).toString('hex');
  let server: ParlanceProcess;

  beforeAll(async () => {
    const config = `
server: { shutdown_grace_ms: 1000 }
auth: { mode: keys, keys: [${key}] }
`;
    server = await startParlance({ config });
  });

  afterAll(async () => {
    await server.stop();
  });

  it('refuses another key with an AuthenticationError', async () => {
    const stranger = new OpenAI({ baseURL: `${server.url}${VERTEX_PATH}`, apiKey: 'local' });
    await expect(stranger.chat.completions.create(QUESTION)).rejects.toThrow(AuthenticationError);
  });

  it('stops to generate when the client aborts a stream', async () => {
    const friend = new OpenAI({ baseURL: `${server.url}${VERTEX_PATH}`, apiKey: key });
    const { data: stream, request_id } = await friend.chat.completions
      .create({ ...QUESTION, stream: true })
      .withResponse();
    let chunks = 0;
    for await (const _ of stream) {
      chunks += 1;
      if (chunks === 5) stream.controller.abort();
    }
    expect(chunks).toBe(5);
    const line = await vi.waitUntil(
      () =>
        server
          .output()
          .split('\n')
          .find((text) => text.includes(request_id ?? '?')),
      {
        timeout: 10_000,
      },
    );
    expect(JSON.parse(line)).toMatchObject({ error: 'cancelled' });
  });
});
