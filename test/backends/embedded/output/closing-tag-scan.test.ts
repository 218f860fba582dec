import { describe, expect, it } from 'vitest';
import { ClosingTagScan } from '../../../../src/backends/embedded/output/closing-tag-scan.ts';

describe('ClosingTagScan', () => {
  it.each<[name: string, text: string, at: number | undefined]>([
    ['behind a JSON text', '{"a": 1}</x>', 8],
    ['not in a string', '{"a": "</x>"}</x>', 13],
    ['not in a string with an escaped quote', String.raw`{"a": "\"</x>"}</x>`, 15],
    ['behind an escaped backslash', String.raw`{"a": "\\"}</x>`, 11],
    ['behind what only looks like its beginning', '1<</x>', 2],
    ['nowhere', '{"a": 1}', undefined],
    ['not yet', '{"a": 1}</', undefined],
    ['never inside an open string', '{"a</x>', undefined],
  ])('finds the tag %s, whatever the pieces', (_, text, at) => {
    expect(new ClosingTagScan('</x>', 0).find(text)).toBe(at);
    const scan = new ClosingTagScan('</x>', 0);
    let found: number | undefined;
    for (let end = 1; end <= text.length && found === undefined; end++) found = scan.find(text.slice(0, end));
    expect(found).toBe(at);
  });

  it('begins where it is told to', () => {
    expect(new ClosingTagScan('</x>', 4).find('</x></x>')).toBe(4);
  });
});
