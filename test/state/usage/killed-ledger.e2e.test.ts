/** What is left in the ledger of a server that was killed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from '../../../src/state/database/open-database.ts';
import { UsageLedger } from '../../../src/state/usage/usage-ledger.ts';
import { findPostgres, type PostgresServer, startPostgres } from '../../support/postgres-server.ts';
import { makeTestHome, type TestHome } from '../embedded-home.ts';

const SCRIPT = join(import.meta.dirname, 'settle-for-ever.ts');
const ROUNDS = 3;

/** Enough for several writes of many rows, checkpoints apart. */
const ACKNOWLEDGED = 2000;

/** What `settle-for-ever.ts` says of each request. */
const RESERVED = 100;
const USED = 7;

interface Acknowledged {
  readonly opened: ReadonlySet<string>;
  readonly settled: ReadonlySet<string>;
}

/** Runs the bookkeeping until it has acknowledged enough, and kills it in the middle of the next. */
async function runAndKill(args: readonly string[], kill: (pid: number) => void): Promise<Acknowledged> {
  const child = spawn(process.execPath, [SCRIPT, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let written = '';
  let isKilled = false;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    written += text;
    if (isKilled || written.split('\n').length < ACKNOWLEDGED) return;
    isKilled = true;
    kill(child.pid ?? 0);
  });
  await once(child, 'close');
  expect(isKilled).toBe(true);
  // A line that was cut was not acknowledged.
  const lines = written.slice(0, written.lastIndexOf('\n')).split('\n');
  const idsAfter = (word: string) =>
    new Set(lines.filter((line) => line.startsWith(word)).map((line) => line.slice(1)));
  return { opened: idsAfter('o'), settled: idsAfter('s') };
}

/** What is wrong, and how much there is. */
interface Findings {
  readonly rows: number;
  /** Acknowledged, and not there as they were. */
  readonly lost: readonly string[];
  /** There with a count that is neither what was reserved nor what was used. */
  readonly wrong: readonly string[];
  /** What everything counts for, before and after all of it was settled again. */
  readonly totals: readonly unknown[];
}

interface Row {
  readonly id: string;
  readonly status: string;
  readonly counted: number;
}

async function examine(
  where: { home: string; url?: string },
  { opened, settled }: Acknowledged,
): Promise<Findings> {
  const database = await openDatabase(where);
  const ledger = new UsageLedger(database);
  const rows = await database.query<Row>(
    'select id, status, coalesce(total_tokens, reserved_tokens) as counted from parlance.usage',
  );
  const byId = new Map(rows.map((row) => [row.id, row]));
  const notOpened = [...opened].filter((id) => !byId.has(id));
  const notSettled = [...settled].filter((id) => byId.get(id)?.counted !== USED);
  const wrong = rows.filter(({ status, counted }) => counted !== (status === 'open' ? RESERVED : USED));
  const before = await ledger.totals({ by: [] });
  await Promise.all([...settled].map((id) => settleAgain(ledger, id)));
  const after = await ledger.totals({ by: [] });
  await ledger.close();
  await database.close();
  return {
    rows: rows.length,
    lost: [...notOpened, ...notSettled],
    wrong: wrong.map(({ id }) => id),
    totals: [before, after],
  };
}

function settleAgain(ledger: UsageLedger, id: string): Promise<void> {
  const entry = { id, requestId: id, at: new Date(), principal: 'again', upstream: 'u', model: 'm' };
  return ledger.settle(
    { ...entry, endpoint: 'e', reservedTokens: 5 },
    { status: 'completed', totalTokens: 1_000_000 },
  );
}

function expectAllThere({ rows, lost, wrong, totals }: Findings, { settled }: Acknowledged): void {
  expect({ lost, wrong }).toEqual({ lost: [], wrong: [] });
  expect(rows).toBeGreaterThanOrEqual(settled.size);
  expect(totals[1]).toEqual(totals[0]);
}

describe('the ledger in the embedded database', () => {
  let home: TestHome;

  beforeAll(async () => {
    home = await makeTestHome();
  });

  afterAll(async () => {
    await home[Symbol.asyncDispose]();
  });

  /** The process that holds the data. */
  function databasePid(): number {
    const lock = JSON.parse(readFileSync(join(home.path, 'state/lock'), 'utf8')) as { pid: number };
    return lock.pid;
  }

  it.each<[string, (server: number) => void]>([
    [
      'the server',
      (server) => {
        process.kill(server, 'SIGKILL');
      },
    ],
    [
      'the server and the process of the database',
      (server) => {
        process.kill(databasePid(), 'SIGKILL');
        process.kill(server, 'SIGKILL');
      },
    ],
  ])('has all that was acknowledged, once, when %s was killed', async (_case, kill) => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const acknowledged = await runAndKill([home.path], kill);
      expect(acknowledged.settled.size).toBeGreaterThan(ACKNOWLEDGED / 4);
      expectAllThere(await examine({ home: home.path }, acknowledged), acknowledged);
    }
  });
});

const postgres = await findPostgres();
const skipped = typeof postgres === 'string' ? '' : `, skipped: ${postgres.missing}`;

describe.skipIf(skipped !== '')(`the ledger in Postgres${skipped}`, () => {
  let server: PostgresServer;

  beforeAll(async () => {
    if (skipped === '') server = await startPostgres();
  });

  afterAll(async () => {
    if (skipped === '') await server[Symbol.asyncDispose]();
  });

  it('has all that was acknowledged, once, when replicas were killed', async () => {
    const where = { home: '/nowhere', url: server.url };
    for (let round = 0; round < ROUNDS; round += 1) {
      const replicas = await Promise.all(
        Array.from({ length: 2 }, () =>
          runAndKill([where.home, where.url], (pid) => {
            process.kill(pid, 'SIGKILL');
          }),
        ),
      );
      for (const acknowledged of replicas) {
        expect(acknowledged.settled.size).toBeGreaterThan(ACKNOWLEDGED / 4);
        expectAllThere(await examine(where, acknowledged), acknowledged);
      }
    }
  });
});
