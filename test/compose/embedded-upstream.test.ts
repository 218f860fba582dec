import { describe, expect, it } from 'vitest';
import { createEmbeddedUpstream } from '../../src/compose/embedded-upstream.ts';
import type { EmbeddedUpstreamConfig } from '../../src/config/complete-upstream.ts';
import { createLog } from '../../src/observability/log.ts';
import { OFFLINE_MEDIA } from '../support/offline-media.ts';

describe('an embedded model', () => {
  it.each([
    ['smollm2-135m-instruct', 'smollm2-135m-instruct'],
    ['/models/mine.gguf', 'mine'],
    ['https://example.com/a/Model-Q4.GGUF', 'Model-Q4'],
    ['https://me:s3cret@example.com/a/m.gguf?X-Goog-Signature=s3cret/x', 'm'],
  ])('%s is listed as %s', (model, name) => {
    const config = { kind: 'embedded', model, slots: 1, queue_size: 1 } as EmbeddedUpstreamConfig;
    const { backend } = createEmbeddedUpstream('mine', config, {
      media: OFFLINE_MEDIA,
      log: createLog('silent'),
    });
    expect(backend.models().map(({ id }) => id)).toEqual([name]);
  });
});
