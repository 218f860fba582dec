import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { validateChatRequest } from '../../../src/wire/openai/validate-request.ts';
import { parseJsonBody } from '../../../src/wire/validation/parse-json-body.ts';

const folder = new URL('../../recordings/', import.meta.url);

/** Sent on purpose by its test suite, and refused by the server that was recorded. */
const WRONG_TYPE = 'llamacpp/unary-error-400-qwen3-1.7b-q4-k-m-01.json';

const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  // Native traffic has requests of another kind.
  .filter((name) => name.endsWith('.json') && !/^(?:gemini-developer|vertex)[\\/]/.test(name))
  .map((name) => name.replaceAll('\\', '/'))
  // Of some answers the request was not published.
  .filter((name) => recordingOf(name).request.body !== null)
  .toSorted();

function recordingOf(file: string): { request: { path: string; body: unknown } } {
  return parseJsonBody(readFileSync(new URL(file, folder), 'utf8')) as ReturnType<typeof recordingOf>;
}

function requestBodyOf(file: string): unknown {
  const recording = recordingOf(file);
  expect(recording.request.path).toMatch(/\/chat\/completions$/);
  return recording.request.body;
}

describe('requests other clients have sent', () => {
  it('are here', () => {
    expect(files.length).toBeGreaterThanOrEqual(38);
    expect(files).toContain(WRONG_TYPE);
  });

  it.each(files.filter((file) => file !== WRONG_TYPE))('%s is accepted', (file) => {
    expect(validateChatRequest(requestBodyOf(file), { modelRequired: true })).toEqual([]);
  });

  it('one with a temperature that is a word is refused', () => {
    expect(validateChatRequest(requestBodyOf(WRONG_TYPE), { modelRequired: true })).toEqual([
      {
        param: 'temperature',
        message: 'must be a number from 0 to 2, not the string "hot"',
        code: 'invalid_argument',
      },
    ]);
  });
});
