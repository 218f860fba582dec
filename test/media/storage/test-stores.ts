import { afterEach, beforeEach } from 'vitest';
import { BucketStore, type BucketStoreOptions } from '../../../src/media/storage/bucket-store.ts';
import { FaultyServer } from '../../support/faulty-server.ts';

export interface TestStores {
  /** New for each test. */
  readonly server: () => FaultyServer;
  /** Takes the server for Cloud Storage itself, unless an emulator is named. Closed with the test. */
  readonly storeOf: (options?: Partial<BucketStoreOptions>) => BucketStore;
}

/** A server and stores in front of it, for a file of tests. */
export function testStores(): TestStores {
  let server: FaultyServer;
  const stores: BucketStore[] = [];
  beforeEach(async () => {
    server = await FaultyServer.start();
  });
  afterEach(async () => {
    for (const store of stores.splice(0)) await store.close();
    await server.stop();
  });
  return {
    server: () => server,
    storeOf(options = {}) {
      const place = options.env === undefined ? { url: server.url } : {};
      const store = new BucketStore({ env: {}, ...place, retry: { baseDelayMs: 1 }, ...options });
      stores.push(store);
      return store;
    },
  };
}
