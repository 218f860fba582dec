import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { ModelFile } from './catalogue.ts';
import { TransferFault } from './transfer-fault.ts';

const GGUF_MAGIC = Buffer.from('GGUF');

export interface ModelFileCheck {
  readonly path: string;
  readonly signal: AbortSignal;
  readonly onBytes: (checkedBytes: number, totalBytes: number) => void;
}

/**
 * Reads a model file from end to end and compares it with what is known of it.
 *
 * @returns its SHA-256, lower-case hex
 * @throws {TransferFault} when it is no GGUF file, or has another size or checksum
 */
export async function checkModelFile(expected: ModelFile, check: ModelFileCheck): Promise<string> {
  const { size } = await stat(check.path);
  if (expected.bytes !== undefined && size !== expected.bytes) {
    throw new TransferFault(`the file has ${size} bytes, expected are ${expected.bytes}; it was deleted`);
  }
  const hash = createHash('sha256');
  let head = Buffer.alloc(0);
  let checked = 0;
  for await (const chunk of createReadStream(check.path, {
    highWaterMark: 1024 * 1024,
    signal: check.signal,
  })) {
    const bytes = chunk as Buffer;
    if (head.length < GGUF_MAGIC.length) head = Buffer.concat([head, bytes.subarray(0, GGUF_MAGIC.length)]);
    hash.update(bytes);
    checked += bytes.length;
    check.onBytes(checked, size);
  }
  if (!head.subarray(0, GGUF_MAGIC.length).equals(GGUF_MAGIC)) {
    throw new TransferFault('what arrived is not a GGUF model; it was deleted');
  }
  const sha256 = hash.digest('hex');
  if (expected.sha256 !== undefined && sha256 !== expected.sha256) {
    throw new TransferFault(`the SHA-256 is ${sha256}, expected is ${expected.sha256}; the file was deleted`);
  }
  return sha256;
}
