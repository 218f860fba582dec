import type { PathKey } from '../../wire/validation/format-json-path.ts';
import { isJsonObject } from '../../wire/validation/structure-checks.ts';
import { FIELD_LEDGER } from '../field-ledger.ts';
import type { RequestContext } from './request-context.ts';

/** A field of the ledger, by the names inside it; `[]` stands for the items of a list. */
interface KnownField {
  readonly members: Map<string, KnownField>;
  isIgnored: boolean;
}

/** Their keys are read and judged one by one where they take effect. */
const JUDGED_ELSEWHERE: ReadonlySet<string> = new Set(['extra_body', 'google']);

const KNOWN_FIELDS = buildTree();

function buildTree(): KnownField {
  const root: KnownField = { members: new Map(), isIgnored: false };
  for (const { path, gemini } of Object.values(FIELD_LEDGER).flat()) {
    const keys = path.replaceAll('[]', '.[]').split('.');
    let field = root;
    for (const key of keys) {
      const member = field.members.get(key) ?? { members: new Map(), isIgnored: false };
      field.members.set(key, member);
      field = member;
    }
    field.isIgnored = gemini === 'ignored';
  }
  return root;
}

/** Names every field that the ledger does not know, or that it says to have no effect. */
export function nameUnknownFields(context: RequestContext): void {
  nameUnknown(context.request, KNOWN_FIELDS, [], context);
}

/** Runs over every field of every request, so that it builds nothing on the way. */
function nameUnknown(value: unknown, field: KnownField, path: PathKey[], context: RequestContext): void {
  if (Array.isArray(value)) {
    const item = field.members.get('[]');
    if (item !== undefined) nameUnknownInItems(value, item, path, context);
    return;
  }
  if (!isJsonObject(value)) return;
  for (const key in value) {
    const member = value[key];
    if (member == null) continue;
    const known = field.members.get(key);
    if (known !== undefined && !known.isIgnored && known.members.size === 0) continue;
    if (path.length === 0 && JUDGED_ELSEWHERE.has(key)) continue;
    path.push(key);
    if (known === undefined || known.isIgnored) context.receipt.ignore(path);
    else nameUnknown(member, known, path, context);
    path.pop();
  }
}

function nameUnknownInItems(
  items: readonly unknown[],
  field: KnownField,
  path: PathKey[],
  context: RequestContext,
): void {
  const areTools = path.length === 1 && path[0] === 'tools';
  for (const [index, item] of items.entries()) {
    if (areTools && isBuiltInTool(item)) continue;
    path.push(index);
    nameUnknown(item, field, path, context);
    path.pop();
  }
}

/** Options of tools that Google runs are judged where they are read. */
function isBuiltInTool(tool: unknown): boolean {
  return isJsonObject(tool) && tool['type'] !== 'function' && tool['type'] !== 'custom';
}
