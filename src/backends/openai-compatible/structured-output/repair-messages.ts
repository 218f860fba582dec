/** A message of a chat, as it stands in a request. */
export interface RepairMessage {
  readonly role: 'assistant' | 'user';
  readonly content: string;
}

/** Most of an invalid answer that is sent back, in UTF-8 bytes. */
const MAX_ANSWER_BYTES = 32 * 1024;

/**
 * The two messages that ask a model to correct its answer: the answer itself, then what is wrong with it.
 *
 * @param answer the invalid answer; its first 32 KB are sent
 * @param problems what a check found, see `SchemaVerdict`
 */
export function repairMessages(
  answer: string,
  problems: readonly string[],
): [assistant: RepairMessage, user: RepairMessage] {
  const { read } = new TextEncoder().encodeInto(answer, new Uint8Array(MAX_ANSWER_BYTES));
  const request = [
    `That is not a valid answer${read < answer.length ? ' (its end is left out)' : ''}:`,
    ...problems.map((problem) => `- ${problem}`),
    'Reply with the corrected JSON only: no explanation, no Markdown.',
  ];
  return [
    { role: 'assistant', content: answer.slice(0, read) },
    { role: 'user', content: request.join('\n') },
  ];
}
