import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createBareServer } from '../../bench/bare-server.ts';
import { SCRIPTED_EVENTS, SCRIPTED_PROMPT_TOKENS, scriptedRequest } from '../../bench/chat-fixtures.ts';
import { streamChat } from '../../bench/stream-chat.ts';

async function startBare(): Promise<string> {
  const server = createBareServer();
  onTestFinished(() => {
    server.close();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('streamChat', () => {
  it('reports what the server counted and what arrived', async () => {
    expect(await streamChat(await startBare(), scriptedRequest(true))).toEqual({
      promptTokens: SCRIPTED_PROMPT_TOKENS,
      completionTokens: SCRIPTED_EVENTS,
      textEvents: SCRIPTED_EVENTS,
    });
  });

  it('refuses an answer that is no complete stream', async () => {
    await expect(streamChat(await startBare(), scriptedRequest(false))).rejects.toThrow('[DONE]');
  });
});
