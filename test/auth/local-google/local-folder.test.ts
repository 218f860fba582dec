import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LocalFolder } from '../../../src/auth/local-google/local-folder.ts';
import { failureOf } from './local-fixture.ts';

const hasModes = process.platform !== 'win32';

let root: string;
let folder: LocalFolder;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'parlance-local-folder-'));
  folder = new LocalFolder(join(root, 'home', 'of'));
});

afterEach(() => rmSync(root, { recursive: true }));

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

describe('the local folder', () => {
  it('is empty before anything is written, and is not made by reading', async () => {
    expect(await folder.read('a.json')).toBeUndefined();
    expect(await folder.list()).toEqual([]);
    await folder.remove('a.json');
    expect(readdirSync(root)).toEqual([]);
  });

  it('keeps what is created, and nothing else', async () => {
    expect(await folder.create('a.json', 'first')).toBe(true);
    expect(await folder.create('a.json', 'second')).toBe(false);
    expect(await folder.read('a.json')).toBe('first');
    expect(await folder.list()).toEqual(['a.json']);
    await folder.remove('a.json');
    expect(await folder.read('a.json')).toBeUndefined();
  });

  it.runIf(hasModes)('is for its owner only', async () => {
    await folder.create('a.json', 'x');
    expect(modeOf(folder.path)).toBe('700');
    expect(modeOf(join(folder.path, 'a.json'))).toBe('600');
  });

  it('gives everybody who creates a file at once the same one', async () => {
    const texts = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        new LocalFolder(join(root, 'home', 'of')).readOrCreate('a.json', async () => `made by ${index}`),
      ),
    );
    expect(new Set(texts).size).toBe(1);
    expect(await folder.list()).toEqual(['a.json']);
  });

  it('makes nothing that is there', async () => {
    await folder.create('a.json', 'x');
    const text = await folder.readOrCreate('a.json', () => Promise.reject(new Error('it was made')));
    expect(text).toBe('x');
  });
});

describe.runIf(hasModes)('a folder others can get at', () => {
  it.each(['750', '701', '770', '755', '777'])(
    'is refused with mode %s, and says what to do',
    async (mode) => {
      await folder.create('a.json', 'secret');
      chmodSync(folder.path, mode);
      const uses = [() => folder.read('a.json'), () => folder.create('b.json', 'x'), () => folder.list()];
      for (const use of uses) {
        const error = await failureOf(use());
        expect(error).toMatchObject({ code: 'internal_error', shouldRetry: false });
        expect(error.message).toContain(`(mode ${mode})`);
        expect(error.message).toContain(`chmod 700 '${folder.path}'`);
      }
      chmodSync(folder.path, '700');
      expect(await folder.read('a.json')).toBe('secret');
      expect(await folder.list()).toEqual(['a.json']);
    },
  );

  it.each(['640', '604', '620', '602', '666'])('and so is a file with mode %s', async (mode) => {
    const path = join(folder.path, 'a.json');
    await folder.create('a.json', 'secret');
    chmodSync(path, mode);
    const error = await failureOf(folder.read('a.json'));
    expect(error.message).toContain(`chmod 600 '${path}'`);
    expect(error.message).not.toContain('secret');
  });

  it('made beforehand is refused before anything is written', async () => {
    mkdirSync(folder.path, { recursive: true });
    chmodSync(folder.path, 0o755);
    await failureOf(folder.create('a.json', 'x'));
    expect(readdirSync(folder.path)).toEqual([]);
  });
});

describe('a folder that cannot be used', () => {
  it('is named, with the cause', async () => {
    mkdirSync(join(root, 'home'));
    writeFileSync(join(root, 'home', 'of'), 'a file in its place');
    const error = await failureOf(folder.create('a.json', 'x'));
    expect(error.message).toContain(`${join(folder.path, 'a.json')} cannot be used (`);
    expect(error.message).toMatch(/\((?:EEXIST|ENOTDIR)\)/);
  });
});
