/** The two places where text becomes GBNF: string literals and character classes. */
import type { CodePointSet } from './code-point-set.ts';

/** `text` as a GBNF string literal, quotes included. */
export function gbnfLiteral(text: string): string {
  let escaped = '';
  for (const character of text) {
    const codePoint = character.codePointAt(0) ?? 0;
    if (character === '"' || character === '\\') escaped += `\\${character}`;
    else if (character === '\n') escaped += '\\n';
    else if (codePoint >= 0x20 && codePoint < 0x7f) escaped += character;
    else escaped += hexEscape(codePoint);
  }
  return `"${escaped}"`;
}

/** `set` as a GBNF character class. The set must not be empty: `[]` is no class. */
export function gbnfClass(set: CodePointSet): string {
  const ranges = set.map(([low, high]) => {
    if (low === high) return classCharacter(low);
    return `${classCharacter(low)}${high === low + 1 ? '' : '-'}${classCharacter(high)}`;
  });
  return `[${ranges.join('')}]`;
}

/** Characters that mean something inside a class, or that a reader would stumble over. */
const SPECIAL_IN_CLASS = new Set(['[', ']', '^', '-', '\\', '"']);

function classCharacter(codePoint: number): string {
  const character = String.fromCodePoint(codePoint);
  const plain = codePoint > 0x20 && codePoint < 0x7f && !SPECIAL_IN_CLASS.has(character);
  return plain ? character : hexEscape(codePoint);
}

function hexEscape(codePoint: number): string {
  const hex = codePoint.toString(16).toUpperCase();
  if (codePoint <= 0xff) return `\\x${hex.padStart(2, '0')}`;
  if (codePoint <= 0xffff) return `\\u${hex.padStart(4, '0')}`;
  return `\\U${hex.padStart(8, '0')}`;
}
