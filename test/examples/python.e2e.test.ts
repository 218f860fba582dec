import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type ClientMachine, createClientMachine } from '../support/client-machine.ts';
import { NO_PYTHON, PYTHON } from '../support/client-python.ts';
import { parseLines } from '../support/parse-lines.ts';
import { readCompletion, readText, readVertexStream } from './answer-shapes.ts';
import { endpointPrograms, NOBODY_SIGNED_IN, runEndpointProgram } from './endpoint-programs.ts';
import { CALENDAR_EVENT, readToolRound, tokenChances, WEATHER_ROUND } from './printed-answers.ts';

const FOLDER = resolve(import.meta.dirname, '../../examples/python');

describe.skipIf(NO_PYTHON !== '')(`examples/python${NO_PYTHON}`, () => {
  let machine: ClientMachine;

  beforeAll(async () => {
    machine = await createClientMachine({ env: { PARLANCE_URL: inject('parlanceUrl') } });
  });

  afterAll(async () => machine.remove());

  /** @returns what the example printed */
  async function runExample(file: string): Promise<string> {
    const { exitCode, stdout, stderr } = await machine.run(PYTHON, [resolve(FOLDER, file)]);
    expect(stderr).toMatch(NOBODY_SIGNED_IN);
    expect(exitCode).toBe(0);
    return stdout;
  }

  it.each([
    { file: 'gemini.py', model: 'google/gemini-2.0-flash-001' },
    { file: 'thought_tag_marker.py', model: 'google/gemini-2.5-flash' },
  ])('$file prints an answer of $model', async ({ file, model }) => {
    const completion: unknown = JSON.parse(await runExample(file));
    expect(readText(completion)).not.toBe('');
    expect(readCompletion(completion).model).toBe(model);
  });

  it('gemini_stream.py prints chunks', async () => {
    expect(readVertexStream(parseLines(await runExample('gemini_stream.py')))).toEqual({
      model: 'google/gemini-2.0-flash-001',
      text: expect.stringMatching(/./s),
    });
  });

  it.each(endpointPrograms('python'))('$file prints an answer of $model', async (program) => {
    expect(await runEndpointProgram(program, { machine, python: PYTHON, writer: 'parlance' })).toEqual({
      model: program.model,
      text: expect.stringMatching(/./s),
    });
  });

  it('structured_output.py prints an instance of its pydantic model', async () => {
    const [type, ...json] = (await runExample('structured_output.py')).split(' ');
    expect(type).toBe('CalendarEvent');
    expect(JSON.parse(json.join(' '))).toEqual(CALENDAR_EVENT);
  });

  it('tools.py prints the call, then the answer made with its result', async () => {
    expect(readToolRound(await runExample('tools.py'))).toEqual(WEATHER_ROUND);
  });

  it('logprobs.py prints each token with what else was likely', async () => {
    const quoted = String.raw`(?:'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")`;
    expect(await runExample('logprobs.py')).toMatch(tokenChances(quoted));
  });
});
