import type { RequestChange } from '../../translate/relay/change-log.ts';
import { FIELD_LEDGER, type LedgerLine } from '../../translate/field-ledger.ts';
import type { ChatCompletionRequest } from '../../wire/openai/request.ts';
import { isJsonObject } from '../../wire/validation/structure-checks.ts';

export interface ReceiptLine {
  /** Name from the request's root. `[]` stands for all items of a list; what is ignored has its exact place. */
  readonly field: string;
  /** `clamped`: has less effect than it asks for. `relayed`: goes to a model server as it is. */
  readonly outcome: 'mapped' | 'accepted' | 'ignored' | 'clamped' | 'relayed' | RequestChange['what'];
  /** How often it occurs. */
  readonly count: number;
  readonly note: string;
}

const LEDGER: ReadonlyMap<string, LedgerLine> = new Map(
  Object.values(FIELD_LEDGER)
    .flat()
    .map((line) => [line.path, line]),
);

/** Ledger paths of fields that the ledger looks into. */
const PARENTS: ReadonlySet<string> = new Set([...LEDGER.keys()].flatMap(parentsOf));

/** `a`, `a[].b` for `a[].b.c`. */
function parentsOf(path: string): string[] {
  return [...path.matchAll(/\[\]|\./g)].map(({ index }) => path.slice(0, index));
}

/**
 * Every field of a request that is not refused, and what becomes of it.
 *
 * @param ignored JSON paths of fields without effect, or with less than they ask for, as the backend names them
 */
export function receiptOf(
  request: ChatCompletionRequest,
  backend: 'gemini' | 'embedded',
  ignored: readonly string[],
): ReceiptLine[] {
  const counts = new Map<string, number>();
  countFields(request, '', counts);
  const lines: ReceiptLine[] = [];
  for (const path of ignored) {
    const field = ledgerPath(path);
    const count = counts.get(field);
    if (count !== undefined) counts.set(field, count - 1);
    // A value behind the field's name says that only this value cannot be had: `reasoning_effort.xhigh`.
    const parent = field.slice(0, Math.max(0, field.lastIndexOf('.')));
    const isClamped = count === undefined && counts.has(parent);
    lines.push({
      field: path,
      outcome: isClamped ? 'clamped' : 'ignored',
      count: 1,
      note: LEDGER.get(isClamped ? parent : field)?.reason ?? 'Unknown.',
    });
  }
  for (const [field, count] of counts) {
    const isClamped = lines.some(
      ({ outcome, field: path }) => outcome === 'clamped' && path.startsWith(`${field}.`),
    );
    if (count > 0 && !isClamped) lines.push({ field, count, ...verdictOn(field, backend) });
  }
  return lines.toSorted((left, right) => (left.field < right.field ? -1 : 1));
}

/**
 * Counts the innermost fields that the ledger tells apart, by their ledger paths.
 *
 * @returns whether there was one
 */
function countFields(value: unknown, path: string, counts: Map<string, number>): boolean {
  if (Array.isArray(value)) {
    return value.map((item) => countFields(item, `${path}[]`, counts)).some(Boolean);
  }
  if (!isJsonObject(value)) return false;
  let found = false;
  for (const [key, member] of Object.entries(value)) {
    if (member == null) continue;
    const field = ledgerPath(path === '' ? key : `${path}.${key}`);
    if (!PARENTS.has(field) || !countFields(member, field, counts)) {
      counts.set(field, (counts.get(field) ?? 0) + 1);
    }
    found = true;
  }
  return found;
}

const GOOGLE = 'extra_body.google';

/** A JSON path as the ledger spells it: without positions, Google's keys in one place and in snake_case. */
function ledgerPath(path: string): string {
  const field = path
    .replaceAll(/\[\d+\]/g, '[]')
    .replace(/^(?:extra_body\.extra_body\.)?google(?=\.|$)/, GOOGLE)
    .replace(/^extra_body\.extra_body$/, 'extra_body');
  if (!field.startsWith(`${GOOGLE}.`)) return field;
  const snake = field.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return LEDGER.has(snake) ? snake : field;
}

/** What becomes of a field that is neither refused nor ignored. */
function verdictOn(field: string, backend: 'gemini' | 'embedded'): Pick<ReceiptLine, 'outcome' | 'note'> {
  const line = LEDGER.get(field);
  // What the ledger does not know stands in something that is sent on as it is, such as a tool of Google's.
  if (line === undefined) return { outcome: backend === 'gemini' ? 'mapped' : 'accepted', note: '' };
  return { outcome: line[backend] === 'mapped' ? 'mapped' : 'accepted', note: line.reason };
}
