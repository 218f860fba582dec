/** One streamed request to a real engine. */

export interface StreamedAnswer {
  /** As the server counted them. */
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Events that carried text. */
  readonly textEvents: number;
}

/** @throws {Error} when the stream is not complete */
export async function streamChat(url: string, body: string): Promise<StreamedAnswer> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`status ${response.status}: ${text.slice(0, 200)}`);
  const events = text.split('\n\n').filter((event) => event.startsWith('data: '));
  if (events.pop() !== 'data: [DONE]') throw new Error('the stream does not end with [DONE]');
  let textEvents = 0;
  let usage: { prompt_tokens: number; completion_tokens: number } | undefined;
  for (const event of events) {
    const chunk = JSON.parse(event.slice('data: '.length)) as {
      choices: { delta: { content?: string | null } }[];
      usage?: { prompt_tokens: number; completion_tokens: number } | null;
    };
    if ((chunk.choices[0]?.delta.content ?? '') !== '') textEvents++;
    usage = chunk.usage ?? usage;
  }
  if (usage === undefined) throw new Error('the stream has no usage');
  return { promptTokens: usage.prompt_tokens, completionTokens: usage.completion_tokens, textEvents };
}
