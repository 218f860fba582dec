import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { codeOf } from '../src/code-of.ts';

function thrownBy(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    return error;
  }
}

describe('codeOf', () => {
  it.each([
    ['an error of the file system', thrownBy(() => readFileSync('/no/such/file')), 'ENOENT'],
    ['an error of Node.js itself', thrownBy(() => new URL('no URL')), 'ERR_INVALID_URL'],
    ['an error without a code', new Error('broken'), ''],
    ['an error whose code is a number', Object.assign(new Error('broken'), { code: 2 }), ''],
    ['what is no error', { code: 'ENOENT' }, ''],
    ['nothing', undefined, ''],
  ])('of %s', (_case, error, code) => {
    expect(codeOf(error)).toBe(code);
  });
});
