/** What model servers tell about themselves: which models they have, and what those take. */
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { readAnswer } from '../gemini/fixture.ts';
import { type Answer, errorAnswer, FAULTY_MODEL, jsonAnswer } from '../support/faulty-answers.ts';
import { type FaultyServer, refusingUrl } from '../support/faulty-server.ts';
import {
  chat,
  chatsOf,
  type OnFinished,
  startPlace,
  startRelay,
  startServers,
  until,
  upstreamOf,
} from './fixture.ts';

const listOf = (...ids: string[]): Answer =>
  jsonAnswer({
    object: 'list',
    data: ids.map((id) => ({ id, object: 'model', created: 7, owned_by: 'me' })),
  });

/** A server that answers GET requests of these paths, and POST requests other than chats. */
async function serverWith(
  answers: Readonly<Record<string, Answer>>,
  onFinished?: OnFinished,
): Promise<FaultyServer> {
  const [server] = await startServers(1, onFinished);
  server!.respond = ({ path }) => answers[path];
  return server!;
}

/** What llama.cpp and Ollama say of a model. */
const props = (vision: boolean): Answer => jsonAnswer({ modalities: { vision, audio: false } });
const show = (...capabilities: string[]): Answer => jsonAnswer({ capabilities });

const endpoint = (id: number): string =>
  `/v1/projects/p/locations/us-central1/endpoints/${id}/chat/completions`;

const modelSentTo = (server: FaultyServer): unknown =>
  (JSON.parse(chatsOf(server).at(-1)!.body) as { model?: unknown }).model;

const IMAGE = {
  messages: [
    { role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }] },
  ],
};
const TOOLS = { tools: [{ type: 'function', function: { name: 'f' } }] };
const SCHEMA = { response_format: { type: 'json_schema', json_schema: { name: 'a', schema: {} } } };

describe('the model a server is asked for', () => {
  it.each<
    [name: string, listed: string[], keys: object, asked: string | undefined, sent: string | undefined]
  >([
    ['the one the configuration names', ['a', 'b'], { model: 'c' }, 'a', 'c'],
    ['the one the client names, if the server lists it', ['a', 'b'], {}, 'b', 'b'],
    ['the same without its publisher', ['a', 'b'], {}, 'google/b', 'b'],
    ['the one with a publisher, if the server lists it so', ['google/a', 'b'], {}, 'google/a', 'google/a'],
    ['the only one there is', ['a'], {}, 'gpt-4o', 'a'],
    ['the one the client names, if there are several others', ['a', 'b'], {}, 'google/c', 'google/c'],
    ['the one the client names, if the server lists none', [], {}, 'google/c', 'google/c'],
  ])('is %s', async (_, listed, keys, asked, sent) => {
    const server = await serverWith({ '/v1/models': listOf(...listed) });
    const relay = await startRelay({ upstreams: { servers: upstreamOf([server], keys) } });
    await relay.settled();
    const { completion } = await readAnswer(await relay.post(chat({ model: asked })));
    expect(modelSentTo(server)).toBe(sent);
    expect(completion.model).toBe(asked);
  });

  it('is that of the endpoint', async () => {
    const server = await serverWith({ '/v1/models': listOf('a') });
    const relay = await startRelay({
      upstreams: { servers: upstreamOf([server], { model: 'b' }) },
      endpoints: { 77: { upstream: 'servers', model: 'lora-c' }, 78: { upstream: 'servers' } },
    });
    const { completion } = await readAnswer(
      await relay.post(chat({ model: 'mine' }), { path: endpoint(77) }),
    );
    expect([modelSentTo(server), completion.model]).toEqual(['lora-c', 'mine']);
    // A client of an endpoint need not name one, and then sees the server's.
    const unnamed = await readAnswer(await relay.post(chat({ model: undefined }), { path: endpoint(77) }));
    expect([modelSentTo(server), unnamed.completion.model]).toEqual(['lora-c', 'lora-c']);
    await readAnswer(await relay.post(chat({ model: undefined }), { path: endpoint(78) }));
    expect(modelSentTo(server)).toBe('b');
  });

  it('has to be named where there are several', async () => {
    const server = await serverWith({ '/v1/models': listOf('a', 'b') });
    const relay = await startRelay({ upstreams: { servers: upstreamOf([server]) } });
    const { status, error } = await readAnswer(
      await relay.post(chat({ model: undefined }), { path: endpoint(1) }),
    );
    expect(status).toBe(400);
    expect(error).toMatchObject({
      code: 'missing_required_parameter',
      param: 'model',
      message: 'Name a model: the upstream servers has a, b.',
    });
    expect(chatsOf(server)).toHaveLength(0);
  });

  it('is known as soon as any replica has told', async () => {
    const server = await serverWith({ '/v1/models': [{ wait: 200 }, ...listOf('a')] });
    const relay = await startRelay({
      upstreams: { servers: upstreamOf([{ url: await refusingUrl() }, server]) },
    });
    await readAnswer(await relay.post(chat({ model: 'gpt-4o' })));
    expect(modelSentTo(server)).toBe('a');
  });

  it('is what the client wrote when nobody tells', async () => {
    const server = await serverWith({ '/v1/models': errorAnswer(401) });
    const relay = await startRelay({ upstreams: { servers: upstreamOf([server]) } });
    await readAnswer(await relay.post(chat({ model: 'gpt-4o' })));
    expect(modelSentTo(server)).toBe('gpt-4o');
  });

  it('is not waited for by a client that leaves', async () => {
    const server = await serverWith({ '/v1/models': ['hang'] });
    const relay = await startRelay({ upstreams: { servers: upstreamOf([server]) } });
    const client = new AbortController();
    const answer = relay.post(chat(), { signal: client.signal });
    await pause(50);
    client.abort();
    await expect(answer).rejects.toThrow('abort');
    await until(() => relay.log.some(({ error }) => error === 'cancelled'));
    expect(chatsOf(server)).toHaveLength(0);
  });
});

describe('GET /v1/models', () => {
  it('lists what the servers have, and what rules name', async () => {
    const server = await serverWith({ '/v1/models': listOf('a', 'org/b') });
    const relay = await startRelay({
      upstreams: { servers: upstreamOf([server]), named: upstreamOf([server], { model: 'c' }) },
      models: [
        { match: 'gpt-4o', upstream: 'servers' },
        { match: 'c', upstream: 'named' },
        { match: '*', upstream: 'servers' },
      ],
    });
    await relay.settled();
    const { data } = (await (await relay.get('/v1/models')).json()) as { data: { id: string }[] };
    expect(data.map(({ id }) => id)).toEqual(['gpt-4o', 'c', 'a', 'org/b']);
    expect(data.at(-1)).toEqual({
      id: 'org/b',
      object: 'model',
      created: 7,
      owned_by: 'me',
      parlance: { upstream: 'servers', kind: 'vllm', model: 'org/b' },
    });
  });

  it('lists the configured model while the server is down', async () => {
    const relay = await startRelay({
      upstreams: { servers: upstreamOf([{ url: await refusingUrl() }], { model: 'c' }) },
    });
    await relay.settled();
    expect(await (await relay.get('/v1/models/c')).json()).toMatchObject({
      id: 'c',
      owned_by: 'vllm',
      created: 0,
    });
  });

  it('lists new models of a server that came back', async () => {
    const server = await serverWith({ '/v1/models': listOf('a') });
    await server.stop();
    const relay = await startRelay({
      upstreams: { servers: upstreamOf([server], { health: { down_interval_ms: 100 } }) },
    });
    await relay.settled();
    expect(await (await relay.get('/v1/models')).json()).toMatchObject({ data: [] });
    await server.restart();
    await until(() => relay.log.some(({ msg }) => msg === 'replica up'));
    expect(await (await relay.get('/v1/models')).json()).toMatchObject({ data: [{ id: 'a' }] });
  });
});

describe('what the server tells of its model', () => {
  it.each<[name: string, kind: string, answers: Record<string, Answer>, request: object, param: string]>([
    ['llama.cpp, images', 'llamacpp', { '/props': props(false) }, IMAGE, 'messages[0].content[0].image_url'],
    [
      'Ollama, images',
      'ollama',
      { '/api/show': show('completion', 'tools') },
      IMAGE,
      'messages[0].content[0].image_url',
    ],
    ['Ollama, tools', 'ollama', { '/api/show': show('completion', 'vision') }, TOOLS, 'tools'],
  ])('is heeded before anything is sent: %s', async (_, kind, answers, request, param) => {
    const server = await serverWith(answers);
    const relay = await startRelay({ upstreams: { servers: upstreamOf([server], { kind }) } });
    const [path] = Object.keys(answers);
    await until(() => server.requests.some((asked) => asked.path === path));
    const refused = async () => (await relay.post(chat(request))).status;
    await expect.poll(refused).toBe(400);
    const { length } = server.requests;
    const { error } = await readAnswer(await relay.post(chat(request)));
    expect(error?.param).toBe(param);
    expect(server.requests).toHaveLength(length);
  });

  it.concurrent.for<[name: string, kind: string, answers: Record<string, Answer>]>([
    ['it takes images', 'llamacpp', { '/props': props(true) }],
    ['it takes images', 'ollama', { '/api/show': show('vision') }],
    ['it does not know the question', 'llamacpp', {}],
    ['it does not know the question', 'ollama', {}],
    ['it says nothing of use', 'llamacpp', { '/props': jsonAnswer({}) }],
    ['it says nothing of use', 'ollama', { '/api/show': jsonAnswer({ capabilities: [] }) }],
    ['it falls silent', 'llamacpp', { '/props': ['hang'] }],
    ['nobody asks it', 'vllm', {}],
  ])('lets images pass where %s: %s', async ([, kind, answers], { onTestFinished: onFinished }) => {
    const server = await serverWith(answers, onFinished);
    const health = { interval_ms: 100, timeout_ms: 100 };
    const relay = await startRelay(
      { upstreams: { servers: upstreamOf([server], { kind, health }) } },
      onFinished,
    );
    await relay.settled();
    await pause(250);
    expect((await readAnswer(await relay.post(chat(IMAGE)))).status).toBe(200);
    // Silence there says nothing of the server's health.
    expect(relay.log.filter(({ msg }) => msg === 'replica down')).toEqual([]);
  });

  it('counts for that model alone', async () => {
    const server = await serverWith({ '/v1/models': listOf('blind', 'seeing') });
    server.respond = ({ path, body }) => {
      if (path === '/v1/models') return listOf('blind', 'seeing');
      if (path !== '/api/show') return undefined;
      return body.includes('seeing') ? show('vision') : show('completion');
    };
    const relay = await startRelay({ upstreams: { servers: upstreamOf([server], { kind: 'ollama' }) } });
    const statusOf = async (model: string) =>
      (await readAnswer(await relay.post(chat({ ...IMAGE, model })))).status;
    await until(() => server.requests.filter(({ path }) => path === '/api/show').length === 2);
    await expect.poll(() => statusOf('blind')).toBe(400);
    expect(await statusOf('seeing')).toBe(200);
    expect(await statusOf('unlisted')).toBe(200);
  });

  it.each<[capabilities: object, request: object, param: string | undefined]>([
    [{ images: true }, IMAGE, undefined],
    [{ images: false }, IMAGE, 'messages[0].content[0].image_url'],
    [{ tools: false }, TOOLS, 'tools'],
    [{ json_schema: false }, SCHEMA, 'response_format'],
    [{ logprobs: false }, { logprobs: true }, 'logprobs'],
  ])('counts less than the configuration: %j', async (capabilities, request, param) => {
    const server = await serverWith({ '/props': props(false) });
    const relay = await startRelay({
      upstreams: { servers: upstreamOf([server], { kind: 'llamacpp', capabilities }) },
    });
    await relay.settled();
    await until(() => server.requests.some(({ path }) => path === '/props'));
    await pause(50);
    const { status, error } = await readAnswer(await relay.post(chat(request)));
    expect([status, error?.param]).toEqual([param === undefined ? 200 : 400, param]);
    expect(chatsOf(server)).toHaveLength(param === undefined ? 1 : 0);
  });

  it('is asked for with the key and the headers', async () => {
    const server = await serverWith({ '/api/show': show('vision') });
    await startRelay({
      upstreams: {
        servers: upstreamOf([server], { kind: 'ollama', api_key: 's3cret', headers: { 'x-team': 'search' } }),
      },
    });
    await until(() => server.requests.length === 2);
    expect(
      server.requests.map(({ path, headers, body }) => [
        path,
        headers['authorization'],
        headers['x-team'],
        body,
      ]),
    ).toEqual([
      ['/v1/models', 'Bearer s3cret', 'search', ''],
      ['/api/show', 'Bearer s3cret', 'search', JSON.stringify({ model: FAULTY_MODEL })],
    ]);
  });
});

describe('a request that is refused before it is sent', () => {
  it.each<[request: object, param: string | null, code: string]>([
    [{ messages: undefined }, 'messages', 'missing_required_parameter'],
    [{ messages: 'Hi' }, 'messages', 'invalid_argument'],
    [{ stream: 'yes' }, 'stream', 'invalid_argument'],
    [{ model: 7 }, 'model', 'invalid_argument'],
    [{ model: 'm'.repeat(257) }, 'model', 'invalid_argument'],
    [
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: 'gs://b' }] }] },
      'messages[0].content[0].image_url',
      'invalid_argument',
    ],
  ])('%j names %s', async (request, param, code) => {
    const { servers, relay } = await startPlace();
    const { status, error } = await readAnswer(await relay.post(chat(request)));
    expect({ status, param: error?.param, code: error?.code }).toEqual({ status: 400, param, code });
    expect(chatsOf(servers[0]!)).toHaveLength(0);
  });

  it('is nothing else: what only the server knows is for the server to judge', async () => {
    const { servers, relay } = await startPlace();
    const odd = {
      messages: [],
      temperature: 'hot',
      n: -1,
      tools: 'none',
      nonsense: { deep: [1] },
      stream: null,
    };
    expect((await readAnswer(await relay.post(chat(odd)))).status).toBe(200);
    expect(JSON.parse(chatsOf(servers[0]!)[0]!.body)).toEqual({ model: FAULTY_MODEL, ...odd });
  });
});
