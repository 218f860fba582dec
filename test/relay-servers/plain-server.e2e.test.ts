/** A model server of another make, and a plain one: HTTP/1.0, one request at a time, no schemas. */
import type OpenAI from 'openai';
import { APIError, InternalServerError } from 'openai';
import { zodResponseFormat } from 'openai/helpers/zod';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { readCompletion, readRelayedStream, readText } from '../examples/answer-shapes.ts';
import type { ModelServer } from '../support/model-server.ts';
import { prepareTinygrad, startTinygradServer } from '../support/tinygrad-server.ts';
import { type ParlanceInFront, startInFrontOf } from './parlance-in-front-of.ts';

const environment = await prepareTinygrad();
const missing = 'missing' in environment ? `, skipped: ${environment.missing}` : '';

/** The name in the model's file. */
const SERVED_MODEL = 'Smollm2 135M 8k Lc100K Mix1 Ep2';

/** The shortest conversation there is: the model answers "Hello.", always. */
const GREETING = {
  model: 'gemma-2-9b-it',
  messages: [{ role: 'user' as const, content: 'Hello' }],
  max_tokens: 4,
};

/** Even a small model goes on with `{"x":1}`. */
const EXAMPLES = {
  ...GREETING,
  messages: ['A', '{"x":1}', 'B', '{"x":1}', 'C'].map((content, at) => ({
    role: at % 2 === 0 ? ('user' as const) : ('assistant' as const),
    content,
  })),
  max_tokens: 10,
};

const RIGHT = zodResponseFormat(z.object({ x: z.int() }), 'answer');
const WRONG = zodResponseFormat(z.object({ y: z.int() }), 'answer');

/** How many answers were thrown away before a request failed. */
function attemptsIn(failure: unknown): number {
  const passedOver = failure instanceof APIError ? failure.headers?.get('x-parlance-passed-over') : undefined;
  return passedOver?.match(/does not match the schema/g)?.length ?? 0;
}

describe.skipIf(missing !== '')(`tinygrad's server${missing}`, () => {
  let server: ModelServer;
  let parlance: ParlanceInFront;

  beforeAll(async () => {
    server = await startTinygradServer();
    // While it writes an answer, it answers no health check.
    const upstream = `kind: openai, base_url: "${server.url}", health: { timeout_ms: 60000 }`;
    parlance = await startInFrontOf(`
upstreams:
  gemma: { ${upstream} }
  unforgiving: { ${upstream}, structured_output: { repairs: 0 } }
models:
  - { match: "*", upstream: gemma }
endpoints:
  gemma: { upstream: gemma }
  unforgiving: { upstream: unforgiving }
`);
  });

  afterAll(async () => {
    await parlance.stop();
    await server.stop();
  });

  /** What the SDK throws. */
  async function failureOf(endpoint: string, request: object): Promise<unknown> {
    return parlance
      .client(endpoint)
      .chat.completions.create(request as OpenAI.ChatCompletionCreateParamsNonStreaming)
      .catch((error: unknown) => error);
  }

  it('answers one request after the other, each on a connection of its own', async () => {
    const { completions } = parlance.client('gemma').chat;
    const answers = await Promise.all([1, 2].map(() => completions.create(GREETING).withResponse()));
    for (const { data, response } of answers) {
      expect(readText(data, 'model server')).toBe('Hello.');
      expect(data.model).toBe(GREETING.model);
      expect(response.headers.has('x-parlance-passed-over')).toBe(false);
    }
  });

  it('streams', async () => {
    const stream = await parlance.client('gemma').chat.completions.create({ ...GREETING, stream: true });
    const chunks: unknown[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    expect(readRelayedStream(chunks)).toEqual({ model: GREETING.model, text: 'Hello.' });
  });

  it('is asked for the model it has when the client names none', async () => {
    const response = await fetch(`${parlance.endpoint('gemma')}/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ messages: GREETING.messages, max_tokens: 4 }),
    });
    expect(response.status).toBe(200);
    expect(readCompletion(await response.json(), 'model server').model).toBe(SERVED_MODEL);
  });

  describe('does not know schemas, so that an answer', () => {
    it('that matches is passed on', async () => {
      const { choices } = await parlance.client('gemma').chat.completions.parse({
        ...EXAMPLES,
        response_format: RIGHT,
      });
      expect(choices[0]?.message.parsed).toEqual({ x: 1 });
    });

    const mismatch = { type: 'server_error', code: 'schema_mismatch', param: 'response_format' };

    it('that does not match is an error', async () => {
      const failure = await failureOf('unforgiving', { ...EXAMPLES, response_format: WRONG });
      expect(failure).toBeInstanceOf(InternalServerError);
      expect(failure).toMatchObject({ status: 502, ...mismatch, message: expect.stringMatching(/"y"/) });
      expect(attemptsIn(failure)).toBe(1);
    });

    it('that does not match is asked for once more, here in vain', async () => {
      const failure = await failureOf('gemma', { ...EXAMPLES, response_format: WRONG });
      expect(failure).toMatchObject({ status: 502, ...mismatch });
      expect(attemptsIn(failure)).toBe(2);
    });

    it('that does not match ends its stream with an error', async () => {
      const request = { ...EXAMPLES, response_format: WRONG, stream: true as const };
      const stream = await parlance.client('gemma').chat.completions.create(request);
      const pieces: string[] = [];
      const read = async (): Promise<void> => {
        for await (const { choices } of stream) pieces.push(choices[0]?.delta.content ?? '');
      };
      const failure = await read().catch((error: unknown) => error);
      expect(pieces.join('')).toBe('{"x":1}');
      expect(failure).toBeInstanceOf(APIError);
      expect(failure).toMatchObject(mismatch);
    });
  });

  it('is missed when it is killed, with an error that says so', async () => {
    await server.kill();
    const failure = await failureOf('gemma', GREETING);
    expect(failure).toBeInstanceOf(InternalServerError);
    expect(failure).toMatchObject({ status: 503, code: 'upstream_unavailable' });
  });
});
