import { z } from 'zod';
import { checkReferences } from './check-references.ts';
import { formatKeyPath, valueAt } from './key-path.ts';
import type { KeyPath } from './key-path.ts';
import type { LocatedProblem } from './located-problem.ts';
import { suggestName } from './nearest-name.ts';
import { configSchema } from './schema.ts';
import type { FileConfig } from './schema.ts';

export interface Validation {
  /** The configuration; `undefined` when there is a problem. */
  readonly config: FileConfig | undefined;
  readonly problems: readonly LocatedProblem[];
}

/** Checks a file's content against the schema and its names against each other; finds every problem at once. */
export function validateConfig(value: unknown): Validation {
  const knownKeys = new Map<string, readonly string[]>();
  const result = configSchema.safeParse(value, {
    // Runs for issues without a message of their own, and is the only place that still knows the schema.
    error: (issue) => {
      if (issue.code === 'unrecognized_keys' && issue.inst instanceof z.ZodObject) {
        knownKeys.set(formatKeyPath(issue.path ?? []), Object.keys(issue.inst.shape));
      }
      return issue.code === 'invalid_type' ? TYPE_MESSAGES[issue.expected] : undefined;
    },
  });
  const problems = (result.error?.issues ?? []).flatMap((issue) => explainIssue(issue, value, knownKeys));
  problems.push(...checkReferences(value));
  return { config: problems.length === 0 ? result.data : undefined, problems };
}

const TYPE_MESSAGES: Readonly<Record<string, string>> = {
  object: 'must be a group of keys',
  record: 'must be a group of keys',
  array: 'must be a list',
  string: 'must be text; put it in quotes',
  boolean: 'must be `true` or `false`',
};

function explainIssue(
  issue: z.core.$ZodIssue,
  root: unknown,
  knownKeys: ReadonlyMap<string, readonly string[]>,
): LocatedProblem[] {
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys.get(formatKeyPath(issue.path)) ?? [];
    return issue.keys.map((key) => explainKey([...issue.path, key], known));
  }
  if (issue.code === 'invalid_key') {
    const message = issue.issues[0]?.message ?? issue.message;
    return [{ path: issue.path, message, part: 'key' }];
  }
  const value = valueAt(root, issue.path);
  if (value === null) {
    return [{ path: issue.path, message: 'has no value; give it one, or remove the key', part: 'key' }];
  }
  const isMissing = value === undefined && issue.code !== 'custom';
  return [{ path: issue.path, message: isMissing ? 'is missing' : issue.message, part: 'value' }];
}

function explainKey(path: KeyPath, known: readonly string[]): LocatedProblem {
  return { path, message: `unknown key; ${suggestName(String(path.at(-1)), known)}`, part: 'key' };
}
