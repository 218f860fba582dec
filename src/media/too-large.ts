import { GatewayError } from '../errors.ts';

/** @param subject the medium, as it stands at the beginning of a sentence */
export function tooLarge(subject: string, maxBytes: number): GatewayError {
  return new GatewayError(
    'unsupported_media',
    `${subject} is larger than the ${maxBytes} bytes that this server fetches.`,
  );
}
