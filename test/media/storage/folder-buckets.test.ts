import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedMedium } from '../../../src/media/opened-medium.ts';
import { FolderBuckets } from '../../../src/media/storage/folder-buckets.ts';
import { parseBucketUri } from '../../../src/media/storage/parse-bucket-uri.ts';
import { readBody } from './read-body.ts';

const never = new AbortController().signal;
const BIG = 200_000;

let home: string;
let buckets: FolderBuckets;
let socket: Server;

function put(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(join(home, path)), { recursive: true });
  writeFileSync(join(home, path), content);
}

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'parlance-buckets-'));
  put('secret.txt', 'secret');
  put('samples/image/a b?#ü.png', 'picture');
  put('samples/image/.hidden', 'hidden');
  put('samples/back\\slash', 'slash');
  put('samples/empty', '');
  put('samples/big', Buffer.alloc(BIG, 'b'));
  put('samples-2/other', 'other');
  put('deep/x', 'of the prefix');
  put('deeper/x', 'of the longer prefix');
  symlinkSync('../secret.txt', join(home, 'samples/out.txt'));
  symlinkSync('..', join(home, 'samples/up'));
  symlinkSync('../samples-2', join(home, 'samples/sibling'));
  symlinkSync('image/.hidden', join(home, 'samples/inside'));
  symlinkSync('loop', join(home, 'samples/loop'));
  symlinkSync('samples', join(home, 'link'));
  socket = createServer().listen(join(home, 'samples/socket'));
  await once(socket, 'listening');
  buckets = new FolderBuckets({
    folders: {
      'gs://samples': join(home, 'samples'),
      'gs://linked/': join(home, 'link'),
      'gs://deep/some/prefix': join(home, 'deep'),
      'gs://deep/some/prefix/of/all/': join(home, 'deeper'),
      'gs://gone': join(home, 'gone'),
    },
    maxBytes: BIG,
  });
});

afterAll(() => {
  socket.close();
  rmSync(home, { recursive: true });
});

async function open(uri: string, signal = never): Promise<OpenedMedium> {
  return buckets.open(parseBucketUri(uri), { signal });
}

async function read(uri: string): Promise<string> {
  return String(await readBody((await open(uri)).body));
}

describe('has', () => {
  it.each([
    ['gs://samples/anything', true],
    ['gs://samples/', true],
    ['gs://sample/anything', false],
    ['gs://samples.x/anything', false],
    ['gs://deep/some/prefix/x', true],
    ['gs://deep/some/prefix', false],
    ['gs://deep/some/prefixed/x', false],
    ['gs://deep/x', false],
  ])('%s: %s', (uri, has) => {
    const [, bucket = '', object = ''] = /^gs:\/\/([^/]+)\/(.*)$/.exec(uri) ?? [];
    expect(buckets.has({ bucket, object })).toBe(has);
  });
});

describe('open', () => {
  it.each([
    ['gs://samples/image/a b?#ü.png', 'picture'],
    ['gs://samples/image/.hidden', 'hidden'],
    ['gs://samples/back\\slash', 'slash'],
    ['gs://samples/empty', ''],
    ['gs://samples/inside', 'hidden'],
    ['gs://samples/up/samples/inside', 'hidden'],
    ['gs://linked/image/.hidden', 'hidden'],
    ['gs://deep/some/prefix/x', 'of the prefix'],
    ['gs://deep/some/prefix/of/all/x', 'of the longer prefix'],
  ])('reads %s', async (uri, content) => {
    expect(await open(uri)).toMatchObject({ contentType: undefined, length: Buffer.byteLength(content) });
    expect(await read(uri)).toBe(content);
  });

  it('reads a file piece by piece', async () => {
    const pieces: number[] = [];
    for await (const piece of (await open('gs://samples/big')).body) pieces.push(piece.length);
    expect(pieces).toEqual([65_536, 65_536, 65_536, BIG - 3 * 65_536]);
  });

  it.each([
    ['gs://samples/absent', 'gs://samples'],
    ['gs://samples/image', 'gs://samples'],
    ['gs://samples/image/', 'gs://samples'],
    ['gs://samples/empty/', 'gs://samples'],
    ['gs://samples/empty/x', 'gs://samples'],
    ['gs://samples/../secret.txt', 'gs://samples'],
    ['gs://samples/image/../../secret.txt', 'gs://samples'],
    ['gs://samples/image/../empty', 'gs://samples'],
    ['gs://samples/./empty', 'gs://samples'],
    ['gs://samples//empty', 'gs://samples'],
    ['gs://samples//etc/passwd', 'gs://samples'],
    ['gs://samples/image//.hidden', 'gs://samples'],
    ['gs://samples/empty\u0000.png', 'gs://samples'],
    ['gs://samples/out.txt', 'gs://samples'],
    ['gs://samples/up/secret.txt', 'gs://samples'],
    ['gs://samples/sibling/other', 'gs://samples'],
    ['gs://samples/loop', 'gs://samples'],
    ['gs://samples/socket', 'gs://samples'],
    [`gs://samples/${'n'.repeat(300)}`, 'gs://samples'],
    [`gs://samples/${'n/'.repeat(511)}n`, 'gs://samples'],
    ['gs://deep/some/prefix/of/all/deep/x', 'gs://deep/some/prefix/of/all/'],
    ['gs://gone/x', 'gs://gone'],
  ])('finds nothing at %j', async (uri, key) => {
    const error = await open(uri).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'invalid_argument',
      param: null,
      message: expect.stringMatching(
        new RegExp(
          ` is not there: this server has a folder in place of ${key}, and no file of that name in it\\.$`,
        ),
      ),
    });
    expect((error as Error).message).not.toContain(home);
  });

  it.skipIf(process.getuid?.() === 0)('says that a file may not be read', async () => {
    put('samples/locked', 'x');
    chmodSync(join(home, 'samples/locked'), 0);
    await expect(read('gs://samples/locked')).rejects.toThrow(
      'gs://samples/locked cannot be read from the folder that this server has in place of gs://samples (EACCES).',
    );
  });

  it('refuses a file that is too large', async () => {
    put('samples/bigger', Buffer.alloc(BIG + 1));
    await expect(open('gs://samples/bigger')).rejects.toMatchObject({
      code: 'unsupported_media',
      message: 'gs://samples/bigger is larger than the 200000 bytes that this server fetches.',
    });
  });

  it.each([
    ['grows', () => appendFileSync(join(home, 'samples/changing'), 'more'), 'first'],
    ['shrinks', () => writeFileSync(join(home, 'samples/changing'), 'fi'), 'fi'],
  ])('reads no more than the length it told when the file %s', async (_, change, content) => {
    put('samples/changing', 'first');
    const { body } = await open('gs://samples/changing');
    change();
    expect(String(await readBody(body))).toBe(content);
  });

  it.each([
    ['is deleted', () => {}, 'is not there'],
    ['becomes a link', () => symlinkSync('../secret.txt', join(home, 'samples/changing')), 'is not there'],
    ['becomes a folder', () => mkdirSync(join(home, 'samples/changing')), 'is not there'],
  ])('fails when the file %s before it is read', async (_, change, message) => {
    put('samples/changing', 'first');
    const { body } = await open('gs://samples/changing');
    rmSync(join(home, 'samples/changing'));
    change();
    await expect(readBody(body)).rejects.toThrow(message);
    rmSync(join(home, 'samples/changing'), { recursive: true, force: true });
  });

  it('ends when the reader leaves', async () => {
    const client = new AbortController();
    const reason = new Error('the client left');
    const { body } = await open('gs://samples/big', client.signal);
    const pieces = body[Symbol.asyncIterator]();
    await pieces.next();
    client.abort(reason);
    await expect(pieces.next()).rejects.toBe(reason);
    await expect(open('gs://samples/big', client.signal)).rejects.toBe(reason);
  });

  it('is not for objects of other buckets', async () => {
    await expect(open('gs://other-bucket/x')).rejects.toThrow(RangeError);
  });

  it('never shows what lies outside, whatever the name', async () => {
    const parts = fc.constantFrom(
      '..',
      '.',
      '',
      'image',
      'up',
      'out.txt',
      'secret.txt',
      'samples',
      'sibling',
      '\\',
      '~',
    );
    await fc.assert(
      fc.asyncProperty(fc.array(parts, { minLength: 1, maxLength: 6 }), async (names) => {
        const object = { bucket: 'samples', object: names.join('/') };
        const content = await buckets
          .open(object, { signal: never })
          .then(async ({ body }) => String(await readBody(body)))
          .catch((error: Error) => error.message);
        expect(content).not.toBe('secret');
        expect(content).not.toContain(home);
      }),
    );
  });
});

describe('a map', () => {
  it.each(['samples', 'gs://', 'gs:///x', 'gs://UPPER', 'https://bucket', 'gs://127.0.0.1/x'])(
    'refuses the key %j',
    (key) => {
      expect(() => new FolderBuckets({ folders: { [key]: home } })).toThrow(
        new TypeError(`"${key}" must have the form gs://BUCKET or gs://BUCKET/PREFIX.`),
      );
    },
  );
});
