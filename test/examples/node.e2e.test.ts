import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type ClientMachine, createClientMachine } from '../support/client-machine.ts';
import { parseLines } from '../support/parse-lines.ts';
import { readCompletion, readText, readVertexStream } from './answer-shapes.ts';
import { endpointPrograms, runEndpointProgram } from './endpoint-programs.ts';
import { CALENDAR_EVENT, readToolRound, tokenChances, WEATHER_ROUND } from './printed-answers.ts';

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
    { file: 'thought-tag-marker.mjs', model: 'google/gemini-2.5-flash' },
  ])('$file prints an answer of $model', async ({ file, model }) => {
    const completion: unknown = JSON.parse(await runExample(file));
    expect(readText(completion)).not.toBe('');
    expect(readCompletion(completion).model).toBe(model);
  });

  it.each(endpointPrograms('node'))('$file prints an answer of $model', async (program) => {
    expect(await runEndpointProgram(program, { machine, writer: 'parlance' })).toEqual({
      model: program.model,
      text: expect.stringMatching(/./s),
    });
  });

  it('gemini-stream.mjs prints chunks', async () => {
    const { model, text } = readVertexStream(parseLines(await runExample('gemini-stream.mjs')));
    expect(model).toBe('google/gemini-2.5-flash');
    expect(text).not.toBe('');
  });

  it('structured-output.mjs prints the parsed object', async () => {
    expect(JSON.parse(await runExample('structured-output.mjs'))).toEqual(CALENDAR_EVENT);
  });

  it('tools.mjs prints the call, then the answer made with its result', async () => {
    expect(readToolRound(await runExample('tools.mjs'))).toEqual(WEATHER_ROUND);
  });

  it('logprobs.mjs prints each token with what else was likely', async () => {
    const quoted = String.raw`"(?:[^"\\\n]|\\.)*"`;
    expect(await runExample('logprobs.mjs')).toMatch(tokenChances(quoted));
  });
});
