import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type ClientMachine, type ClientRun, createClientMachine } from '../support/client-machine.ts';
import { readCompletion, readErrorBody, readText, readVertexStream } from './answer-shapes.ts';
import { endpointPrograms, parseEvents, runEndpointProgram } from './endpoint-programs.ts';

const FOLDER = resolve(import.meta.dirname, '../../examples/curl');

let machine: ClientMachine;

beforeAll(async () => {
  machine = await createClientMachine({ env: { PARLANCE_URL: inject('parlanceUrl') } });
});

afterAll(async () => machine.remove());

async function runExample(file: string): Promise<ClientRun> {
  return machine.run('bash', [resolve(FOLDER, file)]);
}

describe('whole answers', () => {
  it.each([
    { file: 'gemini.sh', model: 'google/gemini-2.5-flash' },
    { file: 'extra-content-message.sh', model: 'google/gemini-2.5-flash' },
    { file: 'extra-content-part.sh', model: 'google/gemini-2.5-flash' },
    { file: 'extra-content-tool-call.sh', model: 'google/gemini-2.5-flash' },
  ])('$file prints an answer of $model', async ({ file, model }) => {
    const { exitCode, stdout, stderr } = await runExample(file);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const completion: unknown = JSON.parse(stdout);
    expect(readText(completion)).not.toBe('');
    expect(readCompletion(completion).model).toBe(model);
  });

  it('thought-tag-marker.sh prints headers that name what the model ignored, and an answer', async () => {
    const { exitCode, stdout } = await runExample('thought-tag-marker.sh');
    expect(exitCode).toBe(0);
    const [head = '', body = ''] = stdout.split('\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1\.1 200 /);
    expect(head).toMatch(/^x-request-id: \S+$/m);
    expect(head).toMatch(/^x-parlance-ignored: extra_body\.google\.thinking_config\./m);
    expect(readText(JSON.parse(body))).not.toBe('');
  });

  it('json-schema.sh prints an answer that follows the schema', async () => {
    const { exitCode, stdout } = await runExample('json-schema.sh');
    expect(exitCode).toBe(0);
    expect(JSON.parse(readText(JSON.parse(stdout)))).toEqual({
      name: expect.any(String),
      population: expect.any(Number),
      coastal: expect.any(Boolean),
    });
  });
});

describe('streamed answers', () => {
  it('gemini-stream.sh prints events', async () => {
    const { exitCode, stdout, stderr } = await runExample('gemini-stream.sh');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(readVertexStream(parseEvents(stdout)).model).toBe('google/gemini-2.5-flash');
  });
});

describe('the embedded model behind an endpoint', () => {
  it.each(endpointPrograms('curl'))('answers $file', async (program) => {
    expect(await runEndpointProgram(program, { machine, writer: 'parlance' })).toEqual({
      model: 'smollm2-135m-instruct',
      text: expect.stringMatching(/./s),
    });
  });
});

describe('media, which the embedded model cannot read', () => {
  it.each(['image-from-storage.sh', 'audio-from-storage.sh'])('%s prints the error', async (file) => {
    const { exitCode, stdout, stderr } = await runExample(file);
    expect(exitCode).toBe(22);
    expect(stderr).toContain('The requested URL returned error: 400');
    expect(readErrorBody(JSON.parse(stdout))).toMatchObject({
      type: 'invalid_request_error',
      code: 'unsupported_media',
      param: 'messages[0].content[1]',
    });
  });
});
