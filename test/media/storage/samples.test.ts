import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { drawScones } from '../../../scripts/samples/draw-scones.ts';
import { encodeJpeg } from '../../../scripts/samples/encode-jpeg.ts';
import { FolderBuckets } from '../../../src/media/storage/folder-buckets.ts';
import { parseBucketUri } from '../../../src/media/storage/parse-bucket-uri.ts';
import { sniffMimeType } from '../../../src/translate/request/media-type.ts';
import { readBody } from './read-body.ts';

const buckets = new FolderBuckets({
  folders: { 'gs://cloud-samples-data': join(import.meta.dirname, '../../../samples') },
});

async function read(uri: string): Promise<Buffer> {
  const { body } = await buckets.open(parseBucketUri(uri), { signal: new AbortController().signal });
  return readBody(body);
}

const SCONES = 'gs://cloud-samples-data/generative-ai/image/scones.jpg';

/** The objects that the page of the Chat Completions API names. */
describe('the samples', () => {
  it.each([
    [SCONES, 'image/jpeg'],
    ['gs://cloud-samples-data/generative-ai/audio/pixel.mp3', 'audio/mp3'],
  ])('stand in for %s', async (uri, mimeType) => {
    const bytes = await read(uri);
    expect(sniffMimeType(bytes.toString('base64'))).toBe(mimeType);
    expect(bytes.length).toBeGreaterThan(10_000);
    expect(bytes.length).toBeLessThan(100_000);
  });

  it('have the picture that the script draws', async () => {
    expect((await read(SCONES)).equals(encodeJpeg(drawScones(), 85))).toBe(true);
  });
});
