import { describe, expect, it } from 'vitest';
import { type TableColumn, textTable } from '../../src/cli/text-table.ts';

const COLUMNS: readonly TableColumn[] = [
  { title: 'NAME' },
  { title: 'COUNT', align: 'right' },
  { title: 'NOTE' },
];

const lines = (...rows: string[][]) => textTable(COLUMNS, rows).split('\n');

describe('textTable', () => {
  it('aligns texts to the left and numbers to the right, without spaces at the end', () => {
    expect(lines(['a', '1,234,567', ''], ['longer', '0', 'why'])).toEqual([
      'NAME        COUNT  NOTE',
      'a       1,234,567',
      'longer          0  why',
      '',
    ]);
  });

  it('has the titles when there are no rows', () => {
    expect(lines()).toEqual(['NAME  COUNT  NOTE', '']);
  });

  it.each([
    ['東京', '東京      1'],
    ['ｗｉｄｅ', 'ｗｉｄｅ      1'],
    ['한국', '한국      1'],
    ['😀', '😀        1'],
    ['e\u{301}', 'e\u{301}         1'],
    ['\u{1b}[0m', '?[0m      1'],
  ])('counts the places that %j takes', (name, line) => {
    const width = line === 'ｗｉｄｅ      1' ? 8 : 4;
    expect(lines([name, '1', ''])[0]).toBe(`${'NAME'.padEnd(width)}  COUNT  NOTE`);
    expect(lines([name, '1', ''])[1]).toBe(line);
  });
});
