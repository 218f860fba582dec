import { describe, expect, it } from 'vitest';
import { createBareServer } from '../../bench/bare-server.ts';
import { SCRIPTED_EVENTS, SCRIPTED_PROMPT_TOKENS, scriptedRequest } from '../../bench/chat-fixtures.ts';
import { streamChat } from '../../bench/stream-chat.ts';
import { listenForTest } from './listen-for-test.ts';

async function startBare(): Promise<string> {
  return `http://127.0.0.1:${await listenForTest(createBareServer())}`;
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
