import { describe, expect, it } from 'vitest';
import { checkCompletion, checkStream } from '../../bench/check-answer.ts';

const EXPECTED = { pieces: ['Sky', ' is', ' blue'], promptTokens: 5, model: 'm' };
const USAGE = { prompt_tokens: 5, completion_tokens: 3, total_tokens: 8 };

const text = (content: string): object => ({
  model: 'm',
  choices: [{ index: 0, delta: { content }, finish_reason: null }],
});
const FINISH = { model: 'm', choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] };
const EVENTS = [
  { model: 'm', choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }] },
  ...EXPECTED.pieces.map(text),
  FINISH,
  { model: 'm', choices: [], usage: USAGE },
];

function stream(events: readonly object[], end = 'data: [DONE]\n\n'): { status: number; body: Buffer } {
  const body = events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('') + end;
  return { status: 200, body: Buffer.from(body) };
}

const without = (at: number): object[] => EVENTS.filter((_, index) => index !== at);
const swapped = (): object[] => [EVENTS[0], EVENTS[2], EVENTS[1], ...EVENTS.slice(3)] as object[];

describe('checkStream', () => {
  it('accepts a complete answer', () => {
    expect(checkStream(stream(EVENTS), EXPECTED)).toBeUndefined();
  });

  it.each([
    { name: 'an error', response: { ...stream(EVENTS), status: 500 } },
    { name: 'no [DONE]', response: stream(EVENTS, '') },
    { name: 'a cut end', response: stream(EVENTS, 'data: [DO') },
    { name: 'a missing event', response: stream(without(2)) },
    { name: 'a doubled event', response: stream([...EVENTS.slice(0, 2), ...EVENTS.slice(1)]) },
    { name: 'swapped events', response: stream(swapped()) },
    { name: 'another model', response: stream([...without(2), { ...text('x'), model: 'other' }]) },
    { name: 'no finish', response: stream(without(4)) },
    { name: 'no usage', response: stream(without(5)) },
    {
      name: 'another usage',
      response: stream([...without(5), { model: 'm', choices: [], usage: { ...USAGE, prompt_tokens: 6 } }]),
    },
    { name: 'a comment', response: { status: 200, body: Buffer.from(': keep-alive\n\ndata: [DONE]\n\n') } },
  ])('finds $name', ({ response }) => {
    expect(checkStream(response, EXPECTED)).toEqual(expect.any(String));
  });
});

describe('checkCompletion', () => {
  const completion = (
    content: string,
    finish = 'stop',
    usage = USAGE,
    model = 'm',
  ): { status: number; body: Buffer } => ({
    status: 200,
    body: Buffer.from(
      JSON.stringify({ model, choices: [{ message: { content }, finish_reason: finish }], usage }),
    ),
  });

  it('accepts the whole text', () => {
    expect(checkCompletion(completion('Sky is blue'), EXPECTED)).toBeUndefined();
  });

  it.each([
    { name: 'an error', response: { ...completion('Sky is blue'), status: 429 } },
    { name: 'another model', response: completion('Sky is blue', 'stop', USAGE, 'other') },
    { name: 'another text', response: completion('Sky is') },
    { name: 'another finish', response: completion('Sky is blue', 'length') },
    {
      name: 'another usage',
      response: completion('Sky is blue', 'stop', { ...USAGE, completion_tokens: 4 }),
    },
  ])('finds $name', ({ response }) => {
    expect(checkCompletion(response, EXPECTED)).toEqual(expect.any(String));
  });
});
