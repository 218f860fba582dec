/**
 * A server's bookkeeping without its server: opens and settles requests until it is killed, and prints the id of each
 * once it is told that the row is written, `o` before those that were opened and `s` before those that were settled.
 *
 * Usage: node settle-for-ever.ts HOME [URL]
 */
import { writeSync } from 'node:fs';
import { openDatabase } from '../../../src/state/database/open-database.ts';
import { UsageLedger } from '../../../src/state/usage/usage-ledger.ts';

const [home = '', url] = process.argv.slice(2);
const CALLERS = 40;

const database = await openDatabase({ home, url });
const ledger = new UsageLedger(database);

async function call(caller: number): Promise<void> {
  for (let count = 0; ; count += 1) {
    const id = `${process.pid}-${caller}-${count}`;
    const entry = {
      id,
      requestId: id,
      at: new Date(),
      principal: `caller-${caller}`,
      upstream: 'u',
      model: 'm',
      endpoint: 'e',
      reservedTokens: 100,
    };
    await ledger.open(entry);
    // Not through a stream: what it has taken in would be lost with the process.
    writeSync(1, `o${id}\n`);
    await ledger.settle(entry, { status: 'completed', totalTokens: 7 });
    writeSync(1, `s${id}\n`);
  }
}

await Promise.all(Array.from({ length: CALLERS }, (_, caller) => call(caller)));
