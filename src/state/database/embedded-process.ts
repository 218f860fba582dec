/**
 * The process of the embedded database: a child of the server. Started by `embedded-child.ts`; ends with it.
 *
 * A process of its own, because the database never yields while it works and reads and writes its files synchronously,
 * and because of the settings below, which hold for a whole process.
 */
import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import type { PGlite } from '@electric-sql/pglite';
import type { FileLock } from '../../locks/lock-file.ts';
import type { EmbeddedOrder, EmbeddedOutcome } from './embedded-protocol.ts';
import { FolderInUse, lockFolder } from './folder-lock.ts';

/** Compiling the largest functions of Postgres a second time, optimized, would take more than 500 MB for a moment. */
const COMPILER_FLAGS = ['--no-wasm-tier-up', '--no-wasm-dynamic-tiering'];

/** A few tables with one user: the defaults would take 128 MiB more. */
const MEMORY_SETTINGS = ['shared_buffers=4MB', 'max_connections=5', 'wal_buffers=256kB', 'work_mem=4MB'];

/** Its log is kept in pieces of this size. What a checkpoint frees is reused, so small pieces keep the folder small. */
const LOG_PIECE_MEGABYTES = 1;
const LOG_SETTINGS = ['min_wal_size=4MB', 'max_wal_size=16MB'];

/** `oid` of `int8`, which otherwise is a `bigint` where it is large. */
const INT8 = 20;

/** Exit code of a process that cannot go on without harm to the data. */
const LOST_FOLDER = 3;

let database: PGlite | undefined;
let lock: FileLock | undefined;

async function perform(order: EmbeddedOrder): Promise<EmbeddedOutcome> {
  switch (order.kind) {
    case 'open':
      return await open(order.folder);
    case 'query': {
      if (database === undefined) throw new Error('query before open');
      const { rows } = await database.query<object>(order.sql, [...order.parameters]);
      return { kind: 'rows', rows };
    }
    case 'close':
      await close();
      return { kind: 'closed' };
  }
}

async function open(folder: string): Promise<EmbeddedOutcome> {
  // By this process, as it is the one that writes: it may outlive the server by a moment.
  lock = await lockFolder(join(folder, 'lock'), { owner: process.ppid });
  lock.lost.addEventListener('abort', () => {
    process.exit(LOST_FOLDER);
  });
  try {
    return await openOrCreate(join(folder, 'data'));
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function openOrCreate(data: string): Promise<EmbeddedOutcome> {
  if (existsSync(data)) {
    database = await openData(data);
    return { kind: 'opened' };
  }
  // Whole or not at all: under their name the data only appear when complete.
  const unfinished = `${data}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await (await openData(unfinished)).close();
  await rename(unfinished, data);
  await close();
  return { kind: 'created' };
}

async function openData(folder: string): Promise<PGlite> {
  for (const flag of COMPILER_FLAGS) setFlagsFromString(flag);
  const { PGlite: Embedded } = await import('@electric-sql/pglite');
  const settings = [...MEMORY_SETTINGS, ...LOG_SETTINGS].flatMap((setting) => ['-c', setting]);
  return await Embedded.create({
    dataDir: folder,
    startParams: [...Embedded.defaultStartParams, ...settings],
    initDbStartParams: [`--wal-segsize=${LOG_PIECE_MEGABYTES}`],
    parsers: { [INT8]: Number },
  });
}

async function close(): Promise<void> {
  await database?.close();
  database = undefined;
  await lock?.release();
}

function outcomeOfFailure(error: unknown): EmbeddedOutcome {
  if (error instanceof FolderInUse) return { kind: 'in-use', holder: error.holder };
  const { message, code } = error as { message?: string; code?: string };
  return { kind: 'failed', message: message ?? String(error), code };
}

async function answer(order: EmbeddedOrder): Promise<void> {
  const outcome = await perform(order).catch(outcomeOfFailure);
  if (process.connected) process.send?.(outcome);
}

process.on('message', (order: EmbeddedOrder) => {
  void answer(order);
});

// The server is gone without having closed the data. What it was told is in the log of the database.
process.on('disconnect', () => {
  process.exit();
});

// Sent to all processes of a terminal or service at once. The server still has rows to write when it gets them.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
