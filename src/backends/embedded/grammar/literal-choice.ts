import { gbnfLiteral } from './gbnf-text.ts';

/** Up to this many texts stand side by side in the order given. */
const MAX_PLAIN = 8;
const MAX_FACTORED_DEPTH = 24;

/**
 * GBNF for one of several texts.
 *
 * Many texts are factored by common beginnings: the engine looks at all open alternatives for every token of its
 * vocabulary, and a thousand of them would take it seconds.
 */
export function literalChoice(texts: readonly string[]): string {
  const different = [...new Set(texts)];
  if (different.length <= MAX_PLAIN) return different.map(gbnfLiteral).join(' | ');
  return factored(different.sort(), 0, 0);
}

/** The choice between sorted texts that agree up to `from`. */
function factored(texts: readonly string[], from: number, depth: number): string {
  if (depth > MAX_FACTORED_DEPTH) return texts.map((text) => gbnfLiteral(text.slice(from))).join(' | ');
  const branches: string[] = [];
  for (let start = 0; start < texts.length;) {
    const first = texts[start] ?? '';
    const end = endOfGroup(texts, start, from);
    const last = texts[end - 1] ?? '';
    const common = commonLength(first, last, from);
    const stem = gbnfLiteral(first.slice(from, common));
    branches.push(
      end - start === 1 ? stem : `${stem} (${factored(texts.slice(start, end), common, depth + 1)})`,
    );
    start = end;
  }
  return branches.join(' | ');
}

/** Index after the last text that has the same character at `from` as the text at `start`. */
function endOfGroup(texts: readonly string[], start: number, from: number): number {
  const character = texts[start]?.codePointAt(from);
  for (let end = start + 1; end < texts.length; end += 1) {
    if (texts[end]?.codePointAt(from) !== character) return end;
  }
  return texts.length;
}

/** Where two texts begin to differ; sorted texts between them agree at least as far. Never inside a surrogate pair. */
function commonLength(first: string, last: string, from: number): number {
  if (first === last) return first.length;
  let at = from;
  while (at < first.length && first[at] === last[at]) at += 1;
  const before = first.charCodeAt(at - 1);
  return at > from && before >= 0xd800 && before <= 0xdbff ? at - 1 : at;
}
