import type { ChatEvent, ChatEventBatch, TokenCounts } from '../../translate/events/chat-event.ts';
import { mergeBatches } from '../merge-batches.ts';
import type { GeminiAnswer } from './call-gemini.ts';

/**
 * Several one-candidate answers as one answer with several candidates. Contract section 2, defect B14.
 *
 * @param send asks for one answer; its signal aborts when the others are given up
 * @throws what the first of them that failed threw
 */
export async function emulateCandidates(
  count: number,
  send: (signal: AbortSignal) => Promise<GeminiAnswer>,
  signal: AbortSignal,
): Promise<GeminiAnswer> {
  // With one that fails the whole answer fails: nobody would ever read the others to their end.
  const others = new AbortController();
  const signals = AbortSignal.any([signal, others.signal]);
  let answers: GeminiAnswer[];
  try {
    answers = await Promise.all(Array.from({ length: count }, () => send(signals)));
  } catch (error) {
    others.abort(error);
    throw error;
  }
  const counts: TokenCounts[] = [];
  const renumbered = answers.map(async function* ({ events }, choice) {
    for await (const batch of events) {
      const kept: ChatEvent[] = [];
      for (const event of batch) {
        if (event.type === 'usage-update') counts[choice] = event.usage;
        else if (event.type === 'response-start') {
          if (choice === 0) kept.push(event);
        } else kept.push({ ...event, choice });
      }
      if (kept.length > 0) yield kept;
    }
  });
  const modelVersion = answers[0]?.modelVersion;
  return {
    ...(modelVersion === undefined ? {} : { modelVersion }),
    events: withUsage(mergeBatches(renumbered), { counts, others }),
  };
}

async function* withUsage(
  batches: AsyncIterable<ChatEventBatch>,
  { counts, others }: { counts: TokenCounts[]; others: AbortController },
): AsyncGenerator<ChatEventBatch> {
  try {
    yield* batches;
  } finally {
    others.abort();
  }
  yield [{ type: 'usage-update', usage: sumCounts(counts) }];
}

/** Every candidate was a request of its own, and was charged as one. */
function sumCounts(counts: readonly TokenCounts[]): TokenCounts {
  const sum = (pick: (count: TokenCounts) => number | undefined): number =>
    counts.reduce((total, count) => total + (pick(count) ?? 0), 0);
  return {
    prompt: sum(({ prompt }) => prompt),
    answer: sum(({ answer }) => answer),
    thoughts: sum(({ thoughts }) => thoughts),
    toolUsePrompt: sum(({ toolUsePrompt }) => toolUsePrompt),
    cached: sum(({ cached }) => cached),
    total: sum(({ total, prompt, answer, thoughts }) => total ?? prompt + answer + (thoughts ?? 0)),
  };
}
