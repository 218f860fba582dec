import { describe, expect, it } from 'vitest';
import { formatKeyPath, type KeyPath, valueAt } from '../../src/config/key-path.ts';

describe('formatKeyPath', () => {
  it.each([
    [[], ''],
    [['server', 'port'], 'server.port'],
    [['models', 0, 'upstream'], 'models[0].upstream'],
    [['endpoints', '1234567890', 'upstream'], 'endpoints.1234567890.upstream'],
    [['endpoints', '*'], 'endpoints.*'],
    [['upstreams', 'a b', 'kind'], 'upstreams["a b"].kind'],
    [['upstreams', 'a.b'], 'upstreams["a.b"]'],
    [['upstreams', '"'], String.raw`upstreams["\""]`],
  ])('%j is written %s', (path, text) => {
    expect(formatKeyPath(path)).toBe(text);
  });
});

describe('valueAt', () => {
  const root = { models: [{ match: 'a' }], log: null };

  it.each<[path: KeyPath, value: unknown]>([
    [[], root],
    [['models', 0, 'match'], 'a'],
    [['models', 1], undefined],
    [['models', 0, 'match', 'length'], undefined],
    [['log'], null],
    [['log', 'level'], undefined],
    [['constructor'], undefined],
  ])('%j is %j', (path, value) => {
    expect(valueAt(root, path)).toEqual(value);
  });
});
