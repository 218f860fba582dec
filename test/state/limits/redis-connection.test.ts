import { describe, expect, it } from 'vitest';
import { RedisConnection } from '../../../src/state/limits/redis-connection.ts';

describe('the URL of a Redis', () => {
  it.each([
    ['redis://ann:8080/s3cret@127.0.0.1', 'server'],
    ['redis://ann:s3/cret@127.0.0.1', 'server'],
    ['redis://ann:s3%cret@127.0.0.1:1', 'at 127.0.0.1:1'],
    ['redis://127.0.0.1:1/s3cret', 'at 127.0.0.1:1'],
    ['http://ann:s3cret@127.0.0.1:1', 'at 127.0.0.1:1'],
  ])('as %s is refused without its password', async (url, server) => {
    const opened = RedisConnection.open({ url, onError: () => {} });
    const { message, cause } = await opened.then(
      () => new Error('it was opened'),
      (error: unknown) => error as Error,
    );
    expect(message).toContain(`Redis ${server} cannot be used: `);
    expect(`${message} ${String(cause)}`).not.toMatch(/s3|cret/);
  });
});
