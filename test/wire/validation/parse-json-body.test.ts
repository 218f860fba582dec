import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../../src/errors.ts';
import { parseJsonBody } from '../../../src/wire/validation/parse-json-body.ts';

function failureOf(text: string): GatewayError {
  try {
    parseJsonBody(text);
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
  throw new Error('the text was accepted');
}

describe('parseJsonBody', () => {
  it.each([
    ['{"a":[1,null]}', { a: [1, null] }],
    ['\uFEFF{}', {}],
    ['{"a":1,"a":2}', { a: 2 }],
    [' "text" ', 'text'],
  ])('reads %j', (text, value) => {
    expect(parseJsonBody(text)).toEqual(value);
  });

  it.each([
    { name: 'nothing', text: '', code: 'invalid_json', message: 'empty' },
    { name: 'white space', text: ' \n ', code: 'invalid_json', message: 'empty' },
    { name: 'a trailing comma', text: '{"model":\n"m",}', code: 'invalid_json', message: 'line 2, column 5' },
    { name: 'an open bracket', text: '[', code: 'invalid_json', message: 'line 1, column 2' },
    { name: '1,000 open brackets', text: '['.repeat(1000), code: 'invalid_json', message: 'column 1001' },
    {
      name: '40,000 levels',
      text: `${'['.repeat(40_000)}${']'.repeat(40_000)}`,
      code: 'invalid_argument',
      message: 'nested too deeply',
    },
    {
      name: '2,000,000 open brackets',
      text: '['.repeat(2_000_000),
      code: 'invalid_argument',
      message: 'nested too deeply',
    },
  ])('refuses $name', ({ text, code, message }) => {
    const error = failureOf(text);
    expect(error.code).toBe(code);
    expect(error.status).toBe(400);
    expect(error.message).toContain(message);
  });

  it.each([
    ['{ \\\n "a": 1, \\\n "b": [2] }', { a: 1, b: [2] }],
    ['{ \\\r\n "a": "x\\n" }', { a: 'x\n' }],
  ])('skips a backslash at the end of a line, as shell commands have it: %j', (text, value) => {
    expect(parseJsonBody(text)).toEqual(value);
  });

  it('quotes nothing of the body', () => {
    expect(failureOf('{"key": sk-very-secret}').message).not.toContain('secret');
  });

  it('reads a large flat body', () => {
    const items = Array.from({ length: 50_000 }, () => ({}));
    expect(parseJsonBody(JSON.stringify(items))).toEqual(items);
  });
});
