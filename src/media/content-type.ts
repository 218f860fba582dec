/** What servers say of bytes they know nothing about. */
const SAYS_NOTHING: ReadonlySet<string> = new Set(['application/octet-stream', 'binary/octet-stream']);

/** The type in a `content-type` header, in lower case and without parameters; `undefined` where it says nothing. */
export function contentTypeOf(header: string | undefined): string | undefined {
  const type = (header ?? '').split(';', 1)[0]!.trim().toLowerCase();
  return type === '' || SAYS_NOTHING.has(type) ? undefined : type;
}
