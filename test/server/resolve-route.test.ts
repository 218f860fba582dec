import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allowedMethods, normalisePath, resolveRoute, type Route } from '../../src/server/resolve-route.ts';

const VERTEX = '/v1/projects/my-project/locations/us-central1/endpoints';

const CHAT_PATHS: [string, Route][] = ['v1', 'v1beta1'].flatMap((version): [string, Route][] => [
  [
    `/${version}/projects/p/locations/l/endpoints/openapi/chat/completions`,
    { kind: 'chat', family: 'vertex', place: { project: 'p', location: 'l' } },
  ],
  [
    `/${version}/projects/p/locations/l/endpoints/1234567890/chat/completions`,
    { kind: 'chat', family: 'vertex', endpoint: '1234567890', place: { project: 'p', location: 'l' } },
  ],
  [
    `/${version}/projects/p/locations/l/endpoints/mg-endpoint-6d0c8b1e-3f/chat/completions`,
    {
      kind: 'chat',
      family: 'vertex',
      endpoint: 'mg-endpoint-6d0c8b1e-3f',
      place: { project: 'p', location: 'l' },
    },
  ],
]);

function chat(project: string, location: string, endpoint = 'openapi'): string {
  return `/v1/projects/${project}/locations/${location}/endpoints/${endpoint}/chat/completions`;
}

describe('resolveRoute', () => {
  it.each<[string, Route]>([
    ...CHAT_PATHS,
    ['/v1beta/openai/chat/completions', { kind: 'chat', family: 'devapi' }],
    ['/v1beta/chat/completions', { kind: 'chat', family: 'devapi' }],
    ['/v1/chat/completions', { kind: 'chat', family: 'plain' }],
    ['/chat/completions', { kind: 'chat', family: 'plain' }],
    ['/v1/models', { kind: 'models', family: 'plain' }],
    ['/models', { kind: 'models', family: 'plain' }],
    ['/v1beta/openai/models', { kind: 'models', family: 'devapi' }],
    [`${VERTEX}/openapi/models`, { kind: 'models', family: 'vertex' }],
    ['/v1/models/gemini-2.5-flash', { kind: 'model', family: 'plain', id: 'gemini-2.5-flash' }],
    ['/v1/models/google/gemini', { kind: 'model', family: 'plain', id: 'google/gemini' }],
    ['/v1/models/google%2Fgemini', { kind: 'model', family: 'plain', id: 'google/gemini' }],
    ['/v1beta/openai/models/models/x', { kind: 'model', family: 'devapi', id: 'models/x' }],
    [`${VERTEX}/openapi/models/meta%2fllama`, { kind: 'model', family: 'vertex', id: 'meta/llama' }],
    ['/healthz', { kind: 'health' }],
    ['/readyz', { kind: 'ready' }],
    [`${VERTEX}/123:predict`, { kind: 'not-implemented', family: 'vertex', what: ':predict' }],
    [`${VERTEX}/123:rawPredict`, { kind: 'not-implemented', family: 'vertex', what: ':rawPredict' }],
    [
      `${VERTEX}/123:streamRawPredict`,
      { kind: 'not-implemented', family: 'vertex', what: ':streamRawPredict' },
    ],
    ['/v1beta/openai/videos', { kind: 'not-implemented', family: 'devapi', what: 'video generation' }],
    [
      '/v1beta/openai/videos/abc/content',
      { kind: 'not-implemented', family: 'devapi', what: 'video generation' },
    ],
  ])('%s', (path, route) => {
    expect(resolveRoute(path)).toEqual(route);
  });

  it.each([
    '/',
    '',
    '*',
    '/v1',
    '/v2/chat/completions',
    '/v1/chat',
    '/v1/chat/completions/x',
    '/v1/Chat/Completions',
    '/x/v1/chat/completions',
    '/v1/chat%2Fcompletions',
    '/v1/%63hat/completions',
    '/v1/./chat/completions',
    '/v1/x/../chat/completions',
    '/v1/chat/completions\n',
    '/v1/chat/completions;x',
    '/v1beta1/openai/chat/completions',
    '/v1beta1/chat/completions',
    '/v1/models/%zz',
    '/v1/models/%ff',
    '/v1beta/openai/videosx',
    '/v1/completions',
    '/v1/responses',
    '/healthz/x',
    '/__proto__',
    '/constructor',
  ])('knows nothing of %j', (path) => {
    expect(resolveRoute(path)).toBeUndefined();
  });

  it.each([
    ['a project id', chat('my-project-1', 'global')],
    ['a project number', chat('123456789012', 'us')],
    ['a project of a domain', chat('example.com:my-project', 'europe-west4')],
    ['the longest names', chat('p'.repeat(64), 'l'.repeat(32), 'e'.repeat(128))],
  ])('takes %s', (_name, path) => {
    expect(resolveRoute(path)).toMatchObject({ kind: 'chat', family: 'vertex' });
  });

  it.each([
    ['no project', chat('', 'l')],
    ['no location', chat('p', '')],
    ['no endpoint', chat('p', 'l', '')],
    ['a project in capitals', chat('P', 'l')],
    ['a project that is too long', chat('p'.repeat(65), 'l')],
    ['a location that is too long', chat('p', 'l'.repeat(33))],
    ['a location with a dot', chat('p', 'l.x')],
    ['an endpoint that is too long', chat('p', 'l', 'e'.repeat(129))],
    ['an endpoint with a leading dot', chat('p', 'l', '..')],
    ['an endpoint with underscores in front', chat('p', 'l', '__proto__')],
    ['an escaped endpoint', chat('p', 'l', 'open%61pi')],
    ['a slash in the project', chat('p%2Fq', 'l')],
    ['a space', chat('p q', 'l')],
  ])('refuses %s', (_name, path) => {
    expect(resolveRoute(path)).toBeUndefined();
  });

  it('never throws', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...'a0.:-_%/?#;\0é\uD800'.split(''), '..', '%2e', '%ff') }),
        (path) => {
          resolveRoute(normalisePath(`/${path}`));
          resolveRoute(normalisePath(`/v1/models/${path}`));
        },
      ),
    );
  });
});

describe('normalisePath', () => {
  it.each([
    ['/v1/chat/completions/', '/v1/chat/completions'],
    ['//v1///chat//completions//', '/v1/chat/completions'],
    ['/', '/'],
    ['//', '/'],
    ['/a%2F/b', '/a%2F/b'],
    ['/a%2e%2e/b', '/a%2e%2e/b'],
  ])('%s -> %s', (path, normal) => {
    expect(normalisePath(path)).toBe(normal);
  });
});

describe('allowedMethods', () => {
  it.each<[Route, string[]]>([
    [{ kind: 'chat', family: 'plain' }, ['POST']],
    [{ kind: 'not-implemented', family: 'vertex', what: ':predict' }, ['POST']],
    [{ kind: 'models', family: 'plain' }, ['GET', 'HEAD']],
    [{ kind: 'model', family: 'plain', id: 'x' }, ['GET', 'HEAD']],
    [{ kind: 'health' }, ['GET', 'HEAD']],
    [{ kind: 'ready' }, ['GET', 'HEAD']],
  ])('$kind', (route, methods) => {
    expect(allowedMethods(route)).toEqual(methods);
  });
});
