/**
 * Writes the tables of docs/compatibility.md from src/translate/field-ledger.ts.
 *
 * Usage: node scripts/generate-compatibility-table.ts [--check]
 * With `--check` nothing is written; the exit code is 1 when the page is out of date.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FIELD_LEDGER, type LedgerLine } from '../src/translate/field-ledger.ts';

const PAGE = join(import.meta.dirname, '../docs/compatibility.md');
const START =
  '<!-- generated: the tables; edit src/translate/field-ledger.ts and run scripts/generate-compatibility-table.ts -->';
const END = '<!-- end of generated tables -->';

/** The ledger as Markdown: a section for each heading, a table row for each field. */
export function compatibilityTables(ledger: Readonly<Record<string, readonly LedgerLine[]>>): string {
  return Object.entries(ledger)
    .map(([heading, lines]) => {
      const rows = lines.map(
        ({ path, gemini, embedded, reason }) => `| \`${path}\` | ${gemini} | ${embedded} | ${reason} |`,
      );
      const head = ['| Field | Gemini | Embedded model | |', '| --- | --- | --- | --- |'];
      return [`### ${heading}`, '', ...head, ...rows].join('\n');
    })
    .join('\n\n');
}

function pageWithTables(page: string): string {
  const start = page.indexOf(START);
  const end = page.indexOf(END);
  if (start === -1 || end < start)
    throw new Error(`docs/compatibility.md needs the lines "${START}" and "${END}"`);
  return `${page.slice(0, start)}${START}\n\n${compatibilityTables(FIELD_LEDGER)}\n\n${page.slice(end)}`;
}

/** Paths of the derived files that differ from what the ledger says. */
export function staleFiles(): string[] {
  const page = readFileSync(PAGE, 'utf8');
  return pageWithTables(page) === page ? [] : [PAGE];
}

if (import.meta.main) {
  if (process.argv.includes('--check')) {
    const stale = staleFiles();
    for (const path of stale)
      console.error(`${path} is out of date: run node scripts/generate-compatibility-table.ts`);
    process.exitCode = stale.length === 0 ? 0 : 1;
  } else {
    writeFileSync(PAGE, pageWithTables(readFileSync(PAGE, 'utf8')));
  }
}
