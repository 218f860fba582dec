import { GatewayError } from '../../errors.ts';
import { type BucketObject, describeObject } from './parse-bucket-uri.ts';

export function objectTooLarge(object: BucketObject, maxBytes: number): GatewayError {
  return new GatewayError(
    'unsupported_media',
    `${describeObject(object)} is larger than the ${maxBytes} bytes this server takes.`,
  );
}
