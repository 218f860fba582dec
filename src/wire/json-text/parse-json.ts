/** The value of JSON text; `undefined` for any other text. No error, which would quote the text, is made of it. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
