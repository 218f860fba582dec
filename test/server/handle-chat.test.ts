import { describe, expect, it } from 'vitest';
import { ModelRouter } from '../../src/routing/model-router.ts';
import { ChatRequestBody } from '../../src/wire/openai/request-body.ts';
import { type ChatHandlerOptions, type ChatInput, handleChat } from '../../src/server/handle-chat.ts';
import { answer, ScriptedBackend, type Script, type Step } from './scripted-backend.ts';
import { chatRequest } from './test-server.ts';

function setUp(script: Script = {}): { backend: ScriptedBackend; options: ChatHandlerOptions } {
  const backend = new ScriptedBackend(script);
  const router = new ModelRouter({
    backends: new Map([[backend.name, backend]]),
    models: [{ match: 'google/*', upstream: backend.name }],
    endpoints: { mine: { upstream: backend.name, model: 'served' } },
  });
  return { backend, options: { router, unsupported: 'ignore', usageMode: 'openai' } };
}

/** An answer without end, a piece each millisecond. */
function* trickle(): Generator<Step> {
  for (;;) {
    yield { pause: 1 };
    yield [{ type: 'text-delta', choice: 0, text: 'x' }];
  }
}

function input({
  body = chatRequest(),
  ...fields
}: Omit<Partial<ChatInput>, 'body'> & { body?: unknown } = {}): ChatInput {
  return {
    body: new ChatRequestBody({ text: JSON.stringify(body), value: body }),
    family: 'plain',
    requestId: 'req_1',
    principal: { kind: 'anonymous', id: 'anonymous', tenant: 'tenant' },
    signal: new AbortController().signal,
    onDeadline: () => {},
    ...fields,
  };
}

describe('handleChat', () => {
  it('gives the backend a frozen call and tells its deadline', async () => {
    const { backend, options } = setUp({ answerTimeoutMs: 1234 });
    const deadlines: number[] = [];
    await handleChat(input({ onDeadline: (ms) => deadlines.push(ms) }), options);
    expect(deadlines).toEqual([1234]);
    expect(backend.calls).toMatchObject([
      { model: 'gemini-2.5-flash', unsupported: 'ignore', requestId: 'req_1' },
    ]);
    expect(Object.isFrozen(backend.calls[0]?.body.request())).toBe(true);
  });

  it.each<{
    name: string;
    body: Record<string, unknown>;
    endpoint?: string;
    code: string;
    param: string | null;
  }>([
    {
      name: 'no model',
      body: { ...chatRequest(), model: '' },
      code: 'missing_required_parameter',
      param: 'model',
    },
    {
      name: 'a model of nobody',
      body: chatRequest({ model: 'meta/x' }),
      code: 'model_not_found',
      param: 'model',
    },
    {
      name: 'an unknown endpoint',
      body: chatRequest(),
      endpoint: 'other',
      code: 'endpoint_not_found',
      param: null,
    },
    { name: 'a wrong field', body: chatRequest({ n: 0 }), code: 'invalid_argument', param: 'n' },
  ])('refuses $name before any backend is asked', async ({ body, endpoint, code, param }) => {
    const { backend, options } = setUp();
    await expect(handleChat(input({ body, endpoint }), options)).rejects.toMatchObject({ code, param });
    expect(backend.calls).toHaveLength(0);
  });

  it.each([
    {
      body: chatRequest(),
      endpoint: undefined,
      asked: 'gemini-2.5-flash',
      echoed: 'google/gemini-2.5-flash',
    },
    {
      body: chatRequest({ model: 'models/gemini-x' }),
      endpoint: undefined,
      asked: 'gemini-x',
      echoed: 'models/gemini-x',
    },
    { body: chatRequest({ model: null }), endpoint: 'mine', asked: 'served', echoed: 'scripted-model-1' },
    { body: chatRequest({ model: 'any' }), endpoint: 'mine', asked: 'served', echoed: 'any' },
  ])('asks for $asked and echoes $echoed', async ({ body, endpoint, asked, echoed }) => {
    const { backend, options } = setUp();
    const result = await handleChat(input({ body, endpoint }), options);
    expect(backend.calls[0]?.model).toBe(asked);
    expect(result).toMatchObject({ mode: 'completion', completion: { model: echoed } });
  });

  it('passes on the failure of a backend as it is', async () => {
    const failure = new RangeError('x');
    const { options } = setUp({ before: [{ fail: failure }] });
    await expect(handleChat(input(), options)).rejects.toBe(failure);
  });

  it('stops reading once the work has ended', async () => {
    const { backend, options } = setUp({ steps: trickle(), onAbort: 'ignore' });
    const controller = new AbortController();
    const result = handleChat(input({ signal: controller.signal }), options);
    setTimeout(() => {
      controller.abort(new RangeError('over'));
    }, 5);
    await expect(result).rejects.toThrow('over');
    expect(backend.returns).toBe(1);
  });

  it('streams the same answer it would give whole', async () => {
    const { options } = setUp({ steps: answer('Hel', 'lo') });
    const whole = await handleChat(input(), options);
    const stream = await handleChat(input({ body: chatRequest({ stream: true }) }), options);
    if (stream.mode !== 'stream' || whole.mode !== 'completion') throw new Error('wrong modes');
    let text = '';
    for await (const batch of stream.chunks) {
      for (const { choices } of batch.chunks) text += choices[0]?.delta.content ?? '';
    }
    expect(text).toBe(whole.completion.choices[0]?.message.content);
    expect(stream.chunks.usage).toEqual(whole.completion.usage);
  });
});
