import { describe, expect, it } from 'vitest';
import { mediumAt, showAddress } from '../../src/media/show-address.ts';

describe('showAddress', () => {
  it.each([
    ['gs://bucket/a  b?c#d', 'gs://bucket/a  b?c#d'],
    ['gs://bucket/a\u0000\u2028b\u202E', 'gs://bucket/a\uFFFD\uFFFDb\uFFFD'],
    [`gs://bucket/${'😀'.repeat(200)}`, `gs://bucket/${'😀'.repeat(94)}…`],
    ['GS://Bucket/a', 'GS://Bucket/a'],
    ['https://Example.com:443/a/../b%20c?signature=secret#part', 'https://example.com/b%20c'],
    ['http://user:secret@127.1:8080', 'http://127.0.0.1:8080/'],
    [`https://a.test/${'x'.repeat(300)}?secret`, `https://a.test/${'x'.repeat(185)}…`],
    ['data:image/png;base64,c2VjcmV0', 'data:'],
    ['blob:https://user:secret@a.test/', 'blob:'],
    ['ftp://user:secret@a.test/secret', 'ftp:'],
    ['https://user:secret@', 'what is no address'],
    ['', 'what is no address'],
  ])('shows %j as %j', (address, shown) => {
    expect(showAddress(address)).toBe(shown);
  });
});

describe('mediumAt', () => {
  it('begins a sentence', () => {
    expect(mediumAt('https://a.test/b?c')).toBe('The medium at https://a.test/b');
  });
});
