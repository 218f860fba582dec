import { describe, expect, it } from 'vitest';
import type { Backend, BackendModel } from '../../src/backends/backend.ts';
import { ModelRouter, type ModelRouterOptions } from '../../src/routing/model-router.ts';
import { ScriptedBackend } from '../server/scripted-backend.ts';

const model = (id: string): BackendModel => ({ id, created: 1_700_000_000, ownedBy: `owner of ${id}` });

const BACKENDS = new Map<string, Backend>(
  [
    new ScriptedBackend({ name: 'one', models: [model('small')] }),
    new ScriptedBackend({ name: 'two', models: [model('meta/llama'), model('other')] }),
    new ScriptedBackend({ name: 'bare', models: [] }),
  ].map((backend) => [backend.name, backend]),
);

function route(options: Partial<ModelRouterOptions>): ModelRouter {
  return new ModelRouter({ backends: BACKENDS, models: [], endpoints: {}, ...options });
}

describe('ModelRouter.forModel', () => {
  it.each<{ match: string; asked: string; model?: string }>([
    { match: '*', asked: 'anything/at:all', model: 'anything/at:all' },
    { match: 'google/gemini-*', asked: 'google/gemini-2.5-flash', model: 'gemini-2.5-flash' },
    { match: 'google/gemini-*', asked: 'gemini-2.5-flash', model: 'gemini-2.5-flash' },
    { match: 'google/gemini-*', asked: 'models/gemini-2.5-flash', model: 'gemini-2.5-flash' },
    { match: 'google/gemini-*', asked: 'publishers/google/models/gemini-x', model: 'gemini-x' },
    {
      match: 'google/gemini-*',
      asked: 'projects/p/locations/l/publishers/google/models/gemini-x',
      model: 'gemini-x',
    },
    { match: 'gemini-*', asked: 'google/gemini-x', model: 'gemini-x' },
    { match: 'models/gemini-*', asked: 'models/gemini-x', model: 'gemini-x' },
    { match: 'models/gemini-*', asked: 'gemini-x' },
    { match: 'meta/*', asked: 'publishers/meta/models/llama', model: 'meta/llama' },
    { match: 'google/*', asked: 'meta/llama' },
    { match: 'gemini', asked: 'gemini-x' },
    { match: 'gemini', asked: 'xgemini' },
    { match: 'GEMINI', asked: 'gemini' },
    { match: 'a.c', asked: 'abc' },
    { match: 'a.c', asked: 'a.c', model: 'a.c' },
    { match: 'a+(b)|[c]{1}^$?\\', asked: 'a+(b)|[c]{1}^$?\\', model: 'a+(b)|[c]{1}^$?\\' },
    { match: '*-it-*', asked: 'gemma-it-q4', model: 'gemma-it-q4' },
    { match: '*-it-*', asked: 'gemma-it' },
    { match: 'a*', asked: 'a', model: 'a' },
    { match: '', asked: 'a' },
  ])('$match for $asked: $model', ({ match, asked, model: found }) => {
    const target = route({ models: [{ match, upstream: 'one' }] }).forModel(asked);
    expect(target?.model).toBe(found);
    expect(target?.backend.name).toBe(found === undefined ? undefined : 'one');
  });

  it('takes the first rule that matches and has an upstream', () => {
    const router = route({
      models: [
        { match: 'google/gemini-3*', upstream: 'two' },
        { match: 'google/gemini-*', upstream: 'no such upstream' },
        { match: 'google/*', upstream: 'one' },
        { match: '*', upstream: 'bare' },
      ],
    });
    expect(router.forModel('gemini-3-pro')?.backend.name).toBe('two');
    expect(router.forModel('gemini-2.5')?.backend.name).toBe('one');
    expect(router.forModel('meta/x')?.backend.name).toBe('bare');
  });

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])('knows no %s by itself', (name) => {
    const router = route({ models: [{ match: 'x', upstream: name }] });
    expect(router.forModel(name)).toBeUndefined();
    expect(router.forModel('x')).toBeUndefined();
    expect(router.describe(name, 'plain')).toBeUndefined();
  });
});

describe('ModelRouter.forEndpoint', () => {
  const router = route({
    endpoints: {
      '1234567890': { upstream: 'two', model: 'served' },
      mine: { upstream: 'one' },
      lost: { upstream: 'no such upstream' },
    },
  });

  it.each([
    ['1234567890', 'google/x', 'two', 'served'],
    ['1234567890', '', 'two', 'served'],
    ['mine', 'google/x', 'one', 'x'],
    ['mine', '', 'one', ''],
  ])('%s with the model "%s" is %s, %s', (id, asked, backend, served) => {
    const target = router.forEndpoint(id, asked);
    expect([target?.backend.name, target?.model]).toEqual([backend, served]);
  });

  it.each(['lost', 'other', '', '*', '__proto__', 'constructor', 'toString'])('knows no %j', (id) => {
    expect(router.forEndpoint(id, 'x')).toBeUndefined();
  });

  it.each(['other', 'constructor', '__proto__'])('serves %s where any endpoint is served', (id) => {
    const any = route({ endpoints: { '*': { upstream: 'bare' }, mine: { upstream: 'one' } } });
    expect(any.forEndpoint(id, 'x')?.backend.name).toBe('bare');
    expect(any.forEndpoint('mine', 'x')?.backend.name).toBe('one');
  });

  it('can be told of an endpoint called constructor', () => {
    const odd = route({ endpoints: { constructor: { upstream: 'one' } } });
    expect(odd.forEndpoint('constructor', '')?.backend.name).toBe('one');
  });
});

describe('ModelRouter.list and describe', () => {
  const router = route({
    models: [
      { match: 'google/gemini-2.5-flash', upstream: 'one' },
      { match: 'meta/*', upstream: 'two' },
      { match: 'lost', upstream: 'no such upstream' },
      { match: 'small', upstream: 'one' },
    ],
  });

  it.each([
    ['plain', ['gemini-2.5-flash', 'small', 'meta/llama']],
    ['devapi', ['models/gemini-2.5-flash', 'models/small', 'models/meta/llama']],
    ['vertex', ['google/gemini-2.5-flash', 'google/small', 'meta/llama']],
  ] as const)('lists each model a client can name once, in %s spelling', (family, ids) => {
    const list = router.list(family);
    expect(list.map(({ id }) => id)).toEqual(ids);
    for (const { id } of list) expect(router.describe(id, family)?.id).toBe(id);
  });

  it('lists a model under the upstream that would answer for it', () => {
    const router2 = route({
      models: [
        { match: 'small', upstream: 'two' },
        { match: '*', upstream: 'one' },
      ],
    });
    expect(router2.list('plain')).toMatchObject([{ id: 'small', parlance: { upstream: 'two' } }]);
  });

  it('says who serves a model, and with what', () => {
    expect(router.describe('gemini-2.5-flash', 'plain')).toEqual({
      id: 'gemini-2.5-flash',
      object: 'model',
      created: 1_700_000_000,
      owned_by: 'owner of small',
      parlance: { upstream: 'one', kind: 'embedded', model: 'small' },
    });
    expect(router.describe('meta/llama', 'vertex')).toMatchObject({
      owned_by: 'owner of meta/llama',
      parlance: { model: 'meta/llama' },
    });
    expect(route({ models: [{ match: '*', upstream: 'bare' }] }).describe('x', 'plain')).toEqual({
      id: 'x',
      object: 'model',
      created: 0,
      owned_by: 'embedded',
      parlance: { upstream: 'bare', kind: 'embedded', model: 'x' },
    });
  });

  it.each(['', '..', 'a//b', 'a b', 'x\r\ny', 'x'.repeat(257)])('has no object for %j', (name) => {
    expect(route({ models: [{ match: '*', upstream: 'one' }] }).describe(name, 'plain')).toBeUndefined();
  });

  it('knows its backends', () => {
    expect(router.backends.map(({ name }) => name)).toEqual(['one', 'two', 'bare']);
  });
});
