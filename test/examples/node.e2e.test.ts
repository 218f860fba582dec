import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type ClientMachine, createClientMachine } from '../support/client-machine.ts';
import { readCompletion, readText, readVertexStream } from './answer-shapes.ts';
import { parseLines } from './parse-lines.ts';

const FOLDER = resolve(import.meta.dirname, '../../examples/node');

let machine: ClientMachine;

beforeAll(async () => {
  machine = await createClientMachine({ env: { PARLANCE_URL: inject('parlanceUrl') } });
});

afterAll(async () => machine.remove());

/** @returns what the example printed */
async function runExample(file: string): Promise<string> {
  const { exitCode, stdout, stderr } = await machine.run(process.execPath, [resolve(FOLDER, file)]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return stdout;
}

describe('examples/node', () => {
  it.each([
    { file: 'gemini.mjs', model: 'google/gemini-2.5-flash' },
    { file: 'endpoint.mjs', model: 'gemma-2-9b-it' },
    { file: 'thought-tag-marker.mjs', model: 'google/gemini-2.5-flash' },
  ])('$file prints an answer of $model', async ({ file, model }) => {
    const completion: unknown = JSON.parse(await runExample(file));
    expect(readText(completion)).not.toBe('');
    expect(readCompletion(completion).model).toBe(model);
  });

  it('gemini-stream.mjs prints chunks', async () => {
    const { model, text } = readVertexStream(parseLines(await runExample('gemini-stream.mjs')));
    expect(model).toBe('google/gemini-2.5-flash');
    expect(text).not.toBe('');
  });

  it('structured-output.mjs prints the parsed object', async () => {
    expect(JSON.parse(await runExample('structured-output.mjs'))).toEqual({
      name: expect.any(String),
      date: expect.any(String),
      participants: expect.toSatisfy((names: unknown[]) => names.every((name) => typeof name === 'string')),
    });
  });

  it('tools.mjs prints the call, then the answer made with its result', async () => {
    const [question, answer] = parseLines(await runExample('tools.mjs'));
    const [choice] = readCompletion(question).choices;
    expect(choice.finish_reason).toBe('tool_calls');
    expect(choice.message.tool_calls).toHaveLength(1);
    const [call] = choice.message.tool_calls ?? [];
    expect(call?.function.name).toBe('get_weather');
    expect(JSON.parse(call?.function.arguments ?? '')).toEqual({ city: expect.any(String) });
    expect(readText(answer)).not.toBe('');
  });

  it('logprobs.mjs prints each token with what else was likely', async () => {
    const lines = (await runExample('logprobs.mjs')).trimEnd().split('\n');
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.length).toBeLessThanOrEqual(12);
    const token = String.raw`"(?:[^"\\]|\\.)*" \d{1,3}%`;
    for (const line of lines)
      expect(line).toMatch(new RegExp(`^${token} {2}of {2}${token}, ${token}, ${token}$`));
  });
});
