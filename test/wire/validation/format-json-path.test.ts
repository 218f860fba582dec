import { describe, expect, it } from 'vitest';
import { formatJsonPath } from '../../../src/wire/validation/format-json-path.ts';

describe('formatJsonPath', () => {
  it.each([
    { keys: [], path: null },
    { keys: ['model'], path: 'model' },
    { keys: ['messages', 0, 'content', 1, 'image_url', 'url'], path: 'messages[0].content[1].image_url.url' },
    { keys: ['metadata', 'odd key'], path: 'metadata["odd key"]' },
    { keys: ['odd key'], path: '["odd key"]' },
    { keys: ['a', ''], path: 'a[""]' },
    { keys: ['a', '1b'], path: 'a["1b"]' },
    { keys: ['a', 'quote"d'], path: 'a["quote\\"d"]' },
    { keys: ['__proto__', 'constructor'], path: '__proto__.constructor' },
    { keys: ['a', '\ud800'], path: 'a["\\ud800"]' },
  ])('writes $keys as $path', ({ keys, path }) => {
    expect(formatJsonPath(keys)).toBe(path);
  });

  it('cuts long names and long paths', () => {
    expect(formatJsonPath(['k'.repeat(1000)])).toBe(`["${'k'.repeat(64)}…"]`);
    const path = formatJsonPath(Array.from({ length: 10_000 }, () => 'level'));
    expect(path?.length).toBeLessThan(600);
    expect(path).toMatch(/^level\.level.*…$/);
  });
});
