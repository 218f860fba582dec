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
    ['', 'invalid_json', 'empty'],
    [' \n ', 'invalid_json', 'empty'],
    ['{"model":\n"m",}', 'invalid_json', 'line 2, column 5'],
    ['[', 'invalid_json', 'line 1, column 2'],
    ['['.repeat(1000), 'invalid_json', 'column 1001'],
    [`${'['.repeat(40_000)}${']'.repeat(40_000)}`, 'invalid_argument', 'nested too deeply'],
    ['['.repeat(2_000_000), 'invalid_argument', 'nested too deeply'],
  ])('refuses %.20j', (text, code, message) => {
    const error = failureOf(text);
    expect(error.code).toBe(code);
    expect(error.status).toBe(400);
    expect(error.message).toContain(message);
  });

  it('quotes nothing of the body', () => {
    expect(failureOf('{"key": sk-very-secret}').message).not.toContain('secret');
  });

  it('reads a large flat body', () => {
    const items = Array.from({ length: 50_000 }, () => ({}));
    expect(parseJsonBody(JSON.stringify(items))).toEqual(items);
  });
});
