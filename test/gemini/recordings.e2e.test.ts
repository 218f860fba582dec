/** Every recorded exchange with Gemini, played through the real server process to OpenAI's client for Python. */
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChatCompletion, ChatCompletionChunk } from '../../src/wire/openai/response.ts';
import { createClientMachine } from '../support/client-machine.ts';
import { NO_PYTHON, PYTHON } from '../support/client-python.ts';
import { ReplayUpstream } from '../support/replay-upstream.ts';
import { expectRecorded, expectSameInOpenAisFields, recordedFailure } from './expect-recorded.ts';
import { startInFrontOf } from './parlance-in-front-of.ts';
import { readChunks, readCompletion } from './read-answer.ts';
import {
  ANSWERED,
  MALFORMED,
  RECORDED_CHATS,
  REFUSED,
  type RecordedChat,
  replayByPrompt,
} from './recorded-chats.ts';

/** What recordings.py prints for each chat. */
interface PythonAnswers {
  whole: { completion?: ChatCompletion; error?: PythonFailure };
  streamed: { completion?: ChatCompletion; chunks?: ChatCompletionChunk[]; error?: PythonFailure };
}

interface PythonFailure {
  status: number;
  message: string;
  code: string;
}

describe.skipIf(NO_PYTHON !== '')(`the OpenAI SDK for Python reads every recording${NO_PYTHON}`, () => {
  const answers = new Map<string, PythonAnswers>();
  let upstream: ReplayUpstream;

  beforeAll(async () => {
    upstream = await ReplayUpstream.start(replayByPrompt);
    const server = await startInFrontOf(upstream);
    const machine = await createClientMachine({});
    try {
      const file = join(machine.home, 'chats.json');
      const chats = RECORDED_CHATS.map(({ upstream: kind, request }) => ({
        base_url: server.endpoint(kind),
        request,
      }));
      await writeFile(file, JSON.stringify(chats));
      const { exitCode, stdout, stderr } = await machine.run(PYTHON, [
        resolve(import.meta.dirname, 'python/recordings.py'),
        file,
      ]);
      if (exitCode !== 0) throw new Error(stderr);
      for (const [index, line] of stdout.trim().split('\n').entries()) {
        answers.set(RECORDED_CHATS[index]?.name ?? '', JSON.parse(line) as PythonAnswers);
      }
    } finally {
      await machine.remove();
      await server.stop();
    }
  });

  afterAll(() => upstream[Symbol.asyncDispose]());

  function answersTo({ name }: RecordedChat): PythonAnswers {
    const found = answers.get(name);
    if (found === undefined) throw new Error(`Python printed nothing for ${name}`);
    return found;
  }

  it('sent nothing that Google would refuse', () => {
    expect(upstream.refusals).toEqual([]);
    expect(upstream.requests.length).toBeGreaterThan(2 * RECORDED_CHATS.length);
  });

  it.each(ANSWERED)('$name', (chat) => {
    const { whole, streamed } = answersTo(chat);
    expect([whole.error, streamed.error]).toEqual([undefined, undefined]);
    const chunks = readChunks(streamed.chunks ?? []);
    expectRecorded(chat, { whole: readCompletion(whole.completion as ChatCompletion), streamed: chunks });
    expectSameInOpenAisFields(readCompletion(streamed.completion as ChatCompletion), chunks);
  });

  it.each(REFUSED)('$name', (chat) => {
    const { status, message } = recordedFailure(chat);
    const { whole, streamed } = answersTo(chat);
    expect(whole.error).toMatchObject({ status, message });
    expect(streamed.error).toEqual(whole.error);
  });

  it.each(MALFORMED)('$name', (chat) => {
    const { whole, streamed } = answersTo(chat);
    expect(whole.error).toMatchObject({ status: 502, code: 'malformed_function_call' });
    expect(streamed.error).toEqual(whole.error);
  });
});
