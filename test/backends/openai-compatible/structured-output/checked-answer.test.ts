import { describe, expect, it } from 'vitest';
import { readCompletion } from '../../../../src/backends/openai-compatible/answer/whole-answer.ts';
import {
  checkCompletion,
  checkContents,
  mismatchError,
  repairRequest,
  withUsageOf,
} from '../../../../src/backends/openai-compatible/structured-output/checked-answer.ts';
import { SchemaChecker } from '../../../../src/backends/openai-compatible/structured-output/schema-checker.ts';
import type { SchemaVerdict } from '../../../../src/backends/openai-compatible/structured-output/schema-verdict.ts';

/** Takes JSON objects for valid, with or without a fence. */
class PlainChecker extends SchemaChecker {
  override async check(text: string): Promise<SchemaVerdict> {
    const json = /^```json\n(.*)\n```$/s.exec(text)?.[1] ?? text;
    return json.startsWith('{')
      ? { valid: true, json }
      : { valid: false, reason: 'mismatch', problems: [`the answer: is ${json}`] };
  }
}

const context = { checker: new PlainChecker(), schema: {}, signal: AbortSignal.timeout(60_000) };
const read = (text: string) => readCompletion(Buffer.from(text), 'up');
const answerWith = (...contents: string[]) =>
  read(
    `{"id" : "x","choices":[${contents.map((text) => `{"message":{"content":${JSON.stringify(text)}}}`).join(', ')}],"end":1.0}`,
  );

describe('checkCompletion', () => {
  it('leaves what matches as it is', async () => {
    const completion = answerWith('{"a":1}', '{}');
    expect(await checkCompletion(completion, context)).toEqual({ completion });
    expect((await checkCompletion(completion, context)).completion).toBe(completion);
  });

  it('takes fences off, and leaves everything else', async () => {
    const { completion } = await checkCompletion(answerWith('{}', '```json\n{"a":"\u00e9"}\n```'), context);
    expect(completion).toMatchObject({
      text: '{"id" : "x","choices":[{"message":{"content":"{}"}}, {"message":{"content":"{\\"a\\":\\"\u00e9\\"}"}}],"end":1.0}',
      value: { choices: [{}, { message: { content: '{"a":"\u00e9"}' } }] },
      bytes: undefined,
    });
  });

  it('tells of the first content that does not match', async () => {
    expect(await checkCompletion(answerWith('{}', 'no', 'nor'), context)).toEqual({
      mismatch: { choice: 1, text: 'no', problems: ['the answer: is no'] },
    });
  });

  it('has nothing to say of an answer without contents', async () => {
    const completion = read('{"choices":[]}');
    expect(await checkCompletion(completion, context)).toEqual({ completion });
  });
});

const contentsOf = (texts: readonly string[]) => texts.map((text, choice) => ({ choice, text }));

describe('checkContents', () => {
  it.each([[['{}']], [[]], [['{}', '{"a":1}']]])('has nothing to say of %j', async (texts) => {
    await expect(checkContents(contentsOf(texts), context)).resolves.toBeUndefined();
  });

  it.each([
    [['{}', 'no'], 'the answer: is no'],
    [['```json\n{}\n```'], 'without a Markdown fence'],
  ])('throws what is wrong with %j', async (texts, says) => {
    await expect(checkContents(contentsOf(texts), context)).rejects.toMatchObject({
      code: 'schema_mismatch',
      status: 502,
      message: expect.stringContaining(says),
    });
  });
});

describe('repairRequest', () => {
  const mismatch = { choice: 0, text: 'no "JSON"', problems: ['the answer: must be JSON'] };

  it.each([
    '{"model":"m","messages":[{"role":"user","content":"Hi"}],"n":1.0}',
    '{"messages" : [ {"role":"user"} ] }',
    '{"messages":[]}',
    '{"messages":[ ]}',
  ])('adds two messages to %s', (body) => {
    const before = JSON.parse(body) as { messages: object[] };
    const text = repairRequest(body, mismatch);
    const after = JSON.parse(text) as { messages: object[] };
    expect(after).toEqual({
      ...before,
      messages: [
        ...before.messages,
        { role: 'assistant', content: 'no "JSON"' },
        { role: 'user', content: expect.stringContaining('- the answer: must be JSON') },
      ],
    });
    // Nothing else is written anew.
    expect(text.startsWith(body.slice(0, body.indexOf(']')).trimEnd())).toBe(true);
    expect(text.endsWith(body.slice(body.indexOf(']')))).toBe(true);
  });

  it('leaves a body without messages', () => {
    expect(repairRequest('{"model":"m"}', mismatch)).toBe('{"model":"m"}');
  });
});

describe('withUsageOf', () => {
  const using = (prompt: number, completion: number, total?: number) =>
    read(
      JSON.stringify({
        choices: [],
        usage: {
          prompt_tokens: prompt,
          completion_tokens: completion,
          ...(total === undefined ? {} : { total_tokens: total }),
          other: { x: 1 },
        },
      }),
    );

  it('adds the tokens of earlier attempts', () => {
    const { value } = withUsageOf(using(1, 2, 3), [using(10, 20, 30).value, using(100, 200, 300).value]);
    expect(value['usage']).toEqual({
      prompt_tokens: 111,
      completion_tokens: 222,
      total_tokens: 333,
      other: { x: 1 },
    });
  });

  it('adds no total where there is none', () => {
    const { value } = withUsageOf(using(1, 2), [using(10, 20, 30).value]);
    expect(value['usage']).toEqual({ prompt_tokens: 11, completion_tokens: 22, other: { x: 1 } });
  });

  it.each([
    ['there was none', using(1, 2, 3), []],
    ['the earlier ones were not counted', using(1, 2, 3), [{ choices: [] }]],
    ['this one was not counted', read('{"choices":[]}'), [using(1, 2, 3).value]],
  ])('leaves the answer as it is when %s', (_, completion, earlier) => {
    expect(withUsageOf(completion, earlier)).toBe(completion);
  });
});

it('mismatchError lists what is wrong', () => {
  expect(mismatchError({ choice: 0, text: 'x', problems: ['a: is b', 'c: is d'] })).toMatchObject({
    code: 'schema_mismatch',
    param: 'response_format',
    message: expect.stringContaining('does not match response_format.json_schema.schema: a: is b; c: is d.'),
  });
});
