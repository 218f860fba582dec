import { gbnfLiteral } from '../grammar/gbnf-text.ts';
import type { GrammarPlan, PromptPiece } from '../engine/protocol.ts';

/** Separates letters without being seen: a control token with one inside is ordinary text. */
const WORD_JOINER = '\u2060';

/**
 * The prompt as one text. The binding reads control tokens and markers wherever they stand, so those a client spelled
 * out, which are pieces of their own, are taken apart.
 */
export function joinPieces(pieces: readonly PromptPiece[]): string {
  return pieces
    .map(({ text, trusted }) => (trusted ? text : `${text.slice(0, 1)}${WORD_JOINER}${text.slice(1)}`))
    .join('');
}

/** A grammar that sets in behind a text, for an engine whose grammars include that text. */
export function withTrigger({ text, after }: GrammarPlan): { text: string; trigger?: string } {
  if (after === undefined) return { text };
  const renamed = text.replace(/^root ::=/m, 'behind-trigger ::=');
  return { text: `root ::= ${gbnfLiteral(after)} behind-trigger\n${renamed}`, trigger: after };
}
