import { describe, expect, it } from 'vitest';
import { contentTypeOf } from '../../src/media/content-type.ts';

describe('contentTypeOf', () => {
  it.each([
    ['image/png', 'image/png'],
    [' Image/PNG ; charset=binary', 'image/png'],
    ['text/plain;charset=utf-8', 'text/plain'],
    [undefined, undefined],
    ['', undefined],
    [';x', undefined],
    ['application/octet-stream', undefined],
    ['Binary/Octet-Stream; x=1', undefined],
  ])('reads %j', (header, type) => {
    expect(contentTypeOf(header)).toBe(type);
  });
});
