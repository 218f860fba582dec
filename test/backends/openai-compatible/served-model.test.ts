import { describe, expect, it } from 'vitest';
import { servedModel } from '../../../src/backends/openai-compatible/served-model.ts';
import { GatewayError } from '../../../src/errors.ts';

const list = (...ids: string[]) => ids.map((id) => ({ id, created: 0, ownedBy: '' }));
const named = (asked: string, model = asked, isModelFixed = false) => ({ asked, model, isModelFixed });
const known = (configured: string | undefined, listed: string[] | undefined) => ({
  upstream: 'up',
  configured,
  listed: listed && list(...listed),
});

describe('servedModel', () => {
  it.each<
    [name: string, call: ReturnType<typeof named>, facts: ReturnType<typeof known>, model: string | undefined]
  >([
    ['that of the endpoint', named('a', 'fixed', true), known('b', ['a', 'b']), 'fixed'],
    ['that of the configuration', named('a'), known('b', ['a', 'b']), 'b'],
    ['the client’s, which is listed', named('b'), known(undefined, ['a', 'b']), 'b'],
    [
      'the client’s as it is, before the bare one',
      named('google/a', 'a'),
      known(undefined, ['a', 'google/a']),
      'google/a',
    ],
    ['the bare one, which is listed', named('google/a', 'a'), known(undefined, ['b', 'a']), 'a'],
    ['the only one there is', named('gpt'), known(undefined, ['a']), 'a'],
    ['the only one there is, without a name', named(''), known(undefined, ['a']), 'a'],
    ['the client’s, of several others', named('google/c', 'c'), known(undefined, ['a', 'b']), 'google/c'],
    ['the client’s, where none is listed', named('c'), known(undefined, []), 'c'],
    ['the client’s, where nothing is known', named('c'), known(undefined, undefined), 'c'],
    ['nobody’s', named(''), known(undefined, []), undefined],
    ['nobody’s, where nothing is known', named(''), known(undefined, undefined), undefined],
  ])('is %s', (_, call, facts, model) => {
    expect(servedModel(call, facts)).toBe(model);
  });

  it.each([
    { listed: ['a', 'b'], message: 'Name a model: the upstream up has a, b.' },
    {
      listed: Array.from({ length: 11 }, (_, index) => `m${index}`),
      message: 'Name a model: the upstream up has m0, m1, m2, m3, m4, m5, m6, m7, m8, m9 and more.',
    },
  ])('has to be named: $message', ({ listed, message }) => {
    const call = () => servedModel(named(''), known(undefined, listed));
    expect(call).toThrow(GatewayError);
    expect(call).toThrow(
      expect.objectContaining({ code: 'missing_required_parameter', param: 'model', message }),
    );
  });
});
