/** What servers say when they do not know. */
const MEANINGLESS: ReadonlySet<string> = new Set([
  'application/octet-stream',
  'application/unknown',
  'application/x-unknown',
  'binary/octet-stream',
]);

/** A media type without parameters, in lower case. RFC 6838, section 4.2. */
const MEDIA_TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,126}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}$/;

/**
 * The media type a server states for what it sends, as {@link OpenedMedium.contentType} has it.
 *
 * @param contentType the header as it came
 */
export function statedType(contentType: string | undefined): string | undefined {
  const [essence = ''] = (contentType ?? '').split(';', 1);
  const type = essence.trim().toLowerCase();
  return MEDIA_TYPE.test(type) && !MEANINGLESS.has(type) ? type : undefined;
}
