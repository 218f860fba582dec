/** Thought signatures over the turns of a conversation: what clients lose, the server gives back. */
import { describe, expect, it } from 'vitest';
import type { GenerateContentRequest } from '../../src/wire/gemini/request.ts';
import type { DeltaToolCall, ResponseToolCall } from '../../src/wire/openai/response.ts';
import { call, message, stop } from '../translate/events/gemini-messages.ts';
import { chat, FORMS, last, readAnswer, saying, startPair } from './fixture.ts';

const MODEL = 'google/gemini-3-flash-preview';
const TOOLS = [{ type: 'function', function: { name: 'weather' } }];
const QUESTION = { role: 'user', content: 'Weather in Oslo and Rome?' };
const DUMMY = 'skip_thought_signature_validator';

/** Two calls at once, signed as Gemini 3 signs them: the first one only. */
function calls(signature: string, ids: readonly string[] = []): object {
  const [first, second] = ids.map((id) => ({ id }));
  return message(
    [
      { ...call('weather', { city: 'Oslo' }, first), thoughtSignature: signature },
      call('weather', { city: 'Rome' }, second),
    ],
    stop,
  );
}

/** The second step of a client that keeps of each call only what OpenAI's own contract has. */
function secondStep(made: readonly (ResponseToolCall | DeltaToolCall)[]): Record<string, unknown> {
  const tool_calls = made.map(({ id, ...rest }) => ({
    id,
    type: 'function',
    function: 'function' in rest ? rest.function : undefined,
  }));
  const results = made.map(({ id }) => ({ role: 'tool', tool_call_id: id, content: '21' }));
  const messages = [QUESTION, { role: 'assistant', content: null, tool_calls }, ...results];
  return chat({ model: MODEL, tools: TOOLS, messages });
}

function sentSignatures({ contents }: GenerateContentRequest): (string | undefined)[] {
  const parts = contents.flatMap((content) => content.parts);
  return parts.filter((part) => part.functionCall !== undefined).map((part) => part.thoughtSignature);
}

const KEYS = ['first-key-of-a-client', 'second-key-of-a-client'] as const;
const as = (key: string) => ({ headers: { authorization: `Bearer ${key}` } });

describe.each(FORMS)('a signature of a call in a $form answer', ({ stream }) => {
  const firstStep = chat({ model: MODEL, tools: TOOLS, messages: [QUESTION], stream });

  it('comes back when the client has lost it', async () => {
    const { upstream, server } = await startPair({}, saying(calls('U2ln')));
    const { completion, chunks, headers } = await readAnswer(await server.post(firstStep));
    expect(headers.has('x-parlance-signature')).toBe(false);
    const made =
      completion.choices?.[0]?.message.tool_calls ??
      chunks.flatMap(({ choices }) => choices[0]?.delta.tool_calls ?? []);
    expect(made.map(({ extra_content: extra }) => extra?.google?.thought_signature)).toEqual([
      'U2ln',
      undefined,
    ]);

    upstream.respond = saying(last('Both are warm.'));
    const response = await server.post(secondStep(made));
    expect(response.headers.get('x-parlance-signature')).toBe('vault');
    expect(sentSignatures(upstream.last.body)).toEqual(['U2ln', undefined]);
    expect((await readAnswer(response)).content).toBe('Both are warm.');
    expect(upstream.refusals).toEqual([]);
  });

  it.each([
    { name: 'ids of the server', kind: 'vertex', ids: [] },
    { name: 'the same ids from the upstream', kind: 'gemini', ids: ['call-1', 'call-2'] },
  ] as const)('stays with its tenant: $name', async ({ kind, ids }) => {
    const { upstream, server } = await startPair({ kind, keys: KEYS }, saying(calls('U2ln', ids)));
    const { completion, chunks } = await readAnswer(await server.post(firstStep, as(KEYS[0])));
    const made =
      completion.choices?.[0]?.message.tool_calls ??
      chunks.flatMap(({ choices }) => choices[0]?.delta.tool_calls ?? []);

    upstream.respond = saying(last('Warm.'));
    const foreign = await server.post(secondStep(made), as(KEYS[1]));
    expect(foreign.headers.get('x-parlance-signature')).toBe('dummy');
    expect(sentSignatures(upstream.last.body)).toEqual([DUMMY, undefined]);
    const own = await server.post(secondStep(made), as(KEYS[0]));
    expect(own.headers.get('x-parlance-signature')).toBe('vault');
    expect(sentSignatures(upstream.last.body)).toEqual(['U2ln', undefined]);
  });
});

const signed = (signature: string) => [
  {
    id: 'call_a',
    type: 'function' as const,
    function: { name: 'weather', arguments: '{}' },
    extra_content: { google: { thought_signature: signature } },
  },
];

describe('a signature', () => {
  it('that the client kept is the one that is sent', async () => {
    const { upstream, server } = await startPair({}, saying(last('Warm.')));
    const { messages } = secondStep(signed('Q2xpZW50')) as { messages: object[] };
    messages[1] = { role: 'assistant', content: null, tool_calls: signed('Q2xpZW50') };
    const response = await server.post(chat({ model: MODEL, tools: TOOLS, messages }));
    expect(response.headers.get('x-parlance-signature')).toBe('client');
    expect(sentSignatures(upstream.last.body)).toEqual(['Q2xpZW50']);
  });

  it('that nobody has is replaced by the documented stand-in, on the first call of the turn only', async () => {
    const { upstream, server } = await startPair({}, saying(last('Warm.')));
    const [first] = signed('');
    const second = {
      id: 'call_b',
      type: 'function' as const,
      function: { name: 'weather', arguments: '{}' },
    };
    const response = await server.post(secondStep([{ ...first!, extra_content: {} }, second]));
    expect(response.headers.get('x-parlance-signature')).toBe('dummy');
    expect(sentSignatures(upstream.last.body)).toEqual([DUMMY, undefined]);
  });

  it('is not needed before Gemini 3', async () => {
    const { upstream, server } = await startPair({}, saying(last('Warm.')));
    const request = { ...secondStep(signed('')), model: 'google/gemini-2.5-flash' };
    const response = await server.post(request);
    expect(response.headers.has('x-parlance-signature')).toBe(false);
    expect(sentSignatures(upstream.last.body)).toEqual([undefined]);
  });

  it('of streamed arguments comes back too', async () => {
    const { upstream, server } = await startPair(
      {},
      saying(
        message([{ ...call('weather', undefined, { willContinue: true }), thoughtSignature: 'UGllY2Vz' }]),
        message([
          {
            functionCall: { partialArgs: [{ jsonPath: '$.city', stringValue: 'Oslo' }], willContinue: true },
          },
        ]),
        message([{ functionCall: {} }], stop),
      ),
    );
    const google = { stream_function_call_arguments: true };
    const { chunks } = await readAnswer(
      await server.post(
        chat({ model: MODEL, tools: TOOLS, messages: [QUESTION], stream: true, extra_body: { google } }),
      ),
    );
    const deltas = chunks.flatMap(({ choices }) => choices[0]?.delta.tool_calls ?? []);
    const [start] = deltas;
    const text = deltas.map((delta) => delta.function?.arguments ?? '').join('');
    expect(JSON.parse(text)).toEqual({ city: 'Oslo' });

    upstream.respond = saying(last('Warm.'));
    const made = {
      id: start?.id ?? '',
      type: 'function' as const,
      function: { name: 'weather', arguments: text },
    };
    const response = await server.post(secondStep([made]));
    expect(response.headers.get('x-parlance-signature')).toBe('vault');
    expect(sentSignatures(upstream.last.body)).toEqual(['UGllY2Vz']);
  });

  it('of text goes back on the text', async () => {
    const { upstream, server } = await startPair(
      {},
      saying(message([{ text: 'Warm.', thoughtSignature: 'VGV4dA==' }], stop)),
    );
    const { completion } = await readAnswer(await server.post(chat({ model: MODEL })));
    const [choice] = completion.choices;
    expect(choice?.message.extra_content).toEqual({ google: { thought_signature: 'VGV4dA==' } });
    await server.post(chat({ model: MODEL, messages: [QUESTION, choice?.message, QUESTION] }));
    expect(upstream.last.body.contents[1]?.parts).toEqual([{ text: 'Warm.', thoughtSignature: 'VGV4dA==' }]);
    expect(upstream.refusals).toEqual([]);
  });
});
