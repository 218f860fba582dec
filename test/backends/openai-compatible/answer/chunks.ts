/** Parts of chat streams, as text. */

/** A chunk with one choice. @param fields members that are added, or take the place of others */
export function chunk(delta: object, fields: { [name: string]: unknown } = {}): object {
  const { finish_reason: reason = null, index = 0, ...more } = fields;
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1_700_000_000,
    model: 'served',
    choices: [{ index, delta, finish_reason: reason }],
    ...more,
  };
}

/** An event with this JSON. */
export function event(data: object): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}

export const FIRST = event(chunk({ role: 'assistant', content: '' }));
export const HELLO = event(chunk({ content: 'Hello' }));
export const FINISH = event(chunk({}, { finish_reason: 'stop' }));
export const DONE = 'data: [DONE]\n\n';

/** The counts of a stream in a chunk of their own. */
export const COUNTS = { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 } as const;
export const USAGE = event(chunk({}, { choices: [], usage: COUNTS }));

/** A stream with the model renamed, by text; nothing in it may look like the member. */
export function renamed(stream: string, asked: string): string {
  return stream.replaceAll(/("model"\s*:\s*)"served"/g, (_, name: string) => name + JSON.stringify(asked));
}

/** A text in two pieces, divided at every byte. */
export function everyCut(text: string): Uint8Array[][] {
  const bytes = Buffer.from(text);
  return Array.from({ length: bytes.length + 1 }, (_, at) => [bytes.subarray(0, at), bytes.subarray(at)]);
}
