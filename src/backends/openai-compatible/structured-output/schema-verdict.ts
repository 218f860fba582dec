/** What a check of an answer against a JSON Schema found. */
export type SchemaVerdict =
  | {
      readonly valid: true;
      /** The JSON text as the model wrote it, a surrounding Markdown fence taken off. */
      readonly json: string;
    }
  | {
      readonly valid: false;
      /**
       * `not-json`: the text is no JSON at all. `mismatch`: it is JSON, and the schema refuses it.
       */
      readonly reason: 'not-json' | 'mismatch';
      /** One to {@link MAX_PROBLEMS} lines, each with a JSON pointer (RFC 6901) and what is wrong there. */
      readonly problems: readonly string[];
    };

export const MAX_PROBLEMS = 5;

/** Longest problem in UTF-16 code units: enum values and property names are of any length. */
const MAX_PROBLEM = 240;

/**
 * One problem as a short line: names and values in it were chosen by a client or a model.
 *
 * @param pointer JSON pointer of the value; empty for the whole answer
 */
export function problemAt(pointer: string, what: string): string {
  const place = pointer === '' ? 'the answer' : cut(pointer, MAX_PROBLEM / 2);
  return cut(`${place}: ${what}`, MAX_PROBLEM)
    .replaceAll(/\p{Cc}+/gu, ' ')
    .toWellFormed();
}

function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}
