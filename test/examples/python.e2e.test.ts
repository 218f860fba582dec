import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { preparePythonEnvironment } from '../../scripts/python-env.ts';
import { type ClientMachine, createClientMachine } from '../support/client-machine.ts';
import { readCompletion, readText, readVertexStream } from './answer-shapes.ts';
import { parseLines } from './parse-lines.ts';

const FOLDER = resolve(import.meta.dirname, '../../examples/python');

const environment = await preparePythonEnvironment();
const python = 'missing' in environment ? '' : environment.python;
const skipped = 'missing' in environment ? `, skipped: ${environment.missing}` : '';

describe.skipIf(skipped !== '')(`examples/python${skipped}`, () => {
  let machine: ClientMachine;

  beforeAll(async () => {
    machine = await createClientMachine({ env: { PARLANCE_URL: inject('parlanceUrl') } });
  });

  afterAll(async () => machine.remove());

  /** @returns what the example printed */
  async function runExample(file: string): Promise<string> {
    const { exitCode, stdout, stderr } = await machine.run(python, [resolve(FOLDER, file)]);
    expect(stderr).toMatch(/^No Google account is signed in; going on with a placeholder token\. \(.+\)\n$/);
    expect(exitCode).toBe(0);
    return stdout;
  }

  it.each([
    { file: 'gemini.py', model: 'google/gemini-2.0-flash-001' },
    { file: 'endpoint.py', model: 'gemma-2-9b-it' },
    { file: 'thought_tag_marker.py', model: 'google/gemini-2.5-flash' },
  ])('$file prints an answer of $model', async ({ file, model }) => {
    const completion: unknown = JSON.parse(await runExample(file));
    expect(readText(completion)).not.toBe('');
    expect(readCompletion(completion).model).toBe(model);
  });

  it.each([
    { file: 'gemini_stream.py', model: 'google/gemini-2.0-flash-001' },
    { file: 'endpoint_stream.py', model: 'gemma-2-9b-it' },
  ])('$file prints chunks of $model', async ({ file, model }) => {
    expect(readVertexStream(parseLines(await runExample(file)))).toEqual({
      model,
      text: expect.stringMatching(/./s),
    });
  });

  it('structured_output.py prints an instance of its pydantic model', async () => {
    const [type, ...json] = (await runExample('structured_output.py')).split(' ');
    expect(type).toBe('CalendarEvent');
    expect(JSON.parse(json.join(' '))).toEqual({
      name: expect.any(String),
      date: expect.any(String),
      participants: expect.toSatisfy((names: unknown[]) => names.every((name) => typeof name === 'string')),
    });
  });

  it('tools.py prints the call, then the answer made with its result', async () => {
    const [question, answer] = parseLines(await runExample('tools.py'));
    const [choice] = readCompletion(question).choices;
    expect(choice.finish_reason).toBe('tool_calls');
    expect(choice.message.tool_calls).toHaveLength(1);
    const [call] = choice.message.tool_calls ?? [];
    expect(call?.function.name).toBe('get_weather');
    expect(JSON.parse(call?.function.arguments ?? '')).toEqual({ city: expect.any(String) });
    expect(readText(answer)).not.toBe('');
  });

  it('logprobs.py prints each token with what else was likely', async () => {
    const lines = (await runExample('logprobs.py')).trimEnd().split('\n');
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.length).toBeLessThanOrEqual(12);
    const token = String.raw`(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*") \d{1,3}%`;
    for (const line of lines)
      expect(line).toMatch(new RegExp(`^${token} {2}of {2}${token}, ${token}, ${token}$`));
  });
});
