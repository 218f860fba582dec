import { describe, expect, it } from 'vitest';
import { storageRoot } from '../../../src/media/storage/storage-root.ts';

describe('storageRoot', () => {
  it.each([{}, { STORAGE_EMULATOR_HOST: '' }])('is Cloud Storage with %j', (env) => {
    expect(storageRoot(env)).toEqual({
      origin: 'https://storage.googleapis.com',
      host: 'storage.googleapis.com',
      basePath: '/storage/v1',
      isEmulator: false,
    });
  });

  it.each([
    ['http://localhost:9023', 'http://localhost:9023', '/storage/v1'],
    ['localhost:9023', 'http://localhost:9023', '/storage/v1'],
    ['127.0.0.1:4443', 'http://127.0.0.1:4443', '/storage/v1'],
    ['[::1]:4443', 'http://[::1]:4443', '/storage/v1'],
    ['emulator', 'http://emulator', '/storage/v1'],
    ['https://localhost:4443/', 'https://localhost:4443', '/storage/v1'],
    ['HTTP://Localhost:9023//', 'http://localhost:9023', '/storage/v1'],
    ['http://localhost:9023/storage/v1', 'http://localhost:9023', '/storage/v1'],
    ['http://localhost:9023/storage/v1/', 'http://localhost:9023', '/storage/v1'],
    ['localhost:9023/storage/v1', 'http://localhost:9023', '/storage/v1'],
    ['http://proxy/gcs', 'http://proxy', '/gcs/storage/v1'],
    ['http://proxy/gcs/storage/v1/', 'http://proxy', '/gcs/storage/v1'],
  ])('reads STORAGE_EMULATOR_HOST=%s', (value, origin, basePath) => {
    expect(storageRoot({ STORAGE_EMULATOR_HOST: value })).toMatchObject({
      origin,
      basePath,
      isEmulator: true,
    });
  });

  it('prefers an address of its own to the variable', () => {
    const env = { STORAGE_EMULATOR_HOST: 'localhost:9023' };
    expect(storageRoot(env, 'https://storage-mine.p.googleapis.com/')).toEqual({
      origin: 'https://storage-mine.p.googleapis.com',
      host: 'storage-mine.p.googleapis.com',
      basePath: '/storage/v1',
      isEmulator: false,
    });
  });

  it.each([
    ['http://', 'STORAGE_EMULATOR_HOST is no valid address.'],
    ['localhost:99999', 'STORAGE_EMULATOR_HOST is no valid address.'],
    ['ftp://localhost', 'STORAGE_EMULATOR_HOST must begin with http:// or https://.'],
    ['http://ann:s3cret@localhost', 'STORAGE_EMULATOR_HOST must have no user name, password, "?" or "#".'],
    ['localhost:9023?key=s3cret', 'STORAGE_EMULATOR_HOST must have no user name, password, "?" or "#".'],
    ['localhost:9023#x', 'STORAGE_EMULATOR_HOST must have no user name, password, "?" or "#".'],
  ])('refuses STORAGE_EMULATOR_HOST=%s', (value, message) => {
    expect(() => storageRoot({ STORAGE_EMULATOR_HOST: value })).toThrow(new TypeError(message));
  });
});
