/** What a bucket of the storage emulator keeps: objects and their metadata, as Cloud Storage describes them. */
import { createHash } from 'node:crypto';

/** Fields a client may set, of the resource `Object` of the JSON API. */
export interface ObjectFields {
  readonly contentType?: string;
  readonly contentEncoding?: string;
  readonly cacheControl?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface StoredObject extends ObjectFields {
  readonly bucket: string;
  readonly name: string;
  readonly content: Buffer;
  /** Microseconds since the epoch; another one for every write. */
  readonly generation: string;
  /** Base64. */
  readonly md5Hash: string;
  /** CRC32C in base64, as Cloud Storage writes it. */
  readonly crc32c: string;
  readonly created: string;
}

let lastGeneration = 0;

export function storedObject(
  place: Pick<StoredObject, 'bucket' | 'name'>,
  content: Buffer,
  { contentType, contentEncoding, cacheControl, metadata }: ObjectFields,
): StoredObject {
  lastGeneration = Math.max(lastGeneration + 1, Date.now() * 1000);
  return {
    ...place,
    content,
    generation: String(lastGeneration),
    md5Hash: createHash('md5').update(content).digest('base64'),
    crc32c: crc32cOf(content),
    created: new Date().toISOString(),
    ...(contentType === undefined ? {} : { contentType }),
    ...(contentEncoding === undefined ? {} : { contentEncoding }),
    ...(cacheControl === undefined ? {} : { cacheControl }),
    ...(metadata === undefined ? {} : { metadata }),
  };
}

/** The resource that stands for an object in the JSON API; numbers are strings there. */
export function objectResource(stored: StoredObject, origin: string): Record<string, unknown> {
  const { content, created, ...fields } = stored;
  const path = `/b/${encodeURIComponent(stored.bucket)}/o/${encodeURIComponent(stored.name)}`;
  return {
    kind: 'storage#object',
    id: `${stored.bucket}/${stored.name}/${stored.generation}`,
    selfLink: `${origin}/storage/v1${path}`,
    mediaLink: `${origin}/download/storage/v1${path}?generation=${stored.generation}&alt=media`,
    ...fields,
    size: String(content.length),
    metageneration: '1',
    storageClass: 'STANDARD',
    etag: `etag-${stored.generation}`,
    timeCreated: created,
    updated: created,
  };
}

export function bucketResource(name: string, origin: string): Record<string, unknown> {
  return {
    kind: 'storage#bucket',
    id: name,
    name,
    selfLink: `${origin}/storage/v1/b/${encodeURIComponent(name)}`,
    location: 'US',
    storageClass: 'STANDARD',
    metageneration: '1',
    etag: 'CAE=',
  };
}

/** RFC 3720, appendix B.4: the polynomial 0x1EDC6F41, reflected. */
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0x82f6_3b78 : crc >>> 1;
  return crc;
});

function crc32cOf(content: Buffer): string {
  let crc = 0xffff_ffff;
  for (const byte of content) crc = (crc >>> 8) ^ (CRC_TABLE[(crc ^ byte) & 0xff] as number);
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE((crc ^ 0xffff_ffff) >>> 0);
  return bytes.toString('base64');
}
