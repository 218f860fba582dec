import { describe, expect, it } from 'vitest';
import { responseHeaders } from '../../src/upstream/response-headers.ts';

describe('responseHeaders', () => {
  it.each<{ received: Record<string, string | string[]>; headers: Record<string, string> }>([
    { received: {}, headers: {} },
    { received: { 'content-type': 'a/b', 'x-any': '' }, headers: { 'content-type': 'a/b', 'x-any': '' } },
    { received: { 'content-type': ['a/b', 'c/d'] }, headers: { 'content-type': 'a/b' } },
    { received: { 'retry-after': ['', '2'] }, headers: { 'retry-after': '' } },
    { received: { location: ['/a', '/b'] }, headers: { location: '/a' } },
    {
      received: { 'content-encoding': ['identity', 'gzip'] },
      headers: { 'content-encoding': 'identity, gzip' },
    },
    { received: { 'set-cookie': ['a=1'] }, headers: { 'set-cookie': 'a=1' } },
    { received: { 'x-any': ['1', '2', '3'] }, headers: { 'x-any': '1, 2, 3' } },
  ])('makes $headers of $received', ({ received, headers }) => {
    expect(responseHeaders(received)).toEqual(headers);
  });
});
