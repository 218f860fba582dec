/** A request with something private in all of its fields. */
import type { Plants } from './plants.ts';
import { order, type Outcome } from './repeating-upstream.ts';

const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

const YOUTUBE = 'https://www.youtube.com';

const image = (url: string): object => ({ type: 'image_url', image_url: { url } });

export function richRequest(
  plants: Plants,
  owner: string,
  { model, outcome, stream }: { model: string; outcome: Outcome; stream: boolean },
): string {
  const secret = (place: string): string => plants.put(`${place} of ${owner}`, owner, 'text');
  // A name has letters, digits and underscores only.
  const name = `look_${secret('name of a tool').replaceAll(/\W/g, '_')}`;
  const id = `call_${secret('id of a call')}`;
  // The Developer API reads no others by itself.
  const place = model === 'gemini' ? YOUTUBE : 'https://storage.googleapis.com/bucket';
  const signed = `${place}/image.png?X-Goog-Signature=${encodeURIComponent(secret('signed URL'))}`;
  const call = { name, arguments: JSON.stringify({ query: secret('arguments of a tool') }) };
  return JSON.stringify({
    model,
    stream,
    messages: [
      { role: 'system', content: secret('system text') },
      {
        role: 'user',
        content: [
          { type: 'text', text: `${order(owner, outcome)} ${secret('prompt')}` },
          image(`data:image/png;base64,${PIXEL}`),
          image(signed),
        ],
      },
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id, type: 'function', function: call }],
      },
      { role: 'tool', tool_call_id: id, content: secret('result of a tool') },
    ],
    tools: [
      {
        type: 'function',
        function: {
          name,
          description: secret('description of a tool'),
          parameters: { type: 'object', properties: { query: { description: secret('schema') } } },
        },
      },
    ],
    stop: [secret('stop')],
    user: secret('user'),
    metadata: { note: secret('metadata') },
    extra_body: { google: { labels: { note: secret('extra_body') } } },
  });
}
