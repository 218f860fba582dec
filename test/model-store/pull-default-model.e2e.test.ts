import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { CATALOGUE, DEFAULT_MODEL_NAME } from '../../src/model-store/catalogue.ts';
import type { PulledModel } from '../../src/model-store/model-store.ts';
import { openModelStore } from '../../src/model-store/model-store.ts';

// Kept from run to run, so that the 93 MB are downloaded once per checkout.
const home = process.env['PARLANCE_TEST_HOME'] ?? resolve(import.meta.dirname, '../../.cache/test-home');
const PULL_MILLISECONDS = 15 * 60_000;

describe('the default model', () => {
  let pulled: PulledModel;

  beforeAll(async () => {
    pulled = await openModelStore({ home, log: (line) => console.log(line) }).pull(DEFAULT_MODEL_NAME);
  }, PULL_MILLISECONDS);

  it('is where the store says, with the published checksum', async () => {
    const expected = CATALOGUE.find(({ name }) => name === DEFAULT_MODEL_NAME);
    const hash = createHash('sha256');
    await pipeline(createReadStream(pulled.path), hash);
    expect(pulled.path).toBe(join(home, 'models', expected?.file ?? ''));
    expect(pulled.bytes).toBe(expected?.bytes);
    expect(hash.digest('hex')).toBe(expected?.sha256);
  });

  it('has its checksum recorded beside it', async () => {
    expect(await readFile(`${pulled.path}.sha256`, 'utf8')).toMatch(
      /^b179c952[0-9a-f]{56} {2}SmolLM2-135M-Instruct/,
    );
  });

  it('is not downloaded again', async () => {
    expect(await openModelStore({ home }).pull(DEFAULT_MODEL_NAME)).not.toHaveProperty('download');
  });
});
