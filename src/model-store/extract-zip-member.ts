import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32, createInflateRaw } from 'node:zlib';
import { codeOf } from '../code-of.ts';
import { TransferFault } from './transfer-fault.ts';

export interface ZipExtraction {
  readonly archive: string;
  /** Exact path of the one file to take out; nothing else in the archive is touched. */
  readonly member: string;
  /** File to write. The member's own path never becomes a path on this machine. */
  readonly output: string;
  readonly signal: AbortSignal;
  readonly onBytes: (extractedBytes: number, totalBytes: number) => void;
}

/** The facts of the archive's central directory about one file. */
interface ZipEntry {
  readonly method: number;
  readonly crc: number;
  readonly compressedBytes: number;
  readonly bytes: number;
  readonly localHeaderOffset: number;
}

// Layouts and signatures: APPNOTE.TXT 6.3.10, sections 4.3.7 (local header), 4.3.12 (central directory), 4.3.16 (end record).
const END_SIGNATURE = 0x06054b50;
const CENTRAL_SIGNATURE = 0x02014b50;
const LOCAL_SIGNATURE = 0x04034b50;
const END_BYTES = 22;
const CENTRAL_BYTES = 46;
const LOCAL_BYTES = 30;
const MAX_COMMENT_BYTES = 0xffff;
/** A wheel lists a few files to a few thousands; a larger directory is an attack on memory. */
const MAX_DIRECTORY_BYTES = 16 * 1024 * 1024;
const READ_BYTES = 256 * 1024;
const ZIP64_16 = 0xffff;
const ZIP64_32 = 0xffffffff;
const ENCRYPTED_FLAG = 1;
const STORED = 0;
const DEFLATED = 8;

/**
 * Takes one file out of a zip archive, streaming; checks size and CRC-32 of what comes out.
 *
 * @throws {TransferFault} when the archive is damaged, encrypted, Zip64, compressed in a way other than
 *   deflate, or has not exactly one such member; the file system's errors pass through
 */
export async function extractZipMember(extraction: ZipExtraction): Promise<void> {
  const archive = await open(extraction.archive, 'r');
  try {
    const { size } = await archive.stat();
    const entry = findEntry(await readCentralDirectory(archive, size), extraction.member);
    const start = await dataOffset(archive, entry);
    if (start + entry.compressedBytes > size) throw damaged('the member reaches beyond the end');
    await writeMember(archive, start, entry, extraction);
  } finally {
    await archive.close();
  }
}

async function readCentralDirectory(archive: FileHandle, size: number): Promise<Buffer> {
  const tail = await readAt(archive, Math.max(0, size - END_BYTES - MAX_COMMENT_BYTES), size);
  for (let at = tail.length - END_BYTES; at >= 0; at -= 1) {
    // A comment may contain the signature; the true end record's comment ends where the file ends.
    const isEnd =
      tail.readUInt32LE(at) === END_SIGNATURE && at + END_BYTES + tail.readUInt16LE(at + 20) === tail.length;
    if (!isEnd) continue;
    const entries = tail.readUInt16LE(at + 10);
    const directoryBytes = tail.readUInt32LE(at + 12);
    const offset = tail.readUInt32LE(at + 16);
    if (entries === ZIP64_16 || directoryBytes === ZIP64_32 || offset === ZIP64_32) {
      throw new TransferFault('the archive is in the Zip64 format, which is not supported');
    }
    if (directoryBytes > MAX_DIRECTORY_BYTES) throw damaged('its list of files is too large');
    if (offset + directoryBytes > size) throw damaged('its list of files reaches beyond the end');
    return readAt(archive, offset, offset + directoryBytes);
  }
  throw damaged('it has no end record');
}

function findEntry(directory: Buffer, member: string): ZipEntry {
  const wanted = Buffer.from(member, 'utf8');
  const found: ZipEntry[] = [];
  for (let at = 0; at < directory.length;) {
    if (at + CENTRAL_BYTES > directory.length || directory.readUInt32LE(at) !== CENTRAL_SIGNATURE) {
      throw damaged('its list of files is broken');
    }
    const nameEnd = at + CENTRAL_BYTES + directory.readUInt16LE(at + 28);
    if (directory.subarray(at + CENTRAL_BYTES, nameEnd).equals(wanted)) found.push(readEntry(directory, at));
    at = nameEnd + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  }
  const [entry, ...others] = found;
  if (entry === undefined) throw new TransferFault(`the archive has no file ${member}`);
  if (others.length > 0) throw damaged(`it has ${found.length} files named ${member}`);
  return entry;
}

function readEntry(directory: Buffer, at: number): ZipEntry {
  const entry: ZipEntry = {
    method: directory.readUInt16LE(at + 10),
    crc: directory.readUInt32LE(at + 16),
    compressedBytes: directory.readUInt32LE(at + 20),
    bytes: directory.readUInt32LE(at + 24),
    localHeaderOffset: directory.readUInt32LE(at + 42),
  };
  if ((directory.readUInt16LE(at + 8) & ENCRYPTED_FLAG) !== 0)
    throw new TransferFault('the archive is encrypted');
  if (entry.method !== STORED && entry.method !== DEFLATED) {
    throw new TransferFault(
      `the archive uses compression method ${entry.method}; only stored and deflate are supported`,
    );
  }
  if ([entry.compressedBytes, entry.bytes, entry.localHeaderOffset].includes(ZIP64_32)) {
    throw new TransferFault('the archive is in the Zip64 format, which is not supported');
  }
  if (entry.method === STORED && entry.compressedBytes !== entry.bytes)
    throw damaged('a stored file has two sizes');
  return entry;
}

async function dataOffset(archive: FileHandle, { localHeaderOffset }: ZipEntry): Promise<number> {
  const header = await readAt(archive, localHeaderOffset, localHeaderOffset + LOCAL_BYTES);
  if (header.readUInt32LE(0) !== LOCAL_SIGNATURE) throw damaged("the member's header is missing");
  return localHeaderOffset + LOCAL_BYTES + header.readUInt16LE(26) + header.readUInt16LE(28);
}

async function writeMember(
  archive: FileHandle,
  start: number,
  entry: ZipEntry,
  extraction: ZipExtraction,
): Promise<void> {
  let extracted = 0;
  let crc = 0;
  const output = await open(extraction.output, 'w');
  const write = async (chunks: AsyncIterable<Buffer>): Promise<void> => {
    for await (const chunk of chunks) {
      extracted += chunk.length;
      // Stops a zip bomb: never more than the directory announced reaches the disk.
      if (extracted > entry.bytes) throw damaged('the member is longer than announced');
      crc = crc32(chunk, crc);
      await output.appendFile(chunk);
      extraction.onBytes(extracted, entry.bytes);
    }
  };
  try {
    const source = readRange(archive, start, start + entry.compressedBytes);
    const decode = entry.method === DEFLATED ? createInflateRaw() : new PassThrough();
    await pipeline(source, decode, write, { signal: extraction.signal });
    if (extracted !== entry.bytes)
      throw damaged(`the member has ${extracted} bytes, announced were ${entry.bytes}`);
    if (crc !== entry.crc) throw damaged("the member's CRC-32 is wrong");
    await output.sync();
  } catch (error) {
    throw codeOf(error).startsWith('Z_') ? damaged('its compressed data cannot be read', error) : error;
  } finally {
    await output.close();
  }
}

async function* readRange(archive: FileHandle, start: number, end: number): AsyncGenerator<Buffer> {
  for (let at = start; at < end; at += READ_BYTES) yield readAt(archive, at, Math.min(end, at + READ_BYTES));
}

async function readAt(archive: FileHandle, start: number, end: number): Promise<Buffer> {
  const buffer = Buffer.alloc(end - start);
  const { bytesRead } = await archive.read(buffer, 0, buffer.length, start);
  if (bytesRead < buffer.length) throw damaged('it ends too early');
  return buffer;
}

/** Transient nowhere: a second extraction of the same bytes fails alike. */
function damaged(what: string, cause?: unknown): TransferFault {
  return new TransferFault(`the archive is damaged: ${what}`, cause === undefined ? {} : { cause });
}
