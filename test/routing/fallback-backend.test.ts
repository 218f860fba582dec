import { describe, expect, it } from 'vitest';
import type { Backend, ChatCall } from '../../src/backends/backend.ts';
import { type ErrorCode, ERROR_KINDS, GatewayError } from '../../src/errors.ts';
import { type Fallback, FallbackBackend } from '../../src/routing/fallback-backend.ts';
import { ChatRequestBody } from '../../src/wire/openai/request-body.ts';
import { readJsonText } from '../../src/wire/validation/parse-json-body.ts';
import { ScriptedBackend } from '../server/scripted-backend.ts';

const REQUEST = '{"model":"google/mine","messages":[{"role":"user","content":"Hi"}]}';

const callOf = (fields: Partial<ChatCall> = {}): ChatCall =>
  Object.freeze({
    body: new ChatRequestBody(readJsonText(REQUEST)),
    asked: 'google/mine',
    model: 'mine',
    isModelFixed: false,
    unsupported: 'reject',
    requestId: 'req-1',
    tenant: 'a',
    ...fields,
  });

const failing = (name: string, code: ErrorCode, passedOver: string[] = []) =>
  new ScriptedBackend({ name, before: [{ fail: new GatewayError(code, `${name} fails`, { passedOver }) }] });

const never = new AbortController().signal;

/** An embedded engine may stand in the place of any of them. */
const backed = (first: Backend, ...fallbacks: (Backend | Fallback)[]) =>
  new FallbackBackend(
    first,
    fallbacks.map((fallback) => ('backend' in fallback ? fallback : { backend: fallback })),
  );

const withInput = (input: Backend['input']): Backend =>
  Object.assign(Object.create(new ScriptedBackend()) as Backend, { input });

const OUTAGES: readonly ErrorCode[] = [
  'request_timeout',
  'rate_limit_exceeded',
  'queue_full',
  'insufficient_quota',
  'internal_error',
  'bad_upstream_response',
  'upstream_disconnected',
  'empty_response',
  'malformed_function_call',
  'schema_mismatch',
  'upstream_credentials',
  'engine_crashed',
  'model_not_ready',
  'overloaded',
  'upstream_unavailable',
  'timeout',
];

describe('FallbackBackend', () => {
  it.each<[ErrorCode, object]>([
    ['invalid_api_key', { upstream: { status: 401 } }],
    ['permission_denied', { upstream: { status: 403 } }],
    ['invalid_api_key', { google: { code: 401 } }],
  ])(
    'asks the next one after %s of an upstream that does not take the credentials it was sent',
    async (code, said) => {
      const first = new ScriptedBackend({
        name: 'first',
        before: [{ fail: new GatewayError(code, 'no', said) }],
      });
      const reply = await backed(first, new ScriptedBackend({ name: 'next' })).chat(callOf(), never);
      expect(reply).toMatchObject({ upstream: 'next' });
    },
  );

  it.each(OUTAGES)('asks the next one after %s', async (code) => {
    const next = new ScriptedBackend({ name: 'next' });
    const reply = await backed(failing('first', code), next).chat(callOf(), never);
    expect(reply).toMatchObject({
      upstream: 'next',
      modelVersion: 'scripted-model-1',
      passedOver: [`first ${ERROR_KINDS[code].status} ${code}`],
    });
    expect(next.calls).toHaveLength(1);
  });

  it.each((Object.keys(ERROR_KINDS) as ErrorCode[]).filter((code) => !OUTAGES.includes(code)))(
    'asks nobody after %s',
    async (code) => {
      const next = new ScriptedBackend({ name: 'next' });
      await expect(backed(failing('first', code), next).chat(callOf(), never)).rejects.toMatchObject({
        code,
        passedOver: [],
      });
      expect(next.calls).toEqual([]);
    },
  );

  it('asks nobody when the first one answers, and says nothing of it', async () => {
    const next = new ScriptedBackend({ name: 'next' });
    const reply = await backed(new ScriptedBackend({ name: 'first' }), next).chat(callOf(), never);
    expect(reply).not.toHaveProperty('upstream');
    expect(reply).not.toHaveProperty('passedOver');
    expect(next.calls).toEqual([]);
  });

  it.each<[name: string, call: Partial<ChatCall>, model: string | undefined, sent: Partial<ChatCall>]>([
    ['the client’s name', {}, undefined, { model: 'mine', isModelFixed: false }],
    [
      'the client’s name, not that of the endpoint',
      { model: 'lora', isModelFixed: true },
      undefined,
      { model: 'mine', isModelFixed: false },
    ],
    [
      'the name of the entry',
      { model: 'lora', isModelFixed: true },
      'spare',
      { model: 'spare', isModelFixed: true },
    ],
    ['no name', { asked: '', model: '' }, undefined, { model: '', isModelFixed: false }],
  ])('asks for %s', async (_, call, model, sent) => {
    const next = new ScriptedBackend({ name: 'next' });
    const original = callOf(call);
    await backed(failing('first', 'overloaded'), { backend: next, model }).chat(original, never);
    expect(next.calls).toEqual([{ ...original, ...sent }]);
  });

  it('goes through the list, and tells the first failure when nobody can', async () => {
    const chain = backed(
      failing('first', 'overloaded', ['a:1 503 overloaded']),
      failing('second', 'invalid_argument'),
      backed(failing('third', 'timeout'), failing('fourth', 'internal_error')),
    );
    await expect(chain.chat(callOf(), never)).rejects.toMatchObject({
      code: 'overloaded',
      message: 'first fails',
      passedOver: [
        'a:1 503 overloaded',
        'first 503 overloaded',
        'second 400 invalid_argument',
        'third 504 timeout',
        'fourth 500 internal_error',
      ],
    });
  });

  it('names the one that answers, however far down it stands', async () => {
    const chain = backed(
      failing('first', 'overloaded'),
      backed(failing('second', 'timeout'), new ScriptedBackend({ name: 'third' })),
    );
    expect(await chain.chat(callOf(), never)).toMatchObject({
      upstream: 'third',
      passedOver: ['first 503 overloaded', 'second 504 timeout'],
    });
  });

  it.each([
    {
      name: 'the first one',
      chain: (last: Backend) => backed(new ScriptedBackend({ before: ['silence'] }), last),
    },
    {
      name: 'a fallback',
      chain: (last: Backend) =>
        backed(failing('first', 'overloaded'), new ScriptedBackend({ before: ['silence'] }), last),
    },
  ])('asks nobody any more when the client leaves $name', async ({ chain }) => {
    const last = new ScriptedBackend({ name: 'last' });
    const client = new AbortController();
    const work = chain(last).chat(callOf(), client.signal);
    setImmediate(() => {
      client.abort();
    });
    await expect(work).rejects.toThrow('abort');
    expect(last.calls).toEqual([]);
  });

  it.each([
    {
      at: 'first',
      chain: (last: Backend) =>
        backed(new ScriptedBackend({ before: [{ fail: new TypeError('a bug') }] }), last),
    },
    {
      at: 'second',
      chain: (last: Backend) =>
        backed(
          failing('first', 'overloaded'),
          new ScriptedBackend({ before: [{ fail: new TypeError('a bug') }] }),
          last,
        ),
    },
  ])('does not hide a mistake of our own: $at', async ({ chain }) => {
    const last = new ScriptedBackend({ name: 'last' });
    await expect(chain(last).chat(callOf(), never)).rejects.toThrow(TypeError);
    expect(last.calls).toEqual([]);
  });

  it('is the first one in everything else', async () => {
    const models = [{ id: 'm', created: 1, ownedBy: 'me' }];
    const first = new ScriptedBackend({ name: 'first', answerTimeoutMs: 77, models });
    const chain = backed(first, new ScriptedBackend({ name: 'next' }));
    expect({
      name: chain.name,
      kind: chain.kind,
      time: chain.answerTimeoutMs,
      models: chain.models(),
    }).toEqual({
      name: 'first',
      kind: 'embedded',
      time: 77,
      models,
    });
    await expect(chain.close()).resolves.toBeUndefined();
  });

  it.each<[first: Backend['input'], fallback: Backend['input'], expected: Backend['input']]>([
    ['request', 'request', 'request'],
    ['request', 'text', 'request-or-text'],
    ['request', 'request-or-text', 'request-or-text'],
    ['text', 'request', 'text'],
    ['text', 'text', 'text'],
  ])('works with %s before %s: %s', (first, fallback, expected) => {
    expect(backed(withInput(first), withInput(fallback)).input).toBe(expected);
  });
});
