// Shorter than the API keys in use, so that a key in the wrong field is not shown again.
const MAX_SHOWN_CHARACTERS = 32;

/** What a JSON value is, for an error message: short values as they are, others by kind and size only. */
export function describeValue(value: unknown): string {
  if (value === null) return 'null';
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') return describeString(value);
  if (typeof value === 'number') return `the number ${value}`;
  if (typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return value.length === 0 ? 'an empty array' : 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function describeString(text: string): string {
  if (text === '') return 'an empty string';
  return text.length > MAX_SHOWN_CHARACTERS
    ? `a string of ${text.length} characters`
    : `the string ${JSON.stringify(text)}`;
}
