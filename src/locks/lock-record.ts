import { randomUUID } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { codeOf } from '../code-of.ts';
import { parseJson } from '../wire/json-text/parse-json.ts';
import { isJsonObject } from '../wire/validation/structure-checks.ts';
import { lookAtProcess } from './running-process.ts';

/** Who has a lock: what its file says. */
export interface LockRecord {
  readonly token: string;
  readonly pid: number;
  /** The process that this one works for, and that people know. */
  readonly owner: number;
  readonly host: string;
  /** Tells the process from a later one with the same id; `null` where nothing does. */
  readonly birth: string | null;
}

/** What is to be seen of a lock. */
export interface LockState {
  /** `undefined` while its creator has not written it yet, or when it is no lock of ours. */
  readonly record: LockRecord | undefined;
  /** Since the last sign of life. */
  readonly ageMilliseconds: number;
}

/** A lock of this process. */
export function newRecord(owner: number): LockRecord {
  const { pid } = process;
  return { token: randomUUID(), pid, owner, host: hostname(), birth: lookAtProcess(pid).birth };
}

/** @returns `undefined` when there is no such file. The file system's other errors pass through. */
export async function readLock(path: string): Promise<LockState | undefined> {
  try {
    const text = await readFile(path, 'utf8');
    const { mtimeMs } = await stat(path);
    return { record: parseRecord(text), ageMilliseconds: Date.now() - mtimeMs };
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function parseRecord(text: string): LockRecord | undefined {
  const value = parseJson(text);
  if (!isJsonObject(value)) return undefined;
  const { token, pid, host = '', birth = null, ...rest } = value as Partial<LockRecord>;
  if (typeof token !== 'string' || typeof pid !== 'number') return undefined;
  return { token, pid, owner: rest.owner ?? pid, host, birth };
}
