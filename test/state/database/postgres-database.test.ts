import { describe, expect, it } from 'vitest';
import { openPostgres } from '../../../src/state/database/postgres-database.ts';

describe('a Postgres server that cannot be used', () => {
  it.each([
    ['postgres://ann:s3cret@127.0.0.1:1/db', 'at 127.0.0.1:1/db'],
    ['postgres://ann:s3cret@127.0.0.1:1/db?password=s3cret&sslpassword=s3cret', 'at 127.0.0.1:1/db'],
    // What comes of a password with characters that belong escaped.
    ['postgres://127.0.0.1:1/s3cret@127.0.0.1/db', 'server'],
    ['postgres://ann:s3/cret@127.0.0.1/db', 'server'],
    ['postgres://ann:s3#cret@127.0.0.1/db', 'server'],
    ['postgres://ann:s3?cret@127.0.0.1/db', 'server'],
    ['postgres://ann:s3[cret@127.0.0.1:1/db', 'at 127.0.0.1:1/db'],
    ['postgres://ann:s3%cret@127.0.0.1:1/db', 'at 127.0.0.1:1/db'],
  ])('as %s is named without its password', async (url, server) => {
    const opened = openPostgres({ url, onError: () => {} });
    const { message, cause } = await opened.then(
      () => new Error('it was opened'),
      (error: unknown) => error as Error,
    );
    expect(message).toContain(`Postgres ${server} cannot be used: `);
    expect(`${message} ${String(cause)}`).not.toMatch(/s3|cret/);
  });
});
