import { link, mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '../../code-of.ts';
import { GatewayError } from '../../errors.ts';
import { randomBase62 } from '../../ids.ts';

const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

/** Permission bits of everybody but the owner. */
const OTHERS = 0o077;

/**
 * The folder `local-google` of `PARLANCE_HOME`: what the local sign-in keeps. Only its owner may look into it, which is
 * checked at every access. Several processes may use it at once: a file appears whole or not at all, and is not
 * changed afterwards.
 *
 * Every method throws {@link GatewayError} `internal_error`, with what to do, when folder or file cannot be used.
 */
export class LocalFolder {
  readonly path: string;
  readonly #home: string;

  /** @param home `PARLANCE_HOME`, absolute. It need not exist yet. */
  constructor(home: string) {
    this.#home = home;
    this.path = join(home, 'local-google');
  }

  /** @returns the file's text; `undefined` when there is none */
  async read(name: string): Promise<string | undefined> {
    return this.#guard(name, async (path) => {
      if (!(await this.#exists())) return undefined;
      let file;
      try {
        file = await open(path, 'r');
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return undefined;
        throw error;
      }
      try {
        // Of the opened file: the name may stand for another one a moment later.
        assertPrivate(path, (await file.stat()).mode, FILE_MODE);
        return await file.readFile('utf8');
      } finally {
        await file.close();
      }
    });
  }

  /** @returns the file's text: that of whoever created it first */
  async readOrCreate(name: string, make: () => Promise<string>): Promise<string> {
    const present = await this.read(name);
    if (present !== undefined) return present;
    const made = await make();
    if (await this.create(name, made)) return made;
    return (await this.read(name)) ?? this.readOrCreate(name, make);
  }

  /** @returns whether it was created; `false` when there is one already */
  async create(name: string, text: string): Promise<boolean> {
    return this.#guard(name, async (path) => {
      await this.#make();
      return createFile(path, text);
    });
  }

  async remove(name: string): Promise<void> {
    await this.#guard(name, (path) => rm(path, { force: true }));
  }

  /** Names of the files in it. */
  async list(): Promise<readonly string[]> {
    return this.#guard('', async (path) => ((await this.#exists()) ? readdir(path) : []));
  }

  async #exists(): Promise<boolean> {
    try {
      assertPrivate(this.path, (await stat(this.path)).mode, FOLDER_MODE);
      return true;
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return false;
      throw error;
    }
  }

  async #make(): Promise<void> {
    // Apart from its parents: those hold models too, which others may read.
    await mkdir(this.#home, { recursive: true });
    await mkdir(this.path, { mode: FOLDER_MODE }).catch((error: unknown) => {
      if (codeOf(error) !== 'EEXIST') throw error;
    });
    await this.#exists();
  }

  async #guard<T>(name: string, use: (path: string) => Promise<T>): Promise<T> {
    const path = join(this.path, name);
    try {
      return await use(path);
    } catch (error) {
      if (error instanceof GatewayError) throw error;
      throw folderError(
        `${path} cannot be used (${codeOf(error) || 'unknown error'}). ` +
          'Let the user that runs Parlance read and write it.',
        error,
      );
    }
  }
}

/**
 * Creates a file that nobody ever sees half-written: it gets its name only when it is complete. Mode 0600.
 *
 * @returns whether it was created; `false` when there is one already
 */
export async function createFile(path: string, text: string): Promise<boolean> {
  const draft = `${path}.${randomBase62(12)}.new`;
  try {
    await writeDraft(draft, text);
    await link(draft, path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

/** Writes a new file of mode 0600, down to the disk. */
export async function writeDraft(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', FILE_MODE);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** A failure of what the sign-in keeps. Trying again is of no use before somebody has done what the message says. */
export function folderError(problem: string, cause?: unknown): GatewayError {
  return new GatewayError('internal_error', `Local sign-in: ${problem}`, { shouldRetry: false, cause });
}

function assertPrivate(path: string, mode: number, wanted: number): void {
  // Windows has no such bits; its home folders are private by themselves.
  if (process.platform === 'win32' || (mode & OTHERS) === 0) return;
  throw folderError(
    `other users of this machine can get at ${path} (mode ${(mode & 0o777).toString(8)}), and what it holds lets callers in. ` +
      `Run: chmod ${wanted.toString(8)} '${path}'`,
  );
}
