import { open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import type { Dispatcher } from 'undici';
import type { Transport } from './http-get.ts';
import { headerText, httpGet, statusFault } from './http-get.ts';
import { shownModelName } from './resolve-model.ts';
import { retryTransient } from './retry-transient.ts';
import { TransferFault } from './transfer-fault.ts';

export interface DownloadRequest {
  readonly url: string;
  /** Where the bytes go. A note about them is kept beside it, in `<path>.json`. */
  readonly path: string;
  /** When known, an answer of another size is refused before its body is read. */
  readonly expectedBytes?: number;
  readonly signal: AbortSignal;
  readonly onBytes: (receivedBytes: number, totalBytes: number | undefined) => void;
}

/** What must be known to go on with a file that is there in part. */
interface PartialNote {
  /** Without credentials and query: a URL that is signed anew is the same. */
  readonly url: string;
  /** The `ETag` or `Last-Modified` these bytes came with: RFC 9110 section 13.1.5 wants it in `If-Range`. */
  readonly validator: string;
  readonly totalBytes?: number;
}

/**
 * Downloads a URL to a file, and goes on where an earlier run of it stopped.
 *
 * A server that ignores `Range`, or whose file has changed since, sends everything again, and the file starts anew.
 * On failure the file stays for the next run. On success it is complete and on the disk.
 *
 * @throws {TransferFault} and undici's or the file system's errors, after the retries
 */
export async function downloadFile(download: DownloadRequest, transport: Transport): Promise<void> {
  await retryTransient(
    (progressed) => downloadOnce(download, transport, progressed),
    transport,
    download.signal,
  );
}

/** Removes a partial download and its note. */
export async function discardDownload(path: string): Promise<void> {
  await Promise.all([rm(path, { force: true }), rm(notePath(path), { force: true })]);
}

async function downloadOnce(
  download: DownloadRequest,
  transport: Transport,
  progressed: () => void,
): Promise<void> {
  const { url, path, signal } = download;
  const note = await readNote(download);
  const existingBytes = note === undefined ? 0 : await sizeOf(path);
  if (existingBytes > 0 && existingBytes === note?.totalBytes) return;

  const resume = note !== undefined && existingBytes > 0;
  const headers = resume ? { range: `bytes=${existingBytes}-`, 'if-range': note.validator } : {};
  const response = await httpGet(url, headers, transport, signal);
  if (response.statusCode === 416) {
    await discardDownload(path);
    throw new TransferFault('the server has a shorter file than the one begun here', { transient: true });
  }
  if (response.statusCode !== 200 && response.statusCode !== 206) throw await statusFault(response);
  const { start, totalBytes } = await extentOf(response, existingBytes);
  if (
    download.expectedBytes !== undefined &&
    totalBytes !== undefined &&
    totalBytes !== download.expectedBytes
  ) {
    response.body.on('error', () => {}).destroy();
    throw new TransferFault(`the server offers ${totalBytes} bytes, expected are ${download.expectedBytes}`);
  }
  await writeNote(download, response, totalBytes);
  await writeBody(download, response, { start, totalBytes, progressed });
}

interface Extent {
  /** Offset of the body's first byte in the file. */
  readonly start: number;
  readonly totalBytes: number | undefined;
}

async function extentOf(response: Dispatcher.ResponseData, existingBytes: number): Promise<Extent> {
  if (response.statusCode === 200) {
    const length = headerText(response.headers['content-length']);
    return { start: 0, totalBytes: length === undefined ? undefined : Number(length) };
  }
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headerText(response.headers['content-range']) ?? '');
  if (range === null || Number(range[1]) !== existingBytes) {
    await response.body.dump();
    throw new TransferFault('the server answered with another range than the one asked for');
  }
  return { start: existingBytes, totalBytes: range[2] === '*' ? undefined : Number(range[2]) };
}

async function writeBody(
  download: DownloadRequest,
  response: Dispatcher.ResponseData,
  { start, totalBytes, progressed }: Extent & { progressed: () => void },
): Promise<void> {
  const file = await open(download.path, start === 0 ? 'w' : 'a');
  try {
    let received = start;
    download.onBytes(received, totalBytes);
    for await (const chunk of response.body as AsyncIterable<Buffer>) {
      await file.appendFile(chunk);
      received += chunk.length;
      progressed();
      download.onBytes(received, totalBytes);
    }
    if (totalBytes !== undefined && received < totalBytes) {
      throw new TransferFault(`the connection was closed after ${received} of ${totalBytes} bytes`, {
        transient: true,
      });
    }
    await file.sync();
  } finally {
    await file.close();
  }
}

async function readNote({ url, path }: DownloadRequest): Promise<PartialNote | undefined> {
  const text = await readFile(notePath(path), 'utf8').catch(() => '');
  try {
    const note = JSON.parse(text) as Partial<PartialNote> | null;
    const usable = note?.url === shownModelName(url) && typeof note.validator === 'string';
    return usable ? (note as PartialNote) : undefined;
  } catch {
    return undefined;
  }
}

async function writeNote(
  { url, path }: DownloadRequest,
  response: Dispatcher.ResponseData,
  totalBytes: number | undefined,
): Promise<void> {
  const etag = headerText(response.headers['etag']);
  // A weak tag promises the same meaning, not the same bytes, and may not stand in If-Range.
  const strongTag = etag?.startsWith('W/') === true ? undefined : etag;
  const validator = strongTag ?? headerText(response.headers['last-modified']);
  if (validator === undefined) return rm(notePath(path), { force: true });
  const note: PartialNote = {
    url: shownModelName(url),
    validator,
    ...(totalBytes !== undefined && { totalBytes }),
  };
  return writeFile(notePath(path), JSON.stringify(note));
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}

function notePath(path: string): string {
  return `${path}.json`;
}
