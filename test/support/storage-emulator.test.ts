import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BucketStore } from '../../src/media/storage/bucket-store.ts';
import { parseBucketUri } from '../../src/media/storage/parse-bucket-uri.ts';
import { readBody } from '../media/storage/read-body.ts';
import { startStorageEmulator, type StorageEmulator } from './storage-emulator.ts';

const OWN = 'Bearer ya29.own-token';

let emulator: StorageEmulator;
let store: BucketStore;

beforeEach(async () => {
  emulator = await startStorageEmulator();
  store = new BucketStore({ env: {}, url: emulator.url });
});

afterEach(async () => {
  await store.close();
  await emulator.close();
});

async function read(uri: string, authorization?: string): Promise<string> {
  const signal = new AbortController().signal;
  const { body } = await store.open(parseBucketUri(uri), { signal, authorization });
  return String(await readBody(body));
}

describe('the storage emulator', () => {
  it.each([
    {},
    { contentEncoding: 'gzip' },
    { contentEncoding: 'gzip', cacheControl: 'public, no-transform' },
  ])('keeps objects with %j, which the store reads', async (fields) => {
    const content = 'contentEncoding' in fields ? gzipSync('bytes') : 'bytes';
    emulator.put({ bucket: 'bucket', name: 'folder/a b#?.txt' }, content, fields);
    expect(await read('gs://bucket/folder/a b#?.txt')).toBe('bytes');
    expect(emulator.requests).toEqual(['GET /storage/v1/b/bucket/o/folder%2Fa%20b%23%3F.txt?alt=media']);
  });

  it('describes them as Cloud Storage does', async () => {
    emulator.put({ bucket: 'bucket', name: 'digits' }, '123456789', { contentType: 'text/plain' });
    const response = await fetch(`${emulator.url}/storage/v1/b/bucket/o/digits`);
    expect(await response.json()).toMatchObject({
      kind: 'storage#object',
      name: 'digits',
      bucket: 'bucket',
      size: '9',
      contentType: 'text/plain',
      md5Hash: 'JfnnlDI7RTiF9RgfG2JNCw==',
      // The check value of CRC-32C, 0xE3069283.
      crc32c: '4waSgw==',
    });
  });

  it('lets only the right reader see a restricted bucket', async () => {
    emulator.put({ bucket: 'private', name: 'o' }, 'bytes');
    emulator.restrict('private', OWN);
    expect(await read('gs://private/o', OWN)).toBe('bytes');
    await expect(read('gs://private/o', 'Bearer ya29.of-another')).rejects.toThrow(
      /cannot be read with the credentials that were sent .*HTTP 403: somebody@example\.com does not have storage\.objects\.get access/,
    );
    await expect(read('gs://private/o')).rejects.toThrow(
      /cannot be read without credentials: .*HTTP 401: Anonymous caller does not have storage\.objects\.get access/,
    );
  });

  it.each(['gs://bucket/absent', 'gs://no-bucket/absent'])('has no %s', async (uri) => {
    emulator.put({ bucket: 'bucket', name: 'o' }, 'bytes');
    await expect(read(uri)).rejects.toThrow(`has no object ${uri}.`);
  });

  it.each([
    ['/storage/v1/b/bucket/o/absent', 404, 'No such object: bucket/absent', 'notFound'],
    ['/storage/v1/b/absent', 404, 'The specified bucket does not exist.', 'notFound'],
    ['/elsewhere', 404, 'Not Found', 'notFound'],
  ])('says what is wrong with %s in the form of Google', async (path, code, message, reason) => {
    emulator.put({ bucket: 'bucket', name: 'o' }, 'bytes');
    const response = await fetch(`${emulator.url}${path}`);
    expect(response.status).toBe(code);
    expect(await response.json()).toEqual({
      error: { code, message, errors: [{ message, domain: 'global', reason }] },
    });
  });

  it('takes an upload of nothing but the content', async () => {
    emulator.put({ bucket: 'bucket', name: 'o' }, 'bytes');
    const upload = `${emulator.url}/upload/storage/v1/b/bucket/o?uploadType=media&name=a%2Fb`;
    const headers = { 'content-type': 'image/png' };
    const response = await fetch(upload, { method: 'POST', headers, body: 'picture' });
    expect(await response.json()).toMatchObject({ name: 'a/b', size: '7', contentType: 'image/png' });
    expect(await read('gs://bucket/a/b')).toBe('picture');
  });
});
