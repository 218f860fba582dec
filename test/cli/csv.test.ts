import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csvText } from '../../src/cli/csv.ts';

/** Reads CSV by the grammar of RFC 4180, strictly. */
function parse(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  const field = /("(?:[^"]|"")*"|[^",\r\n]*)(,|\r\n)/y;
  while (field.lastIndex < text.length) {
    const [, cell = '', end] = field.exec(text) ?? [];
    if (end === undefined) throw new Error(`no CSV: ${text}`);
    row.push(cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell);
    if (end === ',') continue;
    rows.push(row);
    row = [];
  }
  return rows;
}

describe('csvText', () => {
  it.each([
    ['plain', 'plain'],
    ['', ''],
    ['a,b', '"a,b"'],
    ['a "b"', '"a ""b"""'],
    ['東京 😀', '東京 😀'],
    [-1, '-1'],
    [1_234_567, '1234567'],
    [null, ''],
    ['=1+1', "'=1+1"],
    ['+49', "'+49"],
    ['-1', "'-1"],
    ['@SUM(A1)', "'@SUM(A1)"],
    [' =1', "' =1"],
    ['＝1+1', "'＝1+1"],
    ['=HYPERLINK("http://x")', '"\'=HYPERLINK(""http://x"")"'],
    ['a=1', 'a=1'],
    ['\t=1', '?=1'],
    ['two\r\nlines', 'two??lines'],
    ['\u{1b}[31m \u{9b}31m \u{202e}', '?[31m ?31m ?'],
  ])('writes %j as %s', (cell, written) => {
    expect(csvText([[cell]])).toBe(`${written}\r\n`);
  });

  it('ends each record with CR LF', () => {
    const rows = [
      ['a', 'b'],
      [1, null],
    ];
    expect(csvText(rows)).toBe('a,b\r\n1,\r\n');
    expect(csvText([])).toBe('');
  });

  it('can be read again, cell by cell, whatever the cells are', () => {
    const cells = fc.string({
      unit: fc.constantFrom('=', '+', '"', ',', '\r', '\n', '\t', ' ', 'a', '\0', 'é'),
    });
    const table = fc
      .integer({ min: 1, max: 4 })
      .chain((width) => fc.array(fc.array(cells, { minLength: width, maxLength: width })));
    fc.assert(
      fc.property(table, (rows) => {
        const text = csvText(rows);
        const read = parse(text);
        expect(read.map((row) => row.length)).toEqual(rows.map((row) => row.length));
        const bare = read.flat().map((cell) => cell.replace(/^'/, ''));
        expect(bare).toEqual(rows.flat().map((cell) => cell.replaceAll(/\p{C}/gu, '?')));
        expect(read.flat().filter((cell) => /^\s*[=+]/.test(cell))).toEqual([]);
      }),
    );
  });
});
