import { describe, expect, it } from 'vitest';
import { CHAT, startGuarded, statusOf } from './guarded-server.ts';

const SIGN_IN_PATHS = [
  'POST /token',
  'GET /computeMetadata/v1/instance/service-accounts/default/token',
  'GET /tokeninfo',
  'GET /',
] as const;

describe('the paths of the local sign-in', () => {
  it.each(SIGN_IN_PATHS)('%s: nothing is there unless it is on', async (start) => {
    const server = await startGuarded();
    expect(await server.exchange([`${start} HTTP/1.1`])).toMatchObject({
      status: 404,
      body: expect.stringContaining('"not_found"'),
    });
  });

  it.each(SIGN_IN_PATHS)('%s: answers where it is on, as the sign-in says', async (start) => {
    const [method, path] = start.split(' ');
    const asked: unknown[] = [];
    const server = await startGuarded({
      signIn: {
        handle: async ({ method: sent, path: at, query, body }) => {
          asked.push([sent, at, query.get('a'), body]);
          return { status: 203, headers: { 'metadata-flavor': 'Google' }, body: 'of the sign-in' };
        },
      },
    });
    const body = method === 'POST' ? 'x=1' : '';
    expect(await server.exchange([`${method} ${path}?a=b HTTP/1.1`], body)).toMatchObject({
      status: 203,
      headers: { 'metadata-flavor': 'Google' },
      body: 'of the sign-in',
    });
    expect(asked).toEqual([[method, path, 'b', body]]);
  });

  it('do not hide the routes, whose gates stay shut', async () => {
    const asked: string[] = [];
    const server = await startGuarded({
      signIn: {
        handle: async ({ path }) => {
          asked.push(path);
          return undefined;
        },
      },
    });
    for (const path of [CHAT, `/${CHAT}/`, `http://metadata.google.internal${CHAT}`]) {
      expect(await statusOf(server, [`POST ${path} HTTP/1.1`])).toBe(401);
    }
    expect(asked).toEqual([]);
    expect(await statusOf(server, ['POST /v1/./chat/completions HTTP/1.1'])).toBe(404);
    expect(asked).toEqual(['/v1/./chat/completions']);
    expect(server.backend.calls).toEqual([]);
  });
});
