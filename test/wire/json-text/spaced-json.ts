import fc from 'fast-check';

/** White space as it may stand anywhere between the tokens of JSON. */
const gap = fc.oneof(
  { weight: 3, arbitrary: fc.constant('') },
  fc.string({ unit: fc.constantFrom(' ', '\n', '\r', '\t'), maxLength: 3 }),
);

/** A string as JSON text, some of the characters of a longer one written as escapes although they need none. */
function spellString(text: string, escapes: readonly boolean[]): string {
  let spelled = '';
  for (let at = 0; at < text.length; at++) {
    const escaped = text.length > 1 && escapes.length > 0 && escapes[at % escapes.length] === true;
    spelled += escaped
      ? `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`
      : JSON.stringify(text.charAt(at)).slice(1, -1);
  }
  return `"${spelled}"`;
}

/** A value as JSON text, with random white space and escapes. */
function spell(value: unknown, gaps: readonly string[], escapes: readonly boolean[]): string {
  let next = 0;
  const space = (): string => gaps[next++ % gaps.length] ?? '';
  const write = (part: unknown): string => {
    if (typeof part === 'string') return spellString(part, escapes);
    if (typeof part !== 'object' || part === null) return JSON.stringify(part);
    const isArray = Array.isArray(part);
    const entries = isArray
      ? part.map((item) => `${space()}${write(item)}${space()}`)
      : Object.entries(part).map(
          ([name, member]) =>
            `${space()}${spellString(name, escapes)}${space()}:${space()}${write(member)}${space()}`,
        );
    const inside = entries.length === 0 ? space() : entries.join(',');
    return isArray ? `[${inside}]` : `{${inside}}`;
  };
  return `${space()}${write(value)}${space()}`;
}

/** JSON values with a random spelling of each. */
export function spelledJson<T>(values: fc.Arbitrary<T>): fc.Arbitrary<{ value: T; text: string }> {
  return fc
    .record({
      value: values,
      gaps: fc.array(gap, { minLength: 1, maxLength: 7 }),
      escapes: fc.array(fc.boolean(), { maxLength: 5 }),
    })
    .map(({ value, gaps, escapes }) => {
      const text = spell(value, gaps, escapes);
      // What the text says counts: there is no -0, for one.
      return { value: JSON.parse(text) as T, text };
    });
}

/**
 * A name without backslashes. `JSON.parse` of Node.js 24 compares an escaped name as it is written with the names that
 * other objects have had at that place: it reads `{"q":1,"\\u0061":2}` as `{"q":1,"\\\\":2}` once it has read the latter.
 */
const tameName = (name: string): string => {
  const tame = name.replaceAll('\\', '/');
  return tame.length === 1 && JSON.stringify(tame).length > 3 ? tame + tame : tame;
};

const tameText = fc.string().map(tameName);

/** What JSON can say. No object ever has a name that is not tame: once there is one, the engine may read it for others. */
export const anyJson: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    // There is no -0 in JSON.
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number || 0),
    fc.string(),
    fc.array(tie('value')),
    fc.array(fc.tuple(tameText, tie('value'))).map((entries) => Object.fromEntries(entries)),
  ),
})).value;

/** Names that are written the same, begin alike, or mean something to JavaScript. */
const name = fc.oneof(
  fc.constantFrom('a', 'b', 'model', 'model\u0000', '__proto__', 'constructor', '', '""', '"}'),
  fc.string({ unit: 'binary', maxLength: 6 }).map(tameName),
);

/** Objects whose members have odd names now and then. */
export const anyObject: fc.Arbitrary<Record<string, unknown>> = fc
  .array(fc.tuple(name, anyJson), { maxLength: 8 })
  .map((entries) => Object.fromEntries(entries));
