/** Answers of servers that do not keep to schemas by themselves. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FORMS, readAnswer } from '../gemini/fixture.ts';
import {
  type Answer,
  bodyAnswer,
  chunks,
  completion,
  errorAnswer,
  jsonAnswer,
  sseAnswer,
} from '../support/faulty-answers.ts';
import { FaultyServer } from '../support/faulty-server.ts';
import { RelayServer } from '../support/relay-server.ts';
import { chat, chatsOf, nameOf, upstreamOf } from './fixture.ts';

const SCHEMA = {
  type: 'object',
  properties: { city: { type: 'string' }, days: { type: 'integer' } },
  required: ['city'],
  additionalProperties: false,
};
const GOOD = '{ "city": "Oslo", "days": 3 }';
const BAD = '{"town":"Oslo"}';
const FENCED = `\`\`\`json\n${GOOD}\n\`\`\``;

const format = (schema: unknown = SCHEMA, marks: object = { strict: true }) => ({
  type: 'json_schema',
  json_schema: { name: 'trip', schema, ...marks },
});
const asking = (fields: object = {}) => chat({ response_format: format(), ...fields });

let server: FaultyServer;
/** What the server says next; after that a good answer without any JSON. */
let answers: Answer[] = [];
let relay: RelayServer;

beforeAll(async () => {
  server = await FaultyServer.start();
  server.respond = ({ method }) => (method === 'POST' ? answers.shift() : undefined);
  const upstream = (keys: object) => upstreamOf([server], { kind: 'openai', model: 'served', ...keys });
  relay = await RelayServer.start({
    upstreams: {
      usual: upstream({}),
      never: upstream({ structured_output: { check: 'never' } }),
      always: upstream({ structured_output: { check: 'always' } }),
      once: upstream({ structured_output: { repairs: 0 } }),
      thrice: upstream({ structured_output: { repairs: 2 } }),
      vllm: upstream({ kind: 'vllm' }),
      'vllm-always': upstream({ kind: 'vllm', structured_output: { check: 'always' } }),
    },
    models: ['never', 'always', 'once', 'thrice', 'vllm', 'vllm-always']
      .map((name) => ({ match: name, upstream: name }))
      .concat({ match: '*', upstream: 'usual' }),
  });
  await relay.settled();
});
afterAll(async () => {
  await relay[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});
beforeEach(() => {
  server.requests.length = 0;
  answers = [];
});

/** An answer with these contents, one a choice. */
const wholeWith = (...contents: (string | null)[]) => ({
  ...completion(),
  choices: contents.map((content, index) => ({
    index,
    message: { role: 'assistant', content },
    finish_reason: 'stop',
  })),
});

const saying = (stream: boolean, content: string): Answer =>
  stream ? sseAnswer(chunks({ content })) : jsonAnswer(wholeWith(content));

describe('a whole answer', () => {
  it('that matches passes byte by byte', async () => {
    const text = `{"id":"x", "object":"chat.completion",\n"created":1,"model":"my-model","choices":[{"index":0,"message":{"role":"assistant","content":${JSON.stringify(GOOD)}},"finish_reason":"stop","odd":1.50}]}`;
    answers.push(bodyAnswer(text, { headers: { 'content-type': 'application/json' } }));
    const response = await relay.post(asking());
    expect(await response.text()).toBe(text);
    expect(response.headers.has('x-parlance-passed-over')).toBe(false);
  });

  it('in a Markdown fence loses the fence', async () => {
    answers.push(jsonAnswer(wholeWith(FENCED)));
    const { completion: whole } = await readAnswer(await relay.post(asking()));
    expect(whole).toEqual({ ...wholeWith(GOOD), model: 'my-model' });
    expect(chatsOf(server)).toHaveLength(1);
  });

  it('that does not match is repaired once', async () => {
    answers.push(jsonAnswer(wholeWith(BAD)), jsonAnswer(wholeWith(FENCED)));
    const request = asking({ temperature: 0.5 });
    const { status, content, completion: whole, headers } = await readAnswer(await relay.post(request));
    expect([status, content]).toEqual([200, GOOD]);
    expect(whole.usage).toEqual({ prompt_tokens: 6, completion_tokens: 4, total_tokens: 10 });
    expect(whole.model).toBe('my-model');
    expect(headers.get('x-parlance-passed-over')).toBe(
      `${nameOf(server)} an answer that does not match the schema`,
    );
    const [first, second] = chatsOf(server).map(({ body }) => JSON.parse(body) as { messages: object[] });
    expect(first).toEqual({ ...request, model: 'served' });
    expect({ ...second, messages: [] }).toEqual({ ...first, messages: [] });
    expect(second!.messages).toEqual([
      ...first!.messages,
      { role: 'assistant', content: BAD },
      { role: 'user', content: expect.stringMatching(/^That is not a valid answer:\n- [^]*"city"/) },
    ]);
    expect(relay.log.findLast(({ msg }) => msg === 'request')).toMatchObject({
      promptTokens: 6,
      completionTokens: 4,
    });
  });

  it.each([
    { model: 'any', asked: 2 },
    { model: 'once', asked: 1 },
    { model: 'thrice', asked: 3 },
  ])('that never matches is told of after $asked attempts: $model', async ({ model, asked }) => {
    answers.push(...Array.from({ length: asked }, () => jsonAnswer(wholeWith(BAD))));
    const { status, error, headers } = await readAnswer(await relay.post(asking({ model })));
    expect({ status, ...error }).toMatchObject({
      status: 502,
      type: 'server_error',
      code: 'schema_mismatch',
      param: 'response_format',
      message: expect.stringContaining('city'),
    });
    expect(headers.get('x-parlance-passed-over')?.split('; ')).toHaveLength(asked);
    expect(chatsOf(server)).toHaveLength(asked);
    expect(relay.log.filter(({ msg }) => msg === 'replica down')).toEqual([]);
  });

  it('of several choices is not repaired, and may be right', async () => {
    answers.push(jsonAnswer(wholeWith(GOOD, BAD)));
    expect((await readAnswer(await relay.post(asking({ n: 2 })))).error?.code).toBe('schema_mismatch');
    answers.push(jsonAnswer(wholeWith(FENCED, GOOD)));
    const { completion: whole } = await readAnswer(await relay.post(asking({ n: 2 })));
    expect(whole.choices.map(({ message }) => message.content)).toEqual([GOOD, GOOD]);
    expect(chatsOf(server)).toHaveLength(2);
  });

  it('whose repair meets an outage fails as that did, and says what was before', async () => {
    answers.push(jsonAnswer(wholeWith(BAD)), errorAnswer(400));
    const { status, error } = await readAnswer(await relay.post(asking()));
    expect([status, error?.message]).toEqual([400, 'the script says 400']);
    answers.push(jsonAnswer(wholeWith(BAD)), errorAnswer(429, { 'retry-after': '30' }));
    const { status: later, headers } = await readAnswer(await relay.post(asking()));
    expect(later).toBe(429);
    expect(headers.get('x-parlance-passed-over')).toBe(
      `${nameOf(server)} an answer that does not match the schema; ${nameOf(server)} 429 rate_limit_exceeded`,
    );
  });

  it('that is too long to be checked is told of', async () => {
    const content = JSON.stringify({ city: 'x'.repeat(9_000_000) });
    answers.push(jsonAnswer(wholeWith(content)), jsonAnswer(wholeWith(content)));
    const { status, headers, error } = await readAnswer(await relay.post(asking()));
    expect({ status, code: error?.code }).toEqual({ status: 502, code: 'schema_mismatch' });
    expect(error?.message).toContain('max_completion_tokens');
    expect(headers.get('x-should-retry')).toBe('false');
    expect(chatsOf(server)).toHaveLength(1);
  });

  it('of two megabytes is checked as well', async () => {
    answers.push(
      jsonAnswer(wholeWith(JSON.stringify({ town: 'x'.repeat(1_900_000) }))),
      jsonAnswer(wholeWith(GOOD)),
    );
    const { content } = await readAnswer(await relay.post(asking()));
    expect(content).toBe(GOOD);
  });
});

describe('a stream', () => {
  it.each([GOOD, `\n ${GOOD} \n`])('that matches ends with [DONE]: %j', async (text) => {
    answers.push(sseAnswer(chunks({ content: text })));
    const { content, isDone, error } = await readAnswer(await relay.post(asking({ stream: true })));
    expect({ content, isDone, error }).toEqual({ content: text, isDone: true, error: undefined });
  });

  it.each([
    ['does not match', BAD, 'city'],
    ['is no JSON', 'Oslo, for three days', 'JSON'],
    ['is empty', '', 'JSON'],
    ['has a fence, which has been sent', FENCED, 'fence'],
  ])('that %s ends with an error, and without [DONE]', async (_, text, says) => {
    answers.push(sseAnswer(chunks({ content: text })));
    const { content, isDone, error } = await readAnswer(await relay.post(asking({ stream: true })));
    expect({ content, isDone, code: error?.code }).toEqual({
      content: text,
      isDone: false,
      code: 'schema_mismatch',
    });
    expect(error?.message).toContain(says);
    expect(chatsOf(server)).toHaveLength(1);
    expect(relay.log.findLast(({ msg }) => String(msg).startsWith('request'))).toMatchObject({
      error: 'schema_mismatch',
    });
  });

  it('is checked for each of its choices', async () => {
    const events = [GOOD, BAD].map((content, index) =>
      JSON.stringify({ choices: [{ index, delta: { content }, finish_reason: 'stop' }] }),
    );
    answers.push(sseAnswer([...events, '[DONE]']));
    const { isDone, error } = await readAnswer(await relay.post(asking({ stream: true, n: 2 })));
    expect({ isDone, code: error?.code }).toEqual({ isDone: false, code: 'schema_mismatch' });
  });

  it('whose server writes empty lists of calls is checked', async () => {
    const events = [BAD, ''].map((content) =>
      JSON.stringify({
        choices: [
          { index: 0, delta: { content, tool_calls: [] }, finish_reason: content === '' ? 'stop' : null },
        ],
      }),
    );
    answers.push(sseAnswer([...events, '[DONE]']));
    const { isDone, error } = await readAnswer(await relay.post(asking({ stream: true })));
    expect({ isDone, code: error?.code }).toEqual({ isDone: false, code: 'schema_mismatch' });
  });
});

describe.each(FORMS)('a $form answer', ({ stream }) => {
  it.each([
    { model: 'never', request: {} },
    { model: 'vllm', request: {} },
    { model: 'any', request: { response_format: format(SCHEMA, {}) } },
    { model: 'any', request: { response_format: format(SCHEMA, { strict: false }) } },
    { model: 'any', request: { response_format: { type: 'json_object' } } },
    { model: 'any', request: { response_format: undefined } },
    { model: 'always', request: { response_format: { type: 'json_schema' } } },
  ])('is not checked: $model, $request', async ({ model, request }) => {
    answers.push(saying(stream, BAD));
    const { status, content, error } = await readAnswer(
      await relay.post(asking({ model, stream, ...request })),
    );
    expect({ status, content, error }).toEqual({ status: 200, content: BAD, error: undefined });
    expect(chatsOf(server)).toHaveLength(1);
  });

  it.each([
    { model: 'always', request: { response_format: format(SCHEMA, {}) } },
    { model: 'always', request: { response_format: format(SCHEMA, { strict: false }) } },
    { model: 'vllm-always', request: {} },
    { model: 'any', request: { response_format: undefined, extra_body: { response_format: format() } } },
  ])('is checked: $model, $request', async ({ model, request }) => {
    answers.push(saying(stream, BAD), saying(stream, BAD));
    const { error } = await readAnswer(await relay.post(asking({ model, stream, ...request })));
    expect(error?.code).toBe('schema_mismatch');
  });

  it.each(['length', 'content_filter', 'tool_calls'])(
    'that ends with %s is passed on as it is',
    async (reason) => {
      const answer = stream
        ? sseAnswer([
            JSON.stringify({ choices: [{ index: 0, delta: { content: '{"ci' }, finish_reason: null }] }),
            JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: reason }] }),
            '[DONE]',
          ])
        : jsonAnswer({
            choices: [{ index: 0, message: { role: 'assistant', content: '{"ci' }, finish_reason: reason }],
          });
      answers.push(answer);
      const { content, finishReason, error } = await readAnswer(await relay.post(asking({ stream })));
      expect({ content, finishReason, error }).toEqual({
        content: '{"ci',
        finishReason: reason,
        error: undefined,
      });
    },
  );

  it('that is a refusal is passed on as it is', async () => {
    const refusal = { role: 'assistant', content: stream ? '' : null, refusal: 'No.' };
    const choice = { index: 0, finish_reason: 'stop', [stream ? 'delta' : 'message']: refusal };
    answers.push(
      stream
        ? sseAnswer([JSON.stringify({ choices: [choice] }), '[DONE]'])
        : jsonAnswer({ choices: [choice] }),
    );
    const { status, error } = await readAnswer(await relay.post(asking({ stream })));
    expect({ status, error }).toEqual({ status: 200, error: undefined });
  });

  it.each([{ type: 'nonsense' }, { $ref: '#/nowhere' }, { type: 'string', pattern: '(' }])(
    'is not asked for with a schema that cannot be used: %j',
    async (schema) => {
      const { status, error } = await readAnswer(
        await relay.post(asking({ stream, response_format: format(schema) })),
      );
      expect({ status, code: error?.code, param: error?.param }).toEqual({
        status: 400,
        code: 'unsupported_schema',
        param: 'response_format.json_schema.schema',
      });
      expect(chatsOf(server)).toHaveLength(0);
    },
  );
});
