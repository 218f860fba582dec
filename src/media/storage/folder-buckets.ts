import { constants } from 'node:fs';
import { type FileHandle, open, realpath, stat } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import type { OpenedMedium } from '../opened-medium.ts';
import { tooLarge } from '../too-large.ts';
import { unavailable } from '../unavailable.ts';
import { type BucketObject, describeObject, isBucketName } from './parse-bucket-uri.ts';

export interface FolderBucketsOptions {
  /** Folder by `gs://BUCKET` or `gs://BUCKET/PREFIX`. Of several that fit an object the longest counts. */
  readonly folders: Readonly<Record<string, string>>;
  /** Largest file. @default 20 MiB */
  readonly maxBytes?: number;
}

/** A bucket, or all of it whose names begin alike, that is a folder here. */
interface MappedFolder {
  /** As it was given. */
  readonly key: string;
  readonly bucket: string;
  /** '' or what ends with a slash. */
  readonly prefix: string;
  readonly path: string;
}

const KEY = /^gs:\/\/([^/]+)(?:\/(.*))?$/s;

/** Larger pieces of a file are not read at once. */
const PIECE_BYTES = 64 * 1024;

/** A file that is swapped for a link after it was looked at is not followed; a pipe without a writer does not block. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** The file system's words for a name that no file has. */
const ABSENT: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP']);

/** Buckets whose objects are files of this machine. An object's name is the file's path within the folder. */
export class FolderBuckets {
  /** Longest prefix first. */
  readonly #folders: readonly MappedFolder[];
  readonly #maxBytes: number;

  /** @throws {TypeError} for a key that names no bucket */
  constructor({ folders, maxBytes = 20 * 1024 * 1024 }: FolderBucketsOptions) {
    this.#folders = Object.entries(folders)
      .map(([key, path]) => readEntry(key, path))
      .sort((one, other) => other.prefix.length - one.prefix.length);
    this.#maxBytes = maxBytes;
  }

  /** Whether the object belongs to a folder, be it there or not. */
  has(object: BucketObject): boolean {
    return this.#folderOf(object) !== undefined;
  }

  /**
   * @throws {GatewayError} `invalid_argument` when there is no such file, `unsupported_media` when it is too large; the
   *   signal's reason, from the body, when it aborted
   * @throws {RangeError} for an object that no folder {@link has}
   */
  async open(object: BucketObject, { signal }: { readonly signal: AbortSignal }): Promise<OpenedMedium> {
    const folder = this.#folderOf(object);
    if (folder === undefined) throw new RangeError('no folder has this object');
    signal.throwIfAborted();
    const explain = (error: unknown): unknown => toRefusal(error, object, folder);
    try {
      const path = await findFile(folder, object.object.slice(folder.prefix.length));
      const { size } = await stat(path);
      if (size > this.#maxBytes) throw tooLarge(describeObject(object), this.#maxBytes);
      return { contentType: undefined, length: size, body: readFile({ path, size, signal, explain }) };
    } catch (error) {
      throw explain(error);
    }
  }

  #folderOf({ bucket, object }: BucketObject): MappedFolder | undefined {
    return this.#folders.find((folder) => folder.bucket === bucket && object.startsWith(folder.prefix));
  }
}

function readEntry(key: string, path: string): MappedFolder {
  const [, bucket = '', rest = ''] = KEY.exec(key) ?? [];
  if (!isBucketName(bucket))
    throw new TypeError(`"${key}" must have the form gs://BUCKET or gs://BUCKET/PREFIX.`);
  const prefix = rest === '' || rest.endsWith('/') ? rest : `${rest}/`;
  return { key, bucket, prefix, path: resolve(path) };
}

class NoSuchFile extends Error {}

/**
 * The real path of a regular file within the folder.
 *
 * @throws {NoSuchFile} for names that lead out of the folder too, so that nobody learns what lies there
 */
async function findFile(folder: MappedFolder, name: string): Promise<string> {
  const isPlain = name.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
  if (!isPlain || name.includes('\0')) throw new NoSuchFile();
  const [root, path] = await Promise.all([realpath(folder.path), realpath(join(folder.path, name))]);
  if (!path.startsWith(root.endsWith(sep) ? root : `${root}${sep}`)) throw new NoSuchFile();
  if (!(await stat(path)).isFile()) throw new NoSuchFile();
  return path;
}

interface FileReading {
  readonly path: string;
  /** What is read of it; a file that grows meanwhile is cut off. */
  readonly size: number;
  readonly signal: AbortSignal;
  readonly explain: (error: unknown) => unknown;
}

/** Opens the file only when it is read, so that a medium nobody reads holds nothing. */
async function* readFile({
  path,
  size,
  signal,
  explain,
}: FileReading): AsyncGenerator<Buffer, void, undefined> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, OPEN_FLAGS);
    if (!(await file.stat()).isFile()) throw new NoSuchFile();
    for (let left = size; left > 0;) {
      signal.throwIfAborted();
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(Math.min(left, PIECE_BYTES)));
      if (bytesRead === 0) return;
      left -= bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } catch (error) {
    throw explain(error);
  } finally {
    await file?.close();
  }
}

/** What the client is told. The folder's own path is none of its business. */
function toRefusal(error: unknown, object: BucketObject, { key }: MappedFolder): unknown {
  const isOfSystem = error instanceof Error && 'syscall' in error && 'code' in error;
  const code = isOfSystem ? String(error.code) : '';
  const uri = describeObject(object);
  if (error instanceof NoSuchFile || ABSENT.has(code)) {
    const message = `${uri} is not there: this server has a folder in place of ${key}, and no file of that name in it.`;
    return unavailable(message, { cause: error });
  }
  if (isOfSystem) {
    const message = `${uri} cannot be read from the folder that this server has in place of ${key} (${code}).`;
    return unavailable(message, { cause: error });
  }
  return error;
}
