import { describe, expect, it } from 'vitest';
import { statedType } from '../../src/media/stated-type.ts';

describe('statedType', () => {
  it.each<{ header: string | undefined; type: string | undefined }>([
    { header: 'image/png', type: 'image/png' },
    { header: ' Image/PNG ; charset=binary; x="a;b"', type: 'image/png' },
    { header: 'application/vnd.api+json', type: 'application/vnd.api+json' },
    { header: 'audio/L16;rate=24000', type: 'audio/l16' },
    { header: undefined, type: undefined },
    { header: '', type: undefined },
    { header: ';charset=utf-8', type: undefined },
    { header: 'png', type: undefined },
    { header: 'image/', type: undefined },
    { header: '/png', type: undefined },
    { header: '*/*', type: undefined },
    { header: 'image/*', type: undefined },
    { header: 'image/png/x', type: undefined },
    { header: 'image/png, image/jpeg', type: undefined },
    { header: 'image/\u00fcml', type: undefined },
    { header: 'image/p\u0000ng', type: undefined },
    { header: `image/${'x'.repeat(128)}`, type: undefined },
    { header: 'application/octet-stream', type: undefined },
    { header: 'Binary/Octet-Stream; x=1', type: undefined },
  ])('reads $header as $type', ({ header, type }) => {
    expect(statedType(header)).toBe(type);
  });
});
