import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { BucketStore } from '../../../src/media/storage/bucket-store.ts';
import { parseBucketUri } from '../../../src/media/storage/parse-bucket-uri.ts';
import { type Answer, bodyAnswer, head, jsonAnswer } from '../../support/faulty-answers.ts';
import { FaultyServer } from '../../support/faulty-server.ts';
import { readBody } from './read-body.ts';
import { testStores } from './test-stores.ts';

const AUTHORIZATION = 'Bearer ya29.s3cret-token';
const never = new AbortController().signal;

const { server, storeOf } = testStores();

/** What the next requests are answered, one each; the last one for all that follow. */
function answer(...answers: readonly Answer[]): void {
  let number = 0;
  server().respond = () => answers[Math.min(number++, answers.length - 1)];
}

const object = (body: string | Uint8Array, headers: Readonly<Record<string, string>> = {}): Answer =>
  bodyAnswer(body, { headers: { 'content-type': 'image/png', ...headers } });

const text = (status: number, body: string): Answer =>
  bodyAnswer(body, { status, headers: { 'content-type': 'text/html; charset=UTF-8' } });

async function read(
  store: BucketStore,
  { uri = 'gs://bucket/a.png', authorization }: { uri?: string; authorization?: string } = {},
): Promise<string> {
  const { body } = await store.open(parseBucketUri(uri), { signal: never, authorization });
  return String(await readBody(body));
}

describe('what is asked', () => {
  it.each([
    ['gs://bucket/a.png', '/storage/v1/b/bucket/o/a.png?alt=media'],
    ['gs://bucket/a/b c.png', '/storage/v1/b/bucket/o/a%2Fb%20c.png?alt=media'],
    ['gs://bucket/a?b#c&d=%2F+', '/storage/v1/b/bucket/o/a%3Fb%23c%26d%3D%252F%2B?alt=media'],
    ['gs://bucket/../../x', '/storage/v1/b/bucket/o/..%2F..%2Fx?alt=media'],
    ['gs://a.b_c/ü😀\t', '/storage/v1/b/a.b_c/o/%C3%BC%F0%9F%98%80%09?alt=media'],
  ])('%j', async (uri, path) => {
    answer(object('bytes'));
    expect(await read(storeOf(), { uri })).toBe('bytes');
    expect(server().last).toMatchObject({ method: 'GET', path });
  });

  it('names with 1024 bytes, each of them encoded', async () => {
    answer(object('bytes'));
    await read(storeOf(), { uri: `gs://bucket/${'ü'.repeat(512)}` });
    expect(server().last.path).toContain(`/o/${'%C3%BC'.repeat(512)}?`);
  });

  it('the project that pays', async () => {
    answer(object('bytes'));
    await read(storeOf({ userProject: 'our project' }));
    expect(server().last.path).toMatch(/\?alt=media&userProject=our%20project$/);
  });

  it.each([
    ['with the credentials of the caller', AUTHORIZATION],
    ['without any', undefined],
  ])('%s', async (_, authorization) => {
    answer(object('bytes'));
    await read(storeOf(), authorization === undefined ? {} : { authorization });
    expect(server().last.headers).toMatchObject({ 'user-agent': 'parlance', 'accept-encoding': 'identity' });
    expect(server().last.headers['authorization']).toBe(authorization);
  });

  it.each(['', 'http://', '/storage/v1/'])(
    'an emulator without credentials or a proxy (%j)',
    async (part) => {
      const address = server().url.replace('http://', '');
      const place = part.startsWith('/') ? `${address}${part}` : `${part}${address}`;
      answer(object('bytes'));
      const store = storeOf({ env: { STORAGE_EMULATOR_HOST: place, HTTP_PROXY: 'http://127.0.0.1:1' } });
      expect(await read(store, { authorization: AUTHORIZATION })).toBe('bytes');
      expect(server().last.path).toBe('/storage/v1/b/bucket/o/a.png?alt=media');
      expect(server().last.headers).not.toHaveProperty('authorization');
    },
  );
});

describe('what is known of an object', () => {
  it.each([
    [{ 'content-type': 'image/png' }, { contentType: 'image/png', length: 5 }],
    [{ 'content-type': 'Audio/MPEG; x=1' }, { contentType: 'audio/mpeg', length: 5 }],
    [{ 'content-type': 'application/octet-stream' }, { contentType: undefined, length: 5 }],
    [{ 'content-encoding': 'identity' }, { contentType: 'image/png', length: 5 }],
  ])('%j', async (headers: Record<string, string>, facts) => {
    answer(object('bytes', headers));
    const medium = await storeOf().open(parseBucketUri('gs://bucket/a.png'), { signal: never });
    expect(medium).toMatchObject(facts);
    expect(String(await readBody(medium.body))).toBe('bytes');
  });

  it('is no length when the server has decompressed it', async () => {
    answer([head(200, { 'transfer-encoding': 'chunked' }), { write: '5\r\nbytes\r\n0\r\n\r\n' }]);
    const medium = await storeOf().open(parseBucketUri('gs://bucket/a'), { signal: never });
    expect(medium).toMatchObject({ contentType: undefined, length: undefined });
    expect(String(await readBody(medium.body))).toBe('bytes');
  });

  it('is an object without bytes', async () => {
    answer(object(''));
    const medium = await storeOf().open(parseBucketUri('gs://bucket/a'), { signal: never });
    expect(medium.length).toBe(0);
    expect(await readBody(medium.body)).toHaveLength(0);
  });
});

describe('a refusal', () => {
  const GRANT =
    'Grant their account storage.objects.get, for example by the role roles/storage.objectViewer on the bucket.';
  const DENIED =
    "ann@example.com does not have storage.objects.get access to the Google Cloud Storage object. Permission 'storage.objects.get' denied on resource (or it may not exist).";

  it.each([
    ['403', text(403, DENIED), `(HTTP 403: ${DENIED.slice(0, -1)}). ${GRANT}`],
    [
      '403 as JSON',
      jsonAnswer({ error: { code: 403, message: 'ann@example.com may not.', errors: [] } }, { status: 403 }),
      `(HTTP 403: ann@example.com may not). ${GRANT}`,
    ],
    [
      '401',
      text(401, 'Invalid Credentials'),
      '(HTTP 401: Invalid Credentials). They must be an access token',
    ],
    ['404', text(404, 'No such object: bucket/a.png'), 'HOST has no object gs://bucket/a.png. Check bucket'],
    [
      '400',
      text(400, 'Bucket is a requester pays bucket but no user project provided.'),
      'HOST refused to serve gs://bucket/a.png (HTTP 400: Bucket is a requester pays bucket but no user project provided).',
    ],
    ['a redirect', text(302, 'moved'), 'HOST answered HTTP 302 for gs://bucket/a.png, not the object.'],
    ['no content', [head(204, {})], 'HOST answered HTTP 204 for gs://bucket/a.png, not the object.'],
    ['503', text(503, ''), 'HOST cannot serve gs://bucket/a.png now (HTTP 503). Try again later.'],
    [
      '429',
      text(429, 'slow down'),
      'HOST cannot serve gs://bucket/a.png now (HTTP 429: slow down). Try again later.',
    ],
  ] satisfies [string, Answer, string][])(
    '%s says who was asked, for what, and what to do',
    async (_, refusal, message) => {
      answer(refusal);
      await expect(read(storeOf(), { authorization: AUTHORIZATION })).rejects.toMatchObject({
        name: 'GatewayError',
        code: 'invalid_argument',
        param: null,
        shouldRetry: message.includes('Try again later') ? true : undefined,
        message: expect.stringContaining(message.replace('HOST', server().url.replace('http://', ''))),
      });
    },
  );

  it.each([401, 403])('with %i of a reader without credentials says that', async (status) => {
    answer(text(status, 'Anonymous caller does not have storage.objects.get access.'));
    await expect(read(storeOf())).rejects.toThrow(
      /^gs:\/\/bucket\/a\.png cannot be read without credentials: .* Send an access token .* make the object public\.$/,
    );
  });

  it.each([
    ['the credentials', `the header "${AUTHORIZATION}" is bad`, 'the header "[authorization]" is bad'],
    ['the markup of a page', '<html><script>x()</script><p>Sign&nbsp;in</p></html>', 'HTTP 400: Sign in)'],
    ['control characters', 'a\r\nb\u0007c', 'HTTP 400: a b c)'],
    ['more than 200 characters', 'z'.repeat(5000), `HTTP 400: ${'z'.repeat(200)}…)`],
    ['bodies of more than 16 KiB', 'z'.repeat(20_000), '(HTTP 400)'],
  ])('quotes without %s', async (_, body, message) => {
    answer(text(400, body));
    const error = await read(storeOf(), { authorization: AUTHORIZATION }).catch((thrown: Error) => thrown);
    expect(error).toMatchObject({ message: expect.stringContaining(message) });
    expect(JSON.stringify(error) + String(error)).not.toContain('s3cret');
  });

  it('that breaks off is still one', async () => {
    answer([head(403, { 'content-length': '100' }), { write: 'Access' }, 'reset']);
    await expect(read(storeOf())).rejects.toThrow('HTTP 403.');
    expect(server().requests).toHaveLength(1);
  });

  it('is not taken elsewhere', async () => {
    await using other = await FaultyServer.start();
    answer(
      bodyAnswer('', { status: 307, headers: { location: `${other.url}/storage/v1/b/bucket/o/a.png` } }),
    );
    await expect(read(storeOf(), { authorization: AUTHORIZATION })).rejects.toThrow(
      'Redirects are not followed.',
    );
    expect(other.connections).toBe(0);
  });
});

describe('a failure that may pass', () => {
  it.each([
    ['503', bodyAnswer('', { status: 503 })],
    ['429', bodyAnswer('', { status: 429 })],
    ['408', bodyAnswer('', { status: 408 })],
    ['500 with a short wait', bodyAnswer('', { status: 500, headers: { 'retry-after': '0.01' } })],
    ['a connection that breaks', ['reset']],
    ['a head that breaks off', [{ write: 'HTTP/1.1 200 OK\r\ncontent-' }, 'end']],
  ] satisfies [string, Answer][])('is asked again after %s', async (_, failure) => {
    answer(failure, failure, object('bytes'));
    expect(await read(storeOf(), { authorization: AUTHORIZATION })).toBe('bytes');
    expect(server().requests.map(({ headers }) => headers['authorization'])).toEqual(
      Array(3).fill(AUTHORIZATION),
    );
  });

  it('is asked again at most twice', async () => {
    answer(bodyAnswer('', { status: 503 }));
    await expect(read(storeOf())).rejects.toThrow('HTTP 503');
    expect(server().requests).toHaveLength(3);
  });

  it.each([
    ['for longer than there is time', bodyAnswer('', { status: 503, headers: { 'retry-after': '6' } })],
    ['of another kind', bodyAnswer('', { status: 404 })],
    ['after the first bytes', [head(200, { 'content-length': '100' }), { write: 'begun' }, 'reset']],
  ] satisfies [string, Answer][])('is not asked again when it is one %s', async (_, failure) => {
    answer(failure);
    await expect(read(storeOf())).rejects.toMatchObject({ code: 'invalid_argument' });
    expect(server().requests).toHaveLength(1);
  });

  it('is told when nobody listens', async () => {
    await server().stop();
    await expect(read(storeOf())).rejects.toThrow(
      /^127\.0\.0\.1:\d+ gave no complete answer for gs:\/\/bucket\/a\.png: no connection \(ECONNREFUSED\)\. Try again later\.$/,
    );
  });
});

describe('compressed objects', () => {
  const gzip = { 'content-encoding': 'gzip' };

  it('are decompressed where Cloud Storage did not', async () => {
    answer(object(gzipSync('bytes'.repeat(50_000)), gzip));
    const medium = await storeOf().open(parseBucketUri('gs://bucket/a.png'), { signal: never });
    expect(medium.length).toBeUndefined();
    expect(String(await readBody(medium.body))).toBe('bytes'.repeat(50_000));
  });

  it('may have several members', async () => {
    answer(object(Buffer.concat([gzipSync('one '), gzipSync('two')]), gzip));
    expect(await read(storeOf())).toBe('one two');
  });

  it.each([
    ['without their end', gzipSync('bytes'.repeat(1000)).subarray(0, 40)],
    ['that are something else', Buffer.from('these are no gzip bytes')],
  ])('%s are refused', async (_, body) => {
    answer(object(body, gzip));
    await expect(read(storeOf())).rejects.toMatchObject({
      code: 'invalid_argument',
      message:
        'gs://bucket/a.png has the content-encoding gzip and cannot be decompressed. Store it as it is.',
    });
  });

  it('that break off are', async () => {
    const whole = gzipSync('bytes'.repeat(1000));
    answer([
      head(200, { ...gzip, 'content-length': String(whole.length) }),
      { write: whole.subarray(0, 20) },
      'reset',
    ]);
    await expect(read(storeOf())).rejects.toThrow(
      'gave no complete answer for gs://bucket/a.png: the connection',
    );
  });

  it('never become more than the limit', async () => {
    const bomb = gzipSync(Buffer.alloc(10_000_000));
    answer(object(bomb, gzip));
    const { body } = await storeOf({ maxBytes: 100_000 }).open(parseBucketUri('gs://bucket/bomb'), {
      signal: never,
    });
    let bytes = 0;
    const reading = (async () => {
      for await (const piece of body) bytes += piece.length;
    })();
    await expect(reading).rejects.toMatchObject({
      code: 'unsupported_media',
      message: 'gs://bucket/bomb is larger than the 100000 bytes that this server fetches.',
    });
    expect(bytes).toBeLessThanOrEqual(100_000);
  });

  it.each(['br', 'gzip, gzip', 'deflate', 'x'.repeat(1000)])('by %s are refused', async (encoding) => {
    answer(object('bytes', { 'content-encoding': encoding }));
    await expect(read(storeOf())).rejects.toMatchObject({
      code: 'unsupported_media',
      message: expect.stringMatching(
        /^gs:\/\/bucket\/a\.png has the content-encoding .{2,201}, which cannot be undone\./,
      ),
    });
  });
});
