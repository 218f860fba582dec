/**
 * A configuration file as a tree that still knows its lines: YAML 1.2 with variables filled in.
 *
 * Keys are always text, so that endpoint `0123` keeps its zero. Tags, merge keys and second documents are refused.
 */
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { Document, ErrorCode, Node, Pair, YAMLError } from 'yaml';
import type { ConfigProblem } from './config-error.ts';
import { interpolate } from './interpolate.ts';
import type { Environment } from './interpolate.ts';
import { formatKeyPath } from './key-path.ts';
import type { KeyPath } from './key-path.ts';

export interface ConfigDocument {
  /** The content as plain values, variables filled in; `undefined` for an empty file or one that is no YAML. */
  readonly value: unknown;
  /** What is wrong with the text itself. */
  readonly problems: readonly ConfigProblem[];
  /** Whether `value` can be relied on, so that looking for more problems makes sense. */
  readonly readable: boolean;
  /** Line and column of a value, or of the nearest thing around it that the file has. */
  positionOf(path: KeyPath, part?: 'key' | 'value'): Position;
}

interface Position {
  readonly line: number;
  readonly column: number;
}

/** Reads the text of a configuration file. Never throws: what is wrong is in `problems`. */
export function readConfigDocument(text: string, environment: Environment): ConfigDocument {
  const lines = new LineCounter();
  const yaml = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    resolveKnownTags: false,
    schema: 'core',
    stringKeys: true,
    uniqueKeys: false,
  });
  const problems: ConfigProblem[] = [];
  const place = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  const report = (path: KeyPath, offset: number, message: string) => {
    problems.push({ path: formatKeyPath(path), ...place(offset), message });
  };
  const document = (value: unknown, readable: boolean): ConfigDocument => ({
    value,
    problems,
    readable,
    positionOf: (path, part = 'value') => place(findOffset(yaml, path, part)),
  });

  // One mistake makes YAML stumble several times on its line; only the first stumble says something.
  const reported = new Set<number>();
  for (const error of [...yaml.errors, ...yaml.warnings]) {
    const { line } = place(error.pos[0]);
    if (!reported.has(line)) report([], error.pos[0], describeYamlError(error));
    reported.add(line);
  }
  if (yaml.errors.length > 0) return document(undefined, false);

  inspect(yaml, { text, environment, report });
  try {
    return document(yaml.toJS() ?? undefined, true);
  } catch {
    // What fails apart from undefined aliases is the limit on how much aliases may multiply.
    if (!problems.some(({ message }) => message === UNDEFINED_ALIAS)) {
      report([], 0, 'aliases (`*name`) repeat too much; write the values out');
    }
    return document(undefined, false);
  }
}

const UNDEFINED_ALIAS = 'there is no anchor of this name above; a text that starts with `*` needs quotes';

interface Inspection {
  readonly text: string;
  readonly environment: Environment;
  readonly report: (path: KeyPath, offset: number, message: string) => void;
}

/** Fills in variables and finds what YAML allows and a configuration does not. */
function inspect(yaml: Document.Parsed, { text, environment, report }: Inspection): void {
  const visit = (node: unknown, path: KeyPath): void => {
    if (isMap(node)) {
      const seen = new Set<string>();
      for (const pair of node.items) {
        const key = keyOf(pair);
        if (seen.has(key)) report([...path, key], offsetOf(pair.key), 'is given twice; keep one');
        seen.add(key);
        if (key === '__proto__') report([...path, key], offsetOf(pair.key), 'this name cannot be used');
        visit(pair.value, [...path, key]);
      }
      // Reported above; further checks would see it only here and there.
      node.items = node.items.filter((pair) => keyOf(pair) !== '__proto__');
    } else if (isSeq(node)) {
      for (const [index, item] of node.items.entries()) visit(item, [...path, index]);
    } else if (isAlias(node)) {
      if (node.resolve(yaml) === undefined) {
        report(path, offsetOf(node), UNDEFINED_ALIAS);
      }
    } else if (isScalar(node) && typeof node.value === 'string') {
      const start = offsetOf(node);
      const filled = interpolate(node.value, environment);
      for (const { reference, message } of filled.problems) {
        report(path, Math.max(start, text.indexOf(reference, start)), message);
      }
      node.value = filled.text;
    }
  };
  visit(yaml.contents, []);
}

/** Where a path leads: to a scalar itself, but to the key of anything larger, empty or absent. */
function findOffset(yaml: Document.Parsed, path: KeyPath, part: 'key' | 'value'): number {
  let node: unknown = yaml.contents;
  let offset = offsetOf(node);
  for (const [depth, step] of path.entries()) {
    if (isAlias(node)) node = node.resolve(yaml);
    if (isMap(node)) {
      const pair: Pair | undefined = node.items.findLast((each) => keyOf(each) === step);
      if (pair === undefined) break;
      const wantsKey = part === 'key' && depth === path.length - 1;
      const pointsAtValue = isAlias(pair.value) || (isScalar(pair.value) && pair.value.value !== null);
      offset = offsetOf(!wantsKey && pointsAtValue ? pair.value : pair.key);
      node = pair.value;
    } else if (isSeq(node) && typeof step === 'number' && node.items[step] !== undefined) {
      node = node.items[step];
      offset = offsetOf(node);
    } else {
      break;
    }
  }
  return offset;
}

const keyOf = (pair: Pair) => String(isScalar(pair.key) ? pair.key.value : pair.key);

const offsetOf = (node: unknown) => (node as Node | null)?.range?.[0] ?? 0;

/** Words for the mistakes people make most. YAML's own message fits the others. */
const YAML_MISTAKES: Partial<Record<ErrorCode, string>> = {
  TAB_AS_INDENT: 'a tab indents this line; YAML takes spaces only',
  TAG_RESOLVE_FAILED: 'tags such as `!!binary` are not supported; remove it',
  MULTIPLE_DOCS: 'a second document starts here; the configuration is one document',
  NON_STRING_KEY: 'a key must be text',
  RESOURCE_EXHAUSTION: 'lists or groups are nested too deeply',
  UNEXPECTED_TOKEN:
    'YAML does not expect this here; a value that contains `{`, `}`, `[`, `]` or `: ` needs quotes',
};

const describeYamlError = ({ code, message }: YAMLError) =>
  YAML_MISTAKES[code] ?? `YAML: ${withoutQuotation(message)}`;

/** YAML's messages may end in a piece of the file, and the file may hold secrets. */
const withoutQuotation = (message: string) => message.replace(/: ".*$/s, '');
