/** Known defects of Google's endpoint, none of which is ours. Contract section 14. */
import OpenAI, { APIError } from 'openai';
import { describe, expect, it } from 'vitest';
import type { ChatCompletionChunk } from '../../src/wire/openai/response.ts';
import { bodyAnswer, cutAfter, errorAnswer, streamedAnswer } from '../support/gemini-answers.ts';
import { ROUTES } from '../support/gemini-server.ts';
import { BLOCKED_COMPLETION, BLOCKED_PROMPT } from '../translate/events/blocked-prompt.ts';
import { call, message, stop } from '../translate/events/gemini-messages.ts';
import { chat, FORMS, last, readAnswer, saying, startPair, text, usageMetadata } from './fixture.ts';

const WEATHER = { type: 'function', function: { name: 'weather' } };
const withTools = { tools: [WEATHER] };
const USER = { role: 'user', content: 'Hi' };
const GEMINI_3 = 'google/gemini-3-flash-preview';
const FAMILIES = ['vertex', 'devapi', 'plain'] as const;

const deltasOf = (chunks: readonly ChatCompletionChunk[]) =>
  chunks.flatMap(({ choices }) => choices.map(({ delta }) => delta));

const refusal = (text_: string) => errorAnswer({ code: 400, status: 'INVALID_ARGUMENT', message: text_ });

const assistantCalling = (...ids: readonly string[]) => ({
  role: 'assistant',
  content: '',
  tool_calls: ids.map((id) => ({ id, type: 'function', function: { name: 'weather', arguments: '{}' } })),
});

const piece = (stringValue: string, willContinue = true) =>
  message([
    {
      functionCall: {
        partialArgs: [{ jsonPath: '$.text', stringValue, willContinue }],
        willContinue: true,
      },
    },
  ]);
/** One call with its arguments in pieces. */
const pieces = [
  message([call('write', undefined, { willContinue: true })]),
  piece('line one\nline "two"\t'),
  piece('\u0001\\end', false),
  message([{ functionCall: {} }], stop),
];

describe('none of Google’s defects:', () => {
  it('B1: every streamed call has its index', async () => {
    const { server } = await startPair(
      {},
      saying(
        message([call('weather', { city: 'Oslo' }), call('weather', { city: 'Rome' })]),
        message([call('weather', { city: 'Bern' })], stop),
      ),
    );
    const { chunks } = await readAnswer(await server.post(chat({ ...withTools, stream: true })));
    const calls = deltasOf(chunks).flatMap((delta) => delta.tool_calls ?? []);
    expect(calls.map(({ index, function: f }) => [index, f?.arguments])).toEqual([
      [0, '{"city":"Oslo"}'],
      [1, '{"city":"Rome"}'],
      [2, '{"city":"Bern"}'],
    ]);
  });

  it.each(FAMILIES.flatMap((route) => FORMS.map((form) => ({ route, ...form }))))(
    'B2: an answer with calls ends with tool_calls ($route, $form)',
    async ({ route, stream }) => {
      const { server } = await startPair({}, saying(message([call('weather')], stop)));
      const { finishReason } = await readAnswer(await server.post(chat({ ...withTools, stream }), { route }));
      expect(finishReason).toBe('tool_calls');
    },
  );

  it.each([
    { native: 'PROHIBITED_CONTENT', expected: 'content_filter' },
    { native: 'SAFETY', expected: 'content_filter' },
    { native: 'MALFORMED_FUNCTION_CALL', expected: 'stop' },
    { native: 'LANGUAGE', expected: 'stop' },
    { native: 'SOMETHING_NEW', expected: 'stop' },
  ])('B3: the finish reason is one of OpenAI’s for $native', async ({ native, expected }) => {
    const { server } = await startPair({}, saying(message([{ text: 'Hello' }], { finishReason: native })));
    const { completion } = await readAnswer(await server.post(chat()));
    expect(completion.choices[0]?.finish_reason).toBe(expected);
    expect(completion.choices[0]?.extra_content?.google?.['finish_reason']).toBe(native);
  });

  it('B4: a blocked prompt is a complete answer', async () => {
    const { server } = await startPair({}, saying(BLOCKED_PROMPT));
    const { status, completion } = await readAnswer(await server.post(chat()));
    expect(status).toBe(200);
    expect({ ...completion, created: 0 }).toEqual({ ...BLOCKED_COMPLETION, created: 0 });
  });

  it('B5: fields of OpenAI that Google has no name for are accepted', async () => {
    const { upstream, server } = await startPair({ kind: 'gemini' }, saying(last('Hello')));
    const fields = {
      store: true,
      metadata: { a: 'b' },
      reasoning: { effort: 'low' },
      frequency_penalty: 0.5,
      presence_penalty: 0,
      parallel_tool_calls: true,
      user: 'me',
      prediction: null,
      verbosity: 'medium',
      ...withTools,
    };
    const response = await server.post(chat(fields), { route: 'devapi' });
    expect(response.status).toBe(200);
    expect(upstream.refusals).toEqual([]);
    expect(upstream.last.body.generationConfig).toEqual({
      frequencyPenalty: 0.5,
      thinkingConfig: { thinkingBudget: 1024 },
    });
  });

  it.each(FORMS)(
    'B6: an error that is a list reaches the client as one error ($form)',
    async ({ stream }) => {
      const body = [{ error: { code: 400, status: 'INVALID_ARGUMENT', message: 'The reason.' } }];
      const { server } = await startPair({}, () => bodyAnswer(400, JSON.stringify(body)));
      const client = new OpenAI({ baseURL: `${server.url}${ROUTES.vertex}`, apiKey: 'key', maxRetries: 0 });
      const messages = [{ role: 'user', content: 'Hi' }] as const;
      const failure: unknown = await client.chat.completions
        .create({ model: 'google/gemini-2.5-flash', messages: [...messages], stream })
        .catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(APIError);
      expect(failure).toMatchObject({ status: 400, message: '400 The reason.', code: 'invalid_argument' });
    },
  );

  it('B7: a standard client gets through the second step of a tool call with Gemini 3', async () => {
    const { upstream, server } = await startPair(
      {},
      saying(message([{ ...call('weather'), thoughtSignature: 'U2ln' }], stop)),
    );
    const first = await readAnswer(await server.post(chat({ model: GEMINI_3, ...withTools })));
    const [made] = first.completion.choices[0]?.message.tool_calls ?? [];
    upstream.respond = ({ body }) => {
      const signature = body.contents[1]?.parts[0]?.thoughtSignature;
      if (signature === undefined) return refusal('Function call is missing a thought_signature');
      return saying(last(`Signed with ${signature}`))({ method: 'generateContent' });
    };
    const messages = [
      USER,
      assistantCalling(made?.id ?? ''),
      { role: 'tool', tool_call_id: made?.id, content: '4' },
    ];
    const second = await readAnswer(await server.post(chat({ model: GEMINI_3, ...withTools, messages })));
    expect(second.content).toBe('Signed with U2ln');
    const elsewhere = [
      USER,
      assistantCalling('call_x'),
      { role: 'tool', tool_call_id: 'call_x', content: '4' },
    ];
    const third = await readAnswer(
      await server.post(chat({ model: GEMINI_3, ...withTools, messages: elsewhere })),
    );
    expect(third.content).toBe('Signed with skip_thought_signature_validator');
  });

  it.each([
    { name: 'empty ids', calls: [''], results: [{ tool_call_id: '' }] },
    { name: 'an unknown id and a name', calls: ['a'], results: [{ tool_call_id: 'x', name: 'weather' }] },
    { name: 'an unknown id, and one call', calls: ['a'], results: [{ tool_call_id: 'x' }] },
    { name: 'another order', calls: ['a', 'b'], results: [{ tool_call_id: 'b' }, { tool_call_id: 'a' }] },
  ])('B8: every tool result has the name of its function: $name', async ({ calls, results }) => {
    const { upstream, server } = await startPair({}, saying(last('Hello')));
    const tools = results.map((result) => ({ role: 'tool', content: '4', ...result }));
    const messages = [USER, assistantCalling(...calls), ...tools];
    expect((await server.post(chat({ ...withTools, messages }))).status).toBe(200);
    const responses = upstream.last.body.contents[2]?.parts.map((part) => part.functionResponse?.name);
    expect(responses).toEqual(results.map(() => 'weather'));
  });

  it.each([
    { route: 'vertex', content: 'Think.Answer', flagged: ['Think.'], reasoning: '' },
    {
      route: 'devapi',
      content: '<thought>Think.</thought>Answer',
      flagged: ['<thought>Think.'],
      reasoning: '',
    },
    { route: 'plain', content: 'Answer', flagged: [], reasoning: 'Think.' },
  ] as const)('B9: thoughts can be told from the answer ($route)', async ({ route, ...expected }) => {
    const { server } = await startPair(
      {},
      saying(message([{ text: 'Think.', thought: true }]), last('Answer')),
    );
    const extra_body = { google: { thinking_config: { include_thoughts: true } } };
    const { content, chunks } = await readAnswer(
      await server.post(chat({ stream: true, extra_body }), { route }),
    );
    const deltas = deltasOf(chunks);
    const flagged = deltas.filter((delta) => delta.extra_content?.google?.thought === true);
    expect({
      content,
      flagged: flagged.map((delta) => delta.content),
      reasoning: deltas.map((delta) => delta.reasoning_content ?? '').join(''),
    }).toEqual(expected);
  });

  it('B10: a signature under extra_content.vertex is understood', async () => {
    const { upstream, server } = await startPair({}, saying(last('Hello')));
    const assistant = assistantCalling('a');
    Object.assign(assistant.tool_calls[0]!, { extra_content: { vertex: { thought_signature: 'U2ln' } } });
    const messages = [USER, assistant, { role: 'tool', tool_call_id: 'a', content: '4' }];
    const response = await server.post(chat({ model: GEMINI_3, ...withTools, messages }));
    expect(response.headers.get('x-parlance-signature')).toBe('client');
    expect(upstream.last.body.contents[1]?.parts[0]?.thoughtSignature).toBe('U2ln');
  });

  it.each(FORMS)(
    'B11: thinking that used up all tokens is an empty answer that says so ($form)',
    async ({ stream }) => {
      const { server } = await startPair(
        {},
        saying({
          candidates: [{ content: { role: 'model' }, finishReason: 'MAX_TOKENS' }],
          usageMetadata: { promptTokenCount: 6, thoughtsTokenCount: 50, totalTokenCount: 56 },
        }),
      );
      const answer = await readAnswer(
        await server.post(chat({ max_tokens: 50, stream, stream_options: { include_usage: true } })),
      );
      expect(answer.status).toBe(200);
      expect(answer.finishReason).toBe('length');
      expect(answer.content).toBe('');
      expect(answer.completion.choices?.[0]?.message.content ?? '').toBe('');
      const usage = stream ? answer.chunks.at(-1)?.usage : answer.completion.usage;
      expect(usage).toMatchObject({
        completion_tokens: 50,
        completion_tokens_details: { reasoning_tokens: 50 },
      });
    },
  );

  describe('B12: streamed arguments', () => {
    const request = chat({
      stream: true,
      tools: [{ type: 'function', function: { name: 'write' } }],
      extra_body: { google: { stream_function_call_arguments: true } },
    });

    it('B12: are valid JSON whatever text they hold', async () => {
      const { server } = await startPair({}, saying(...pieces));
      const { chunks, finishReason } = await readAnswer(await server.post(request));
      const args = deltasOf(chunks).flatMap(
        (delta) => delta.tool_calls?.map((c) => c.function?.arguments) ?? [],
      );
      expect(JSON.parse(args.join(''))).toEqual({ text: 'line one\nline "two"\t\u0001\\end' });
      expect(args.length).toBeGreaterThan(2);
      expect(finishReason).toBe('tool_calls');
    });

    it('B12: that are cut by a bare error end with an error', async () => {
      const { upstream, server } = await startPair();
      const error = { code: 499, status: 'CANCELLED', message: 'The operation was cancelled.' };
      const bytes = Buffer.from(`${JSON.stringify({ error }, undefined, 2)}\n`);
      upstream.answer(cutAfter(streamedAnswer(pieces), 2, { bytes }));
      const answer = await readAnswer(await server.post(request));
      expect(answer.error).toMatchObject({ code: 'cancelled', message: 'The operation was cancelled.' });
      expect(answer.isDone).toBe(false);
    });

    it('B12: that are no JSON in the history are named before they are sent', async () => {
      const { upstream, server } = await startPair();
      const assistant = assistantCalling('a');
      assistant.tool_calls[0]!.function.arguments = '{"text":"line\none';
      const messages = [USER, assistant, { role: 'tool', tool_call_id: 'a', content: '4' }];
      const { status, error } = await readAnswer(await server.post(chat({ ...withTools, messages })));
      expect({ status, param: error?.param }).toEqual({
        status: 400,
        param: 'messages[1].tool_calls[0].function.arguments',
      });
      expect(upstream.requests).toEqual([]);
    });
  });

  it('B13: an empty content beside calls is no part', async () => {
    const { upstream, server } = await startPair({}, saying(last('Hello')));
    const messages = [USER, assistantCalling('a'), { role: 'tool', tool_call_id: 'a', content: '4' }];
    expect((await server.post(chat({ ...withTools, messages }))).status).toBe(200);
    expect(upstream.last.body.contents[1]).toEqual({
      role: 'model',
      parts: [{ functionCall: { name: 'weather', args: {} } }],
    });
  });

  it('B14: several choices come from a model that writes one', async () => {
    const { server } = await startPair({}, (request) =>
      request.body.generationConfig?.candidateCount === undefined
        ? saying(last('Hello'))(request)
        : refusal('Multiple candidates is not enabled for this model'),
    );
    const { completion } = await readAnswer(await server.post(chat({ n: 2 })));
    expect(completion.choices.map(({ index, message: { content } }) => [index, content])).toEqual([
      [0, 'Hello'],
      [1, 'Hello'],
    ]);
  });

  it('B15: tools beside JSON are refused in words that say so', async () => {
    const words = "Function calling with a response mime type: 'application/json' is unsupported";
    const { server } = await startPair({}, () => refusal(words));
    const { status, error } = await readAnswer(
      await server.post(chat({ ...withTools, response_format: { type: 'json_object' } })),
    );
    expect(status).toBe(400);
    expect(error).toMatchObject({
      type: 'invalid_request_error',
      code: 'unsupported_parameter',
      message: words,
    });
  });

  it('B16: a schema with too many states has a code of its own', async () => {
    const words = 'The specified schema produces a constraint that has too many states for serving.';
    const { upstream, server } = await startPair({}, () => refusal(words));
    const { status, error } = await readAnswer(await server.post(chat()));
    expect(status).toBe(400);
    expect(error).toMatchObject({ code: 'schema_too_complex', message: words });
    expect(upstream.requests).toHaveLength(1);
  });

  it.each([
    { usageMode: 'openai', completion: 24 },
    { usageMode: 'google', completion: 4 },
  ] as const)(
    'B17: completion_tokens count thinking, unless told otherwise ($usageMode)',
    async ({ usageMode, completion }) => {
      const counts = { ...usageMetadata, thoughtsTokenCount: 20, totalTokenCount: 30 };
      const { server } = await startPair(
        { http: { usageMode } },
        saying({ ...message([{ text: '4' }], stop), usageMetadata: counts }),
      );
      const {
        completion: { usage },
      } = await readAnswer(await server.post(chat()));
      expect(usage).toMatchObject({
        prompt_tokens: 6,
        completion_tokens: completion,
        total_tokens: 30,
        completion_tokens_details: { reasoning_tokens: 20 },
      });
    },
  );

  it.each(FORMS)('B18: every call has an id of its own ($form)', async ({ stream }) => {
    const { server } = await startPair(
      { kind: 'gemini' },
      saying(
        message(
          [
            call('weather', {}, { id: '' }),
            call('weather', {}, { id: 'same' }),
            call('weather', {}, { id: 'same' }),
            call('weather'),
          ],
          stop,
        ),
      ),
    );
    const { completion, chunks } = await readAnswer(await server.post(chat({ ...withTools, stream })));
    const calls = stream
      ? deltasOf(chunks).flatMap((delta) => delta.tool_calls ?? [])
      : (completion.choices[0]?.message.tool_calls ?? []);
    const ids = calls.map(({ id }) => id ?? '');
    expect(ids).toHaveLength(4);
    expect(new Set(ids).size).toBe(4);
    expect(ids[1]).toBe('same');
    for (const id of [ids[0], ids[3]]) expect(id).toMatch(/^call_[A-Za-z0-9]{24}$/);
  });

  it('B19: effort and visible thoughts go together', async () => {
    const { upstream, server } = await startPair({}, saying(last('Hello')));
    const extra_body = { google: { thinking_config: { include_thoughts: true } } };
    expect((await server.post(chat({ reasoning_effort: 'low', extra_body }))).status).toBe(200);
    expect(upstream.last.body.generationConfig?.thinkingConfig).toEqual({
      thinkingBudget: 1024,
      includeThoughts: true,
    });
  });

  it.each(FORMS)('B20: sources are annotations ($form)', async ({ stream }) => {
    const groundingMetadata = {
      groundingChunks: [{ web: { uri: 'https://example.com/', title: 'Example' } }],
      groundingSupports: [
        { segment: { startIndex: 3, endIndex: 9, text: 'Grüß' }, groundingChunkIndices: [0] },
      ],
    };
    const { server } = await startPair(
      {},
      saying(message([{ text: '日Grüße' }], { ...stop, groundingMetadata })),
    );
    const { completion, chunks } = await readAnswer(
      await server.post(chat({ stream, web_search_options: {} })),
    );
    const annotations = stream
      ? deltasOf(chunks).flatMap((delta) => delta.annotations ?? [])
      : completion.choices[0]?.message.annotations;
    expect(annotations).toEqual([
      {
        type: 'url_citation',
        url_citation: { url: 'https://example.com/', title: 'Example', start_index: 1, end_index: 5 },
      },
    ]);
  });

  it('B21: headers of OpenAI’s SDKs are no second credentials', async () => {
    const { upstream, server } = await startPair({ kind: 'gemini' }, saying(last('Hello')));
    const client = new OpenAI({
      baseURL: `${server.url}${ROUTES.devapi}`,
      apiKey: 'key',
      organization: 'org-1',
      project: 'proj-1',
      maxRetries: 0,
    });
    const completion = await client.chat.completions.create({
      model: 'gemini-2.5-flash',
      messages: [{ role: 'user', content: 'Hi' }],
    });
    expect(completion.choices[0]?.message.content).toBe('Hello');
    expect(upstream.refusals).toEqual([]);
  });

  it.each([
    { route: 'vertex', asked: true, places: ['own chunk'] },
    { route: 'devapi', asked: true, places: ['own chunk'] },
    { route: 'plain', asked: true, places: ['own chunk'] },
    { route: 'vertex', asked: false, places: ['finish'] },
    { route: 'devapi', asked: false, places: [] },
    { route: 'plain', asked: false, places: [] },
  ] as const)(
    'B22: usage comes once, where the route’s clients look ($route, asked: $asked)',
    async ({ route, asked, places }) => {
      const counted = { ...text('Hel'), usageMetadata: { promptTokenCount: 6, totalTokenCount: 6 } };
      const { server } = await startPair({}, saying(counted, last('lo')));
      const stream_options = { include_usage: asked };
      const { chunks } = await readAnswer(
        await server.post(chat({ stream: true, stream_options }), { route }),
      );
      const found = chunks
        .filter(({ usage }) => usage != null)
        .map(({ choices }) => (choices.length === 0 ? 'own chunk' : choices[0]?.finish_reason && 'finish'));
      expect(found).toEqual(places);
      expect(chunks.filter(({ usage }) => usage === null)).toHaveLength(asked ? chunks.length - 1 : 0);
    },
  );

  it.each(FORMS)('B23: parallel_tool_calls: false means one call ($form)', async ({ stream }) => {
    const { upstream, server } = await startPair(
      {},
      saying(
        message([call('weather', { city: 'Oslo' })]),
        message([call('weather', { city: 'Rome' })], stop),
      ),
    );
    const { completion, chunks, finishReason } = await readAnswer(
      await server.post(chat({ ...withTools, parallel_tool_calls: false, stream })),
    );
    const calls = stream
      ? deltasOf(chunks).flatMap((delta) => delta.tool_calls ?? [])
      : (completion.choices[0]?.message.tool_calls ?? []);
    expect(calls.map((made) => 'function' in made && made.function?.arguments)).toEqual(['{"city":"Oslo"}']);
    expect(finishReason).toBe('tool_calls');
    expect(upstream.refusals).toEqual([]);
  });

  it('B24: a misspelt field is named, and one that would change the answer is refused', async () => {
    const { upstream, server } = await startPair({}, saying(last('Hello')));
    const response = await server.post(chat({ temprature: 0.1 }), { route: 'vertex' });
    expect(response.status).toBe(200);
    expect(response.headers.get('x-parlance-ignored')).toBe('temprature');
    const { status, error } = await readAnswer(await server.post(chat({ min_p: 0.1 }), { route: 'vertex' }));
    expect({ status, param: error?.param }).toEqual({ status: 400, param: 'min_p' });
    expect(error?.code).toBe('unsupported_parameter');
    expect(upstream.requests).toHaveLength(1);
  });
});
