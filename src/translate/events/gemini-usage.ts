import type { ModalityTokenCount, UsageMetadata } from '../../wire/gemini/response.ts';
import type { Modality, TokenCounts } from './chat-event.ts';

const MODALITIES: ReadonlyMap<string, Modality> = new Map<string, Modality>([
  ['TEXT', 'text'],
  ['IMAGE', 'image'],
  ['AUDIO', 'audio'],
  ['VIDEO', 'video'],
  ['DOCUMENT', 'document'],
]);

/**
 * Token counts over the messages of one answer. The Developer API repeats running totals in every message; Vertex AI
 * sends nothing but the traffic type until the last one, which must not erase counts. Contract section 9.8.
 */
export class GeminiUsage {
  #counts: TokenCounts = { prompt: 0, answer: 0 };

  /** @returns the counts so far */
  push(usage: UsageMetadata): TokenCounts {
    const trafficType = usage.trafficType ?? this.#counts.trafficType;
    const { trafficType: _, ...counts } = hasCounts(usage) ? readCounts(usage) : this.#counts;
    this.#counts = trafficType === undefined ? counts : { ...counts, trafficType };
    return this.#counts;
  }
}

function hasCounts(usage: UsageMetadata): boolean {
  return (
    usage.promptTokenCount !== undefined ||
    usage.candidatesTokenCount !== undefined ||
    usage.thoughtsTokenCount !== undefined ||
    usage.toolUsePromptTokenCount !== undefined ||
    usage.totalTokenCount !== undefined
  );
}

function readCounts(usage: UsageMetadata): TokenCounts {
  const {
    thoughtsTokenCount: thoughts,
    toolUsePromptTokenCount: toolUsePrompt,
    cachedContentTokenCount: cached,
    totalTokenCount: total,
    promptTokensDetails: prompt,
    candidatesTokensDetails: answer,
  } = usage;
  return {
    prompt: usage.promptTokenCount ?? 0,
    answer: usage.candidatesTokenCount ?? 0,
    ...(thoughts === undefined ? {} : { thoughts }),
    ...(toolUsePrompt === undefined ? {} : { toolUsePrompt }),
    ...(cached === undefined ? {} : { cached }),
    ...(total === undefined ? {} : { total }),
    ...(prompt === undefined ? {} : { promptByModality: sumByModality(prompt) }),
    ...(answer === undefined ? {} : { answerByModality: sumByModality(answer) }),
  };
}

function sumByModality(details: readonly ModalityTokenCount[]): Partial<Record<Modality, number>> {
  const sums: Partial<Record<Modality, number>> = {};
  for (const { modality, tokenCount } of details) {
    const name = MODALITIES.get(modality);
    if (name !== undefined) sums[name] = (sums[name] ?? 0) + tokenCount;
  }
  return sums;
}
