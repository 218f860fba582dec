/** Google's own clients write objects into an emulator, and the store reads them. */
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { preparePythonEnvironment } from '../../../scripts/python-env.ts';
import { BucketStore } from '../../../src/media/storage/bucket-store.ts';
import { parseBucketUri } from '../../../src/media/storage/parse-bucket-uri.ts';
import { type ClientMachine, createClientMachine } from '../../support/client-machine.ts';
import { GCLOUD, NO_GCLOUD, QUIET_GCLOUD } from '../../support/real-gcloud.ts';
import { startStorageEmulator, type StorageEmulator } from '../../support/storage-emulator.ts';
import { readBody } from './read-body.ts';

const environment = await preparePythonEnvironment({
  directory: resolve(import.meta.dirname, '../../../.cache/storage-client'),
  requirements: join(import.meta.dirname, 'python/requirements.txt'),
});
const python = 'missing' in environment ? '' : environment.python;
const noPython = 'missing' in environment ? `, skipped: ${environment.missing}` : '';

let emulator: StorageEmulator;
let store: BucketStore;
let machine: ClientMachine;
let folder: string;

beforeAll(async () => {
  emulator = await startStorageEmulator();
  store = new BucketStore({ env: { STORAGE_EMULATOR_HOST: emulator.url } });
  folder = await mkdtemp(join(tmpdir(), 'parlance-storage-'));
  machine = await createClientMachine({
    env: {
      STORAGE_EMULATOR_HOST: emulator.url,
      CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE: `${emulator.url}/storage/v1/`,
      CLOUDSDK_AUTH_DISABLE_CREDENTIALS: 'true',
      CLOUDSDK_CONFIG: join(folder, 'gcloud'),
      CLOUDSDK_CORE_PROJECT: 'any-project',
      ...QUIET_GCLOUD,
    },
  });
});

afterAll(async () => {
  await machine.remove();
  await store.close();
  await emulator.close();
  await rm(folder, { recursive: true });
});

async function read(uri: string): Promise<{ contentType: string | undefined; content: Buffer }> {
  const medium = await store.open(parseBucketUri(uri), { signal: new AbortController().signal });
  return { contentType: medium.contentType, content: await readBody(medium.body) };
}

async function runGcloud(...args: string[]): Promise<void> {
  const { exitCode, stderr } = await machine.run(GCLOUD, ['storage', ...args]);
  if (exitCode !== 0) throw new Error(stderr);
}

const sha256 = (content: Buffer): string => createHash('sha256').update(content).digest('hex');

interface Report {
  readonly written: readonly {
    way: string;
    uri: string;
    contentType: string;
    length: number;
    sha256: string;
  }[];
  readonly listed: readonly string[];
  readonly inFolder: readonly string[];
  readonly goneExists: boolean;
  readonly readBack: string;
}

describe.skipIf(noPython !== '')(`google-cloud-storage for Python${noPython}`, () => {
  let report: Report;

  beforeAll(async () => {
    const script = join(import.meta.dirname, 'python/write_objects.py');
    const { exitCode, stdout, stderr } = await machine.run(python, [script, 'python-bucket']);
    if (exitCode !== 0) throw new Error(stderr);
    report = JSON.parse(stdout) as Report;
  });

  it('writes objects that the store reads, whichever way they came', async () => {
    const found = await Promise.all(
      report.written.map(async ({ way, uri }) => {
        const { contentType, content } = await read(uri);
        return { way, uri, contentType, length: content.length, sha256: sha256(content) };
      }),
    );
    expect(found).toEqual(report.written);
    expect(found).toHaveLength(6);
  });

  it('sent them in one piece and in several', () => {
    const uploads = emulator.requests.filter((request) => request.includes('/b/python-bucket/o?uploadType='));
    const times = (start: string): number => uploads.filter((request) => request.startsWith(start)).length;
    expect(uploads.filter((request) => request.endsWith('uploadType=multipart')).length).toBeGreaterThan(3);
    expect({ posts: times('POST') > 5, puts: times('PUT') }).toEqual({ posts: true, puts: 8 });
  });

  it('agrees with the emulator about what is there', () => {
    const names = report.written.map(({ uri }) => parseBucketUri(uri).object);
    expect(report.listed).toEqual(names.toSorted());
    expect(report.inFolder).toEqual(names.filter((name) => name.startsWith('folder/')));
    expect(report.goneExists).toBe(false);
    expect(report.readBack).toBe(report.written.find(({ uri }) => uri.endsWith('large.mp3'))?.sha256);
  });

  it('deletes objects that the store does not find any more', async () => {
    await expect(read('gs://python-bucket/gone')).rejects.toThrow('has no object gs://python-bucket/gone.');
  });
});

describe.skipIf(NO_GCLOUD !== '')(`gcloud storage${NO_GCLOUD}`, () => {
  it('copies files that the store reads', async () => {
    const path = join(folder, 'a picture #1.jpg');
    const content = Buffer.from('any bytes '.repeat(100_000));
    await writeFile(path, content);
    await runGcloud('buckets', 'create', 'gs://gcloud-bucket');
    await runGcloud('cp', path, 'gs://gcloud-bucket/folder/');
    await runGcloud('cp', '--gzip-local-all', path, 'gs://gcloud-bucket/compressed.jpg');

    const plain = await read('gs://gcloud-bucket/folder/a picture #1.jpg');
    expect(plain.contentType).toBe('image/jpeg');
    expect(plain.content.equals(content)).toBe(true);
    // gcloud forbids that Cloud Storage decompresses it.
    const compressed = await read('gs://gcloud-bucket/compressed.jpg');
    expect(compressed.content.equals(content)).toBe(true);
  });
});
