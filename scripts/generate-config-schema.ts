/**
 * Writes what is derived from src/config/schema.ts: the JSON Schema for editors and the reference in docs/configuration.md.
 *
 * Usage: node scripts/generate-config-schema.ts [--check]
 * With `--check` nothing is written; the exit code is 1 when a file is out of date.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format } from 'oxfmt';
import { z } from 'zod';
import { configSchema } from '../src/config/schema.ts';

/** The part of JSON Schema that the configuration uses. */
interface SchemaNode {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: SchemaNode | false;
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
  readonly oneOf?: readonly SchemaNode[];
}

const ROOT = join(import.meta.dirname, '..');
const START =
  '<!-- generated: the reference; edit src/config/schema.ts and run scripts/generate-config-schema.ts -->';
const END = '<!-- end of generated reference -->';

/** The JSON Schema of a configuration file, before defaults are filled in. */
export function configJsonSchema(): SchemaNode {
  return z.toJSONSchema(configSchema, {
    target: 'draft-07',
    io: 'input',
    override: ({ zodSchema, jsonSchema }) => {
      const { def } = zodSchema._zod;
      // Zod leaves out the default of a value that is converted, and shows the empty group a default starts from.
      if (def.type === 'default') jsonSchema.default = def.defaultValue;
      if (def.type === 'prefault') delete jsonSchema.default;
    },
  }) as SchemaNode;
}

/** The reference as Markdown: a section for each top-level key, a table row for each key below it. */
export function configReference(schema: SchemaNode): string {
  return Object.entries(schema.properties ?? {})
    .map(([name, section]) => {
      const rows = leaves(name, section).map((row) => `| ${row.map(escapeCell).join(' | ')} |`);
      const head = ['| Key | Value | Default | Meaning |', '| --- | --- | --- | --- |'];
      return [`### \`${name}\``, '', section.description ?? '', '', ...head, ...rows].join('\n');
    })
    .join('\n\n');
}

type Row = readonly [key: string, value: string, defaultValue: string, meaning: string];

function leaves(path: string, node: SchemaNode, isRequired = false): Row[] {
  if (node.oneOf) return node.oneOf.flatMap((variant) => leaves(path, variant));
  if (node.properties) {
    return Object.entries(node.properties).flatMap(([name, child]) =>
      leaves(`${path}.${name}`, child, node.required?.includes(name)),
    );
  }
  if (node.additionalProperties) return leaves(`${path}.NAME`, node.additionalProperties);
  if (node.items?.properties) return leaves(`${path}[]`, node.items);
  const fallback = node.default === undefined ? '' : code(node.default);
  return [[`\`${path}\``, describeValue(node), isRequired ? 'required' : fallback, node.description ?? '']];
}

function describeValue(node: SchemaNode): string {
  if (node.anyOf) return node.anyOf.map(describeValue).join(', or ');
  if (node.const !== undefined) return code(node.const);
  if (node.enum) return node.enum.map(code).join(', ');
  if (node.items) return `list of ${describeValue(node.items)}`;
  const [type] = [node.type ?? []].flat();
  if (type === 'integer') return `${node.minimum} to ${node.maximum}`;
  return type === 'boolean' ? '`true`, `false`' : 'text';
}

const code = (value: unknown) => `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;

const escapeCell = (text: string) => text.replaceAll('|', String.raw`\|`);

/** Each derived file with the content it must have, by absolute path. */
async function derivedFiles(): Promise<ReadonlyMap<string, string>> {
  const schema = configJsonSchema();
  const schemaPath = join(ROOT, 'docs/parlance.schema.json');
  const pagePath = join(ROOT, 'docs/configuration.md');
  const rules = JSON.parse(readFileSync(join(ROOT, '.oxfmtrc.json'), 'utf8')) as { printWidth: number };
  const formatted = await format(schemaPath, JSON.stringify(schema, null, 2), {
    printWidth: rules.printWidth,
  });
  return new Map([
    [schemaPath, formatted.code],
    [pagePath, replaceReference(readFileSync(pagePath, 'utf8'), configReference(schema))],
  ]);
}

function replaceReference(page: string, reference: string): string {
  const start = page.indexOf(START);
  const end = page.indexOf(END);
  if (start === -1 || end < start)
    throw new Error(`docs/configuration.md needs the lines "${START}" and "${END}"`);
  return `${page.slice(0, start)}${START}\n\n${reference}\n\n${page.slice(end)}`;
}

/** Paths of the derived files that differ from what the schema says. */
export async function staleFiles(): Promise<string[]> {
  const files = [...(await derivedFiles())];
  return files.filter(([path, content]) => readIfPresent(path) !== content).map(([path]) => path);
}

function readIfPresent(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

if (import.meta.main) {
  if (process.argv.includes('--check')) {
    const stale = await staleFiles();
    for (const path of stale)
      console.error(`${path} is out of date: run node scripts/generate-config-schema.ts`);
    process.exitCode = stale.length === 0 ? 0 : 1;
  } else {
    for (const [path, content] of await derivedFiles()) writeFileSync(path, content);
  }
}
