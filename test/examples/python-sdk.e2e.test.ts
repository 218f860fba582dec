/** What the OpenAI SDK for Python does beyond sending a request: helpers, error classes, headers. */
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { z } from 'zod';
import { type ClientMachine, createClientMachine } from '../support/client-machine.ts';
import { NO_PYTHON, PYTHON } from '../support/client-python.ts';
import { readText, readVertexStream } from './answer-shapes.ts';

const FOLDER = resolve(import.meta.dirname, 'python');
const VERTEX_PATH = '/v1/projects/my-project/locations/us-central1/endpoints/openapi';

describe.skipIf(NO_PYTHON !== '')(`the OpenAI SDK for Python${NO_PYTHON}`, () => {
  let machine: ClientMachine;

  beforeAll(async () => {
    // Google documents these two variables as the way to reach its endpoint without a change to the program.
    machine = await createClientMachine({
      env: { OPENAI_BASE_URL: `${inject('parlanceUrl')}${VERTEX_PATH}`, OPENAI_API_KEY: 'local' },
    });
  });

  afterAll(async () => machine.remove());

  /** @returns the value the program printed, checked */
  async function runProgram<T>(file: string, printed: z.ZodType<T>): Promise<T> {
    const { exitCode, stdout, stderr } = await machine.run(PYTHON, [resolve(FOLDER, file)]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    return printed.parse(JSON.parse(stdout));
  }

  it('puts a stream together', async () => {
    const { events, pieces, content, parsed } = await runProgram(
      'stream_helper.py',
      z.object({
        events: z.array(z.string()),
        pieces: z.array(z.string()).min(2),
        content: z.string(),
        parsed: z.tuple([z.literal('Answer'), z.strictObject({ text: z.string().max(40) })]),
        usage: z.object({ completion_tokens: z.int().positive() }),
      }),
    );
    expect(new Set(events)).toEqual(new Set(['chunk', 'content.delta', 'content.done']));
    expect(events.filter((type) => type === 'content.done')).toHaveLength(1);
    expect(content).toBe(pieces.join(''));
    expect(JSON.parse(content)).toEqual(parsed[1]);
  });

  it('reads two streams at the same time', async () => {
    const streams = await runProgram('stream_async.py', z.array(z.array(z.unknown())).length(2));
    for (const chunks of streams) expect(readVertexStream(chunks).text).not.toBe('');
  });

  it('parses answers into nested models', async () => {
    const recipe = z.strictObject({
      title: z.string().max(30),
      difficulty: z.enum(['easy', 'hard']),
      vegan: z.boolean(),
      ingredients: z
        .array(z.strictObject({ name: z.string().max(15), grams: z.int().min(1).max(999).nullable() }))
        .min(1)
        .max(3),
      note: z.string().max(20).nullable(),
    });
    const results = await runProgram(
      'parse_models.py',
      z.array(z.object({ types: z.array(z.string()), recipe, finish_reason: z.string() })).length(2),
    );
    for (const { types, finish_reason } of results) {
      expect(types).toEqual(['Recipe', 'Difficulty', 'Ingredient']);
      expect(finish_reason).toBe('stop');
    }
  });

  it('raises the exception of each status', async () => {
    const failures = await runProgram('errors.py', z.record(z.string(), z.record(z.string(), z.unknown())));
    const badRequest = {
      class: 'BadRequestError',
      status: 400,
      type: 'invalid_request_error',
      request_id: expect.stringMatching(/^req_\w+$/),
    };
    expect(failures).toMatchObject({
      model: { class: 'NotFoundError', status: 404, code: 'model_not_found', param: 'model' },
      temperature: { ...badRequest, param: 'temperature', code: 'invalid_argument' },
      stream: { ...badRequest, param: 'temperature', code: 'invalid_argument' },
      media: { ...badRequest, param: 'messages[0].content[0]', code: 'unsupported_media' },
    });
  });

  it('shows the headers', async () => {
    const { headers, request_id, completion } = await runProgram(
      'raw_response.py',
      z.object({
        headers: z.record(z.string(), z.string()),
        request_id: z.string(),
        completion: z.unknown(),
      }),
    );
    expect(request_id).toMatch(/^req_\w+$/);
    expect(headers).toMatchObject({ 'x-request-id': request_id, 'x-parlance-upstream': 'roomy' });
    expect(readText(completion)).not.toBe('');
  });
});
