import { describe, expect, it } from 'vitest';
import { formatKeyPath } from '../../src/config/key-path.ts';

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
