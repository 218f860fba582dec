import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../src/config/config-error.ts';

describe('ConfigError', () => {
  it('prints one line a problem, with places one below the other', () => {
    const error = new ConfigError('parlance.yaml', [
      { path: 'server.prot', line: 3, column: 3, message: 'unknown key' },
      { path: 'auth.mode', line: 12, column: 10, message: 'auth.mode `local` is not available' },
      { path: 'PORT', message: 'must be a number' },
    ]);
    expect(error.format()).toBe(
      [
        'The configuration has 3 problems:',
        '',
        '  parlance.yaml:3:3    server.prot: unknown key',
        '  parlance.yaml:12:10  auth.mode `local` is not available',
        '                       PORT: must be a number',
        '',
      ].join('\n'),
    );
  });

  it.each([
    ['/x.yaml', { path: '', message: 'is a folder' }, '  /x.yaml  is a folder'],
    ['x.yaml', { path: 'a', line: 2, message: 'bad' }, '  x.yaml:2:1  a: bad'],
    [null, { path: 'PORT', message: 'bad' }, '  PORT: bad'],
    [null, { path: 'HOST', message: 'bad\n- do this' }, '  HOST: bad\n  - do this'],
  ])('file %j with %j prints %j', (file, problem, line) => {
    expect(new ConfigError(file, [problem]).format()).toBe(`The configuration has a problem:\n\n${line}\n`);
  });

  it('has all problems in its message', () => {
    const error = new ConfigError(null, [
      { path: 'a', message: 'one' },
      { path: '', message: 'two' },
    ]);
    expect(error).toMatchObject({ name: 'ConfigError', message: 'a: one; two', file: null });
  });

  it('does not exist without a problem', () => {
    expect(() => new ConfigError(null, [])).toThrow(RangeError);
  });
});
