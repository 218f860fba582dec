import { GatewayError } from '../../errors.ts';
import { showAddress } from '../show-address.ts';

/** An object of Cloud Storage. */
export interface BucketObject {
  readonly bucket: string;
  /** Verbatim: nothing in it is encoded, and `/`, `?` and `#` mean nothing. */
  readonly object: string;
}

const FORM = /^gs:\/\/([^/]*)\/(.+)$/s;
const BUCKET = /^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/;
const IP_ADDRESS = /^\d{1,3}(?:\.\d{1,3}){3}$/;
const MAX_BUCKET_PART = 63;
/** In bytes of UTF-8. */
const MAX_OBJECT_BYTES = 1024;
const RESERVED_PREFIX = '.well-known/acme-challenge/';

/**
 * Reads `gs://BUCKET/OBJECT`, by Cloud Storage's own rules for names.
 *
 * @throws {GatewayError} `invalid_argument`
 */
export function parseBucketUri(uri: string): BucketObject {
  const [, bucket = '', object = ''] = FORM.exec(uri) ?? [];
  const problem =
    object === ''
      ? 'it must have the form gs://BUCKET/OBJECT'
      : (bucketProblem(bucket) ?? nameProblem(object));
  if (problem === undefined) return { bucket, object };
  throw new GatewayError(
    'invalid_argument',
    `${showAddress(uri)} names no object of Cloud Storage: ${problem}.`,
  );
}

/** Whether Cloud Storage can have a bucket of this name. Words that only new buckets may not have are let through. */
export function isBucketName(name: string): boolean {
  const parts = name.split('.');
  return (
    BUCKET.test(name) &&
    !IP_ADDRESS.test(name) &&
    parts.every((part) => part !== '' && part.length <= MAX_BUCKET_PART)
  );
}

/** The object's address as it may stand in a message. */
export function describeObject({ bucket, object }: BucketObject): string {
  return showAddress(`gs://${bucket}/${object}`);
}

function bucketProblem(bucket: string): string | undefined {
  if (isBucketName(bucket)) return undefined;
  return 'a bucket has 3 to 63 lower-case letters, digits, "-" and "_", or several such parts with dots between them';
}

function nameProblem(object: string): string | undefined {
  if (!object.isWellFormed()) return "the object's name is no valid Unicode";
  if (Buffer.byteLength(object) > MAX_OBJECT_BYTES)
    return `the object's name is longer than ${MAX_OBJECT_BYTES} bytes`;
  if (/[\r\n]/.test(object)) return "the object's name has a line break";
  if (object === '.' || object === '..' || object.startsWith(RESERVED_PREFIX))
    return 'no object may have this name';
  return undefined;
}
