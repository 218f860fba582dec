import { terminalText } from './terminal-text.ts';

export type CsvCell = string | number | null;

/** What spreadsheets take a cell for a formula by, in the wide forms of East Asian keyboards too. */
const FORMULA = /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]/;

const NEEDS_QUOTES = /[",\r\n]/;

/**
 * CSV as in RFC 4180, ready for spreadsheets and terminals: text that would run as a formula has `'` in front, and control
 * characters become `?`.
 */
export function csvText(rows: readonly (readonly CsvCell[])[]): string {
  return rows.map((cells) => `${cells.map(csvCell).join(',')}\r\n`).join('');
}

function csvCell(cell: CsvCell): string {
  if (typeof cell !== 'string') return String(cell ?? '');
  const printable = terminalText(cell);
  const text = FORMULA.test(printable) ? `'${printable}` : printable;
  return NEEDS_QUOTES.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
