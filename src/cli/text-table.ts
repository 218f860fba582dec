import { terminalText } from './terminal-text.ts';

export interface TableColumn {
  readonly title: string;
  /** `right` for numbers. @default 'left' */
  readonly align?: 'left' | 'right';
}

const GAP = '  ';

/** Characters that take two places on a terminal. Unicode Standard Annex 11, as far as names need it. */
const WIDE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]/u;

/** Characters that take none: they are put on the one before. */
const COMBINING = /\p{M}/u;

/** Lines for a terminal: titles, then rows, in columns. The cells may be anybody's text. */
export function textTable(columns: readonly TableColumn[], rows: readonly (readonly string[])[]): string {
  const lines = [columns.map(({ title }) => title), ...rows].map((cells) => cells.map(terminalText));
  const widths = columns.map((_, index) => Math.max(...lines.map((cells) => widthOf(cells[index] ?? ''))));
  return lines
    .map((cells) => {
      const padded = columns.map(({ align }, index) => pad(cells[index] ?? '', widths[index]!, align));
      return `${padded.join(GAP).trimEnd()}\n`;
    })
    .join('');
}

function pad(text: string, width: number, align: TableColumn['align'] = 'left'): string {
  const space = ' '.repeat(width - widthOf(text));
  return align === 'left' ? text + space : space + text;
}

/** Places on a terminal. */
function widthOf(text: string): number {
  const places = Array.from(text, (character): number => {
    if (COMBINING.test(character)) return 0;
    return WIDE.test(character) ? 2 : 1;
  });
  return places.reduce((sum, count) => sum + count, 0);
}
