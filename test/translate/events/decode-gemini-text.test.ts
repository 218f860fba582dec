import { describe, expect, it } from 'vitest';
import type { ChatEvent } from '../../../src/translate/events/chat-event.ts';
import { GeminiDecoder } from '../../../src/translate/events/decode-gemini.ts';
import { streamedMessages } from '../../../bench/gateway-fixtures.ts';

const first = {
  candidates: [{ content: { role: 'model', parts: [{ text: 'One' }] } }],
  modelVersion: 'gemini-2.5-flash',
};

function decode(messages: readonly unknown[]): ChatEvent[][] {
  const decoder = new GeminiDecoder();
  return [...messages.map((message) => decoder.push(message)), decoder.end(true)];
}

/** The same messages with a member nobody knows, so that each is read member by member. */
function withUnknownMember(messages: readonly object[]): object[] {
  return messages.map((message) => ({ ...message, unknownMember: 1 }));
}

describe('messages that only go on with text', () => {
  it.each<{ name: string; message: object }>([
    { name: 'bare', message: { candidates: [{ content: { parts: [{ text: ' two' }] } }] } },
    {
      name: 'with a role',
      message: { candidates: [{ content: { role: 'model', parts: [{ text: ' two' }] } }] },
    },
    { name: 'with empty text', message: { candidates: [{ content: { parts: [{ text: '' }] } }] } },
    {
      name: 'with the traffic type',
      message: {
        candidates: [{ content: { parts: [{ text: ' two' }] } }],
        usageMetadata: { trafficType: 'ON_DEMAND' },
      },
    },
    {
      name: 'with counts',
      message: {
        candidates: [{ content: { parts: [{ text: ' two' }] } }],
        usageMetadata: { trafficType: 'ON_DEMAND', promptTokenCount: 3 },
      },
    },
    { name: 'with an empty traffic type', message: { candidates: [], usageMetadata: { trafficType: '' } } },
    {
      name: 'with an index',
      message: { candidates: [{ index: 1, content: { parts: [{ text: ' two' }] } }] },
    },
    {
      name: 'that are thoughts',
      message: { candidates: [{ content: { parts: [{ text: ' two', thought: true }] } }] },
    },
    {
      name: 'that end',
      message: { candidates: [{ content: { parts: [{ text: ' two' }] }, finishReason: 'STOP' }] },
    },
    {
      name: 'with two parts',
      message: { candidates: [{ content: { parts: [{ text: ' two' }, { text: ' three' }] } }] },
    },
    {
      name: 'of two candidates',
      message: {
        candidates: [{ content: { parts: [{ text: 'a' }] } }, { content: { parts: [{ text: 'b' }] } }],
      },
    },
    { name: 'with text that is none', message: { candidates: [{ content: { parts: [{ text: 7 }] } }] } },
    { name: 'without candidates', message: { responseId: 'x' } },
  ])('are decoded as all others are: $name', ({ message }) => {
    const messages = [first, message, message];
    expect(decode(messages)).toEqual(decode(withUnknownMember(messages)));
  });

  it('are decoded so in a whole stream', () => {
    const messages = streamedMessages();
    expect(decode(messages)).toEqual(decode(withUnknownMember(messages)));
    expect(
      decode(messages)
        .flat()
        .filter(({ type }) => type === 'text-delta'),
    ).toHaveLength(messages.length);
  });
});
