import { GatewayError } from '../../src/errors.ts';
import { MediaCache } from '../../src/media/media-cache.ts';
import { MediaResolver, type MediaSource } from '../../src/media/media-resolver.ts';
import { MemoryBudget } from '../../src/media/memory-budget.ts';

const nowhere: MediaSource = {
  async open() {
    throw new GatewayError('invalid_argument', 'cannot be fetched in this test');
  },
};

/** Fetches nothing, for tests whose requests refer to nothing. */
export const OFFLINE_MEDIA = new MediaResolver({
  web: nowhere,
  buckets: { ...nowhere, isOwn: () => false },
  budget: new MemoryBudget(1),
  cache: new MediaCache({ maxBytes: 0, lifetimeMs: 0 }),
  maxBytes: 1,
});
