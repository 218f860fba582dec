/** What goes to a model server besides the body, what comes back, and what the log says. */
import { describe, expect, it } from 'vitest';
import { FORMS, readAnswer } from '../gemini/fixture.ts';
import { errorAnswer, jsonAnswer } from '../support/faulty-answers.ts';
import { answerFirst, chat, chatsOf, nameOf, startPlace } from './fixture.ts';

const CLIENTS_OWN = {
  authorization: 'Bearer key-of-the-client',
  'x-goog-api-key': 'key-of-the-client',
  'api-key': 'key-of-the-client',
  'x-api-key': 'key-of-the-client',
  cookie: 'session=key-of-the-client',
  'openai-organization': 'org-of-the-client',
  'openai-project': 'project-of-the-client',
  'x-goog-user-project': 'project-of-the-client',
  'x-forwarded-for': '203.0.113.7',
  'x-team': 'of-the-client',
  'user-agent': 'of-the-client',
  'accept-encoding': 'gzip',
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
};

describe.each(FORMS)('the headers of a $form request', ({ stream }) => {
  it('are those of the configuration, and none of the client', async () => {
    const { servers, relay } = await startPlace({
      upstream: { api_key: 's3cret', headers: { 'X-Team': 'search', 'X-Request-Id': 'of-the-file' } },
    });
    await readAnswer(
      await relay.post(chat({ stream }), { headers: { ...CLIENTS_OWN, 'x-request-id': 'req-42' } }),
    );
    const [{ path, headers, body }] = chatsOf(servers[0]!) as [(typeof servers)[0]['last']];
    expect(path).toBe('/v1/chat/completions');
    expect(headers).toEqual({
      host: nameOf(servers[0]!),
      connection: 'keep-alive',
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(body)),
      authorization: 'Bearer s3cret',
      'x-team': 'search',
      'x-request-id': 'req-42',
    });
  });

  it('hold no key where none is configured', async () => {
    const { servers, relay } = await startPlace();
    await readAnswer(await relay.post(chat({ stream }), { headers: CLIENTS_OWN }));
    expect(Object.keys(chatsOf(servers[0]!)[0]!.headers).toSorted()).toEqual([
      'connection',
      'content-length',
      'content-type',
      'host',
      'x-request-id',
    ]);
  });
});

describe('the body', () => {
  it('goes on byte by byte but for the name of the model', async () => {
    const { servers, relay } = await startPlace({ upstream: { model: 'served' } });
    const text = `{ "model" : "mine",\n "messages":[{"role":"user","content":"\\u00e9\u00e9"}], "seed":12345678901234567890, "x":1.0e2 }`;
    await readAnswer(await relay.post(text));
    expect(chatsOf(servers[0]!)[0]!.body).toBe(text.replace('"mine"', '"served"'));
  });

  it('is the same at the next replica', async () => {
    const { servers, relay } = await startPlace({ replicas: 2 });
    answerFirst(servers, errorAnswer(500));
    await readAnswer(await relay.post(chat({ seed: 7 })));
    const [first, second] = servers.flatMap(chatsOf);
    expect(first!.body).toBe(second!.body);
    expect(first!.headers['x-request-id']).toBe(second!.headers['x-request-id']);
  });
});

describe.each(FORMS)('the headers of a $form answer', ({ stream }) => {
  it('say who answers, and who was passed over', async () => {
    const { servers, relay } = await startPlace({ replicas: 2, upstream: { model: 'served' } });
    answerFirst(servers, errorAnswer(500));
    const { headers } = await readAnswer(
      await relay.post(chat({ stream, google: { cached_content: 'x' } }), {
        headers: { 'x-request-id': 'req-43' },
      }),
    );
    const replica = headers.get('x-parlance-replica');
    const failed = servers.map(nameOf).find((name) => name !== replica);
    expect(servers.map(nameOf)).toContain(replica);
    expect(Object.fromEntries(headers)).toMatchObject({
      'x-request-id': 'req-43',
      'x-parlance-upstream': 'servers',
      'x-parlance-model-version': 'served',
      'x-parlance-passed-over': `${failed} 500 internal_error`,
      'x-parlance-ignored': 'google',
      'content-type': stream ? 'text/event-stream; charset=utf-8' : 'application/json; charset=utf-8',
    });
    expect(headers.get('server-timing')).toMatch(/^total;dur=[\d.]+, upstream;dur=[\d.]+, own;dur=[\d.]+$/);
    expect(relay.log.filter(({ msg }) => msg === 'request')).toMatchObject([
      {
        level: 'info',
        requestId: 'req-43',
        method: 'POST',
        route: 'chat plain',
        status: 200,
        upstream: 'servers',
        replica,
        model: 'served',
        passedOver: [`${failed} 500 internal_error`],
        promptTokens: 3,
        completionTokens: 2,
      },
    ]);
  });

  it('hold none of the server', async () => {
    const { servers, relay } = await startPlace();
    const secret = {
      'set-cookie': 'a=b',
      server: 'uvicorn',
      'x-internal': 'host-7',
      'openai-organization': 'org',
    };
    if (!stream) servers[0]!.queue(jsonAnswer({ choices: [] }, { headers: secret }));
    const { headers } = await readAnswer(await relay.post(chat({ stream })));
    for (const name of Object.keys(secret)) expect(headers.has(name)).toBe(false);
  });
});

it('a failed request is logged with who was passed over, and without anything it held', async () => {
  const { servers, relay } = await startPlace({ upstream: { retries: 1, api_key: 's3cret' } });
  servers[0]!.queue(['reset'], ['reset']);
  const response = await relay.post(chat({ messages: [{ role: 'user', content: 'pr1vate' }] }), {
    headers: { authorization: 'Bearer cl1ent' },
  });
  expect(response.status).toBe(502);
  await response.text();
  const name = nameOf(servers[0]!);
  const lines = relay.log.filter(({ msg }) => msg === 'request failed');
  expect(lines).toMatchObject([
    {
      level: 'warn',
      status: 502,
      error: 'upstream_disconnected',
      passedOver: [expect.stringContaining(name), expect.stringContaining(name)],
    },
  ]);
  expect(JSON.stringify(relay.log)).not.toMatch(/s3cret|pr1vate|cl1ent/);
});
