import type { LogprobsCandidate, LogprobsResult } from '../../wire/gemini/response.ts';
import type { TokenLogprob, TopLogprob } from '../../wire/openai/response.ts';

/**
 * The log probabilities of the tokens in `visible`, the text that came with them. Tokens of thoughts, where the
 * upstream lists them, are left out. Contract section 9.5.
 *
 * @param topLogprobs how many alternatives to keep for each token
 */
export function decodeLogprobs(result: LogprobsResult, visible: string, topLogprobs: number): TokenLogprob[] {
  const { chosenCandidates: chosen, topCandidates: top } = result;
  const tokens = chosen.map(({ token }) => token);
  const isVisible = visibleTokens(tokens, visible);
  return chosen.flatMap((candidate, step) => {
    if (!isVisible(step)) return [];
    const { token, logprob, bytes } = toLogprob(candidate);
    const alternatives = (top[step] ?? []).slice(0, topLogprobs).map(toLogprob);
    return [{ token, logprob, bytes, top_logprobs: alternatives }];
  });
}

/** Thoughts come first, so the visible tokens are the last ones that spell the text. */
function visibleTokens(tokens: readonly string[], visible: string): (step: number) => boolean {
  let length = 0;
  let first = tokens.length;
  while (first > 0 && length < visible.length) length += (tokens[--first] as string).length;
  if (tokens.slice(first).join('') === visible) return (step) => step >= first;
  // Tokens that are pieces of a character do not spell the text; then each is judged on its own.
  const occurs = new Map<string, boolean>();
  for (const token of tokens) {
    if (!occurs.has(token)) occurs.set(token, visible.includes(token));
  }
  return (step) => occurs.get(tokens[step] as string) === true;
}

const encoder = new TextEncoder();

function toLogprob({ token, logProbability }: LogprobsCandidate): TopLogprob {
  return { token, logprob: logProbability, bytes: [...encoder.encode(token)] };
}
