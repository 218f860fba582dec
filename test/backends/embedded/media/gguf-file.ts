/** As much of the GGUF file format as tests need: tensors out of a model file, and files of our own. */
import { Buffer } from 'node:buffer';
import { type FileHandle, open } from 'node:fs/promises';

/** Metadata of a file we write; whole numbers are written as 32 bits, others as 32-bit floats. */
export type GgufMetadata = Readonly<Record<string, string | boolean | number | Float | readonly number[]>>;

/** A number that is to be a float even where it is whole. */
export class Float {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

export interface GgufTensor {
  readonly name: string;
  /** Sizes, the one that runs fastest first. */
  readonly shape: readonly number[];
  readonly values: Float32Array;
  /** In half precision, which convolutions ask for. @default false */
  readonly isHalf?: boolean;
}

const MAGIC = 'GGUF';
const VERSION = 3;
const ALIGNMENT = 32;
/** Numbers of the value types, and their sizes where those are fixed. */
const TYPE = { uint32: 4, float32: 6, bool: 7, string: 8, array: 9 } as const;
const TYPE_SIZES = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8];
const TENSOR_F32 = 0;
const TENSOR_F16 = 1;
const TENSOR_Q8_0 = 8;
/** A block of Q8_0: a half-precision scale and 32 signed bytes. */
const Q8_BLOCK_VALUES = 32;
const Q8_BLOCK_BYTES = 34;
/** More than the metadata of a small model's vocabulary takes. */
const HEADER_BYTES = 8 * 1024 * 1024;

/** A GGUF file with float tensors. */
export function writeGguf(metadata: GgufMetadata, tensors: readonly GgufTensor[]): Buffer {
  const entries = Object.entries(metadata);
  const header = [Buffer.from(MAGIC), uint32(VERSION), uint64(tensors.length), uint64(entries.length)];
  for (const [key, value] of entries) header.push(text(key), ...metadataValue(value));
  const contents = tensors.map(tensorBytes);
  let offset = 0;
  for (const [at, { name, shape, isHalf }] of tensors.entries()) {
    header.push(text(name), uint32(shape.length), ...shape.map(uint64));
    header.push(uint32(isHalf === true ? TENSOR_F16 : TENSOR_F32), uint64(offset));
    offset += contents[at]?.length ?? 0;
  }
  return Buffer.concat([padded(Buffer.concat(header)), ...contents]);
}

function tensorBytes({ values, isHalf }: GgufTensor): Buffer {
  if (isHalf !== true) return padded(Buffer.from(values.buffer, values.byteOffset, values.byteLength));
  const bytes = new DataView(new ArrayBuffer(values.length * 2));
  for (const [at, value] of values.entries()) bytes.setFloat16(at * 2, value, true);
  return padded(Buffer.from(bytes.buffer));
}

/**
 * Rows of a matrix in a model file.
 *
 * @throws {Error} when the file has no such tensor, or not in Q8_0
 */
export async function readQ8Rows(
  path: string,
  tensorName: string,
  rows: readonly number[],
): Promise<Float32Array[]> {
  await using file = await open(path);
  const { start, width } = await findTensor(file, tensorName);
  const rowBytes = (width / Q8_BLOCK_VALUES) * Q8_BLOCK_BYTES;
  return await Promise.all(
    rows.map(async (row) => {
      const bytes = Buffer.alloc(rowBytes);
      await file.read(bytes, 0, rowBytes, start + row * rowBytes);
      const scales = new DataView(bytes.buffer, bytes.byteOffset);
      return Float32Array.from({ length: width }, (_, at) => {
        const block = Math.floor(at / Q8_BLOCK_VALUES) * Q8_BLOCK_BYTES;
        return scales.getFloat16(block, true) * scales.getInt8(block + 2 + (at % Q8_BLOCK_VALUES));
      });
    }),
  );
}

async function findTensor(file: FileHandle, wanted: string): Promise<{ start: number; width: number }> {
  const header = Buffer.alloc(HEADER_BYTES);
  await file.read(header, 0, HEADER_BYTES, 0);
  const reader = new HeaderReader(header);
  reader.skip(MAGIC.length + 4);
  const tensorCount = reader.uint64();
  const entryCount = reader.uint64();
  for (let entry = 0; entry < entryCount; entry++) {
    reader.text();
    reader.skipValue(reader.uint32());
  }
  let found: { width: number; offset: number } | undefined;
  for (let tensor = 0; tensor < tensorCount; tensor++) {
    const name = reader.text();
    const shape = Array.from({ length: reader.uint32() }, () => reader.uint64());
    const type = reader.uint32();
    const offset = reader.uint64();
    if (name === wanted && type === TENSOR_Q8_0) found = { width: shape[0] ?? 0, offset };
  }
  if (found === undefined) throw new Error(`no tensor ${wanted} in Q8_0`);
  return { start: aligned(reader.at) + found.offset, width: found.width };
}

class HeaderReader {
  at = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  skip(count: number): void {
    this.at += count;
  }

  uint32(): number {
    this.at += 4;
    return this.#bytes.readUInt32LE(this.at - 4);
  }

  uint64(): number {
    this.at += 8;
    return Number(this.#bytes.readBigUInt64LE(this.at - 8));
  }

  text(): string {
    const length = this.uint64();
    this.at += length;
    return this.#bytes.toString('utf8', this.at - length, this.at);
  }

  skipValue(type: number): void {
    if (type === TYPE.string) {
      this.skip(this.uint64());
      return;
    }
    if (type !== TYPE.array) {
      this.skip(TYPE_SIZES[type] ?? 0);
      return;
    }
    const itemType = this.uint32();
    const count = this.uint64();
    for (let item = 0; item < count; item++) this.skipValue(itemType);
  }
}

function metadataValue(value: GgufMetadata[string]): Buffer[] {
  if (typeof value === 'string') return [uint32(TYPE.string), text(value)];
  if (typeof value === 'boolean') return [uint32(TYPE.bool), Buffer.from([value ? 1 : 0])];
  if (value instanceof Float) return [uint32(TYPE.float32), float32(value.value)];
  if (typeof value === 'number') return [uint32(TYPE.uint32), uint32(value)];
  return [uint32(TYPE.array), uint32(TYPE.float32), uint64(value.length), ...value.map(float32)];
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([uint64(bytes.length), bytes]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function float32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
}

function aligned(length: number): number {
  return Math.ceil(length / ALIGNMENT) * ALIGNMENT;
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(aligned(bytes.length) - bytes.length)]);
}
