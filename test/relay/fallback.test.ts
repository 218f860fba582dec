/** Upstreams behind an upstream that cannot answer. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { chat as geminiChat, FORMS, last, readAnswer, saying, text } from '../gemini/fixture.ts';
import {
  type Answer,
  chunks,
  completion,
  errorAnswer,
  jsonAnswer,
  sseAnswer,
} from '../support/faulty-answers.ts';
import { refusingUrl } from '../support/faulty-server.ts';
import { errorAnswer as geminiError, HANG } from '../support/gemini-answers.ts';
import { type Responder, ReplayUpstream } from '../support/replay-upstream.ts';
import {
  chat,
  chatsOf,
  nameOf,
  type OnFinished,
  type RelayPlace,
  startRelay,
  startServers,
  upstreamOf,
} from './fixture.ts';

const models = [{ match: '*', upstream: 'first' }];

/** A server, and another that stands in for it. */
async function startPair(first: object = {}, second: object = {}): Promise<RelayPlace> {
  const servers = await startServers(2);
  const relay = await startRelay({
    upstreams: {
      first: upstreamOf([servers[0]!], { ...first, fallback: ['second'] }),
      second: upstreamOf([servers[1]!], second),
    },
    models,
  });
  return { servers, relay };
}

async function startGemini(
  respond?: Responder,
  onFinished: OnFinished = onTestFinished,
): Promise<{ upstream: ReplayUpstream; config: object }> {
  const upstream = await ReplayUpstream.start(respond);
  onFinished(() => upstream[Symbol.asyncDispose]());
  return {
    upstream,
    config: { kind: 'gemini', api_key: 'AIza-key', base_url: upstream.origin, http2: false, retries: 0 },
  };
}

const modelIn = (body: string): unknown => (JSON.parse(body) as { model?: unknown }).model;

describe.each(FORMS)('a $form answer', ({ stream }) => {
  it.each<[name: string, answer: Answer, reason: string]>([
    ['fails', errorAnswer(500), '500 internal_error'],
    ['is overloaded', errorAnswer(503), '503 overloaded'],
    ['limits the rate', errorAnswer(429), '429 rate_limit_exceeded'],
    [
      'has no credit left',
      jsonAnswer({ error: { message: 'empty', type: 'insufficient_quota' } }, { status: 429 }),
      '429 insufficient_quota',
    ],
    ['breaks off', ['reset'], '502 upstream_disconnected'],
    ['writes nonsense', jsonAnswer('nonsense'), '502 bad_upstream_response'],
  ])('comes from Gemini when the model server %s', async (_, answer, reason) => {
    const [server] = await startServers(1);
    const { upstream, config } = await startGemini(saying(text('Hel'), last('lo')));
    const relay = await startRelay({
      upstreams: {
        first: upstreamOf([server!], {
          retries: 0,
          fallback: [{ upstream: 'gemini', model: 'gemini-2.5-flash' }],
        }),
        gemini: config,
      },
      models,
    });
    server!.queue(answer);
    const {
      status,
      headers,
      content,
      isDone,
      completion: whole,
      chunks: events,
    } = await readAnswer(await relay.post(chat({ stream, model: 'google/mine', seed: 7 })));
    expect({ status, content, isDone }).toEqual({ status: 200, content: 'Hello', isDone: stream });
    expect(
      stream ? events.every(({ model }) => model === 'google/mine') : whole.model === 'google/mine',
    ).toBe(true);
    expect(upstream.requests.map(({ model }) => model)).toEqual(['gemini-2.5-flash']);
    expect(upstream.last.body.generationConfig?.seed).toBe(7);
    expect(upstream.refusals).toEqual([]);
    expect(headers.get('x-parlance-passed-over')?.split('; ').at(-1)).toBe(`first ${reason}`);
    expect(headers.get('x-parlance-upstream')).toBe('gemini');
    expect(headers.has('x-parlance-replica')).toBe(false);
    expect(relay.log.find(({ msg }) => msg === 'request')).toMatchObject({ upstream: 'gemini', status: 200 });
  });

  it.each<[name: string, entry: object | string, sent: string]>([
    ['the name the client wrote', 'second', 'google/mine'],
    ['the model of the entry', { upstream: 'second', model: 'spare' }, 'spare'],
  ])('comes from another model server, asked for %s', async (_, entry, sent) => {
    const [second] = await startServers(1);
    second!.respond = ({ path }) => (path === '/v1/models' ? errorAnswer(404) : undefined);
    const relay = await startRelay({
      upstreams: {
        first: upstreamOf([{ url: await refusingUrl() }], { model: 'served', fallback: [entry] }),
        second: upstreamOf([second!]),
      },
      models,
    });
    const {
      status,
      headers,
      content,
      completion: whole,
      chunks: events,
    } = await readAnswer(await relay.post(chat({ stream, model: 'google/mine' })));
    expect({ status, content }).toEqual({ status: 200, content: 'Hello there.' });
    expect(stream ? events[0]?.model : whole.model).toBe('google/mine');
    expect(chatsOf(second!).map(({ body }) => modelIn(body))).toEqual([sent]);
    expect(Object.fromEntries(headers)).toMatchObject({
      'x-parlance-upstream': 'second',
      'x-parlance-replica': nameOf(second!),
      'x-parlance-passed-over': expect.stringMatching(
        /no connection \(ECONNREFUSED\); first 503 upstream_unavailable$/,
      ),
    });
  });

  it.concurrent.for([
    { name: 'is overloaded', answer: geminiError({ code: 503, status: 'UNAVAILABLE', message: 'busy' }) },
    { name: 'is silent', answer: HANG },
  ])('comes from a model server when Gemini $name', async ({ answer }, { onTestFinished: onFinished }) => {
    const [server] = await startServers(1, onFinished);
    const { upstream, config } = await startGemini(() => answer, onFinished);
    const relay = await startRelay(
      {
        upstreams: {
          first: {
            ...config,
            first_byte_timeout_ms: 100,
            fallback: [{ upstream: 'second', model: 'spare' }],
          },
          second: upstreamOf([server!]),
        },
        models,
      },
      onFinished,
    );
    const body = `{"model":"google/gemini-2.5-flash", "messages":[{"role":"user","content":"Hi"}],"seed":7.0,"stream":${stream}}`;
    const { status, content, headers } = await readAnswer(await relay.post(body));
    expect({ status, content }).toEqual({ status: 200, content: 'Hello there.' });
    expect(upstream.requests).toHaveLength(1);
    expect(chatsOf(server!)[0]!.body).toBe(body.replace('google/gemini-2.5-flash', 'spare'));
    expect(headers.get('x-parlance-passed-over')).toMatch(/^first 50[34] (overloaded|timeout)$/);
  });

  it.each([400, 404, 413, 422])('does not come from anybody else after a refusal: %i', async (status) => {
    const { servers, relay } = await startPair();
    servers[0]!.queue(errorAnswer(status));
    const { status: actual, error, headers } = await readAnswer(await relay.post(chat({ stream })));
    expect([actual, error?.message]).toEqual([status === 422 ? 400 : status, `the script says ${status}`]);
    expect(headers.has('x-parlance-passed-over')).toBe(false);
    expect(chatsOf(servers[1]!)).toHaveLength(0);
  });

  it.each([401, 403])('comes from the next when the first refuses our credentials: %i', async (status) => {
    const { servers, relay } = await startPair();
    servers[0]!.queue(errorAnswer(status));
    const { status: actual, headers } = await readAnswer(await relay.post(chat({ stream })));
    expect(actual).toBe(200);
    expect(headers.get('x-parlance-upstream')).toBe('second');
    expect(headers.get('x-parlance-passed-over')).toMatch(new RegExp(`^first ${status} `));
    expect(servers.map((server) => chatsOf(server).length)).toEqual([1, 1]);
  });

  it('is that of the first failure when nobody can answer, with all who were asked', async () => {
    const servers = await startServers(3);
    const relay = await startRelay({
      upstreams: {
        // The fallback of a fallback is asked before the next in the list.
        first: upstreamOf([servers[0]!], { retries: 0, fallback: ['second', 'fourth'] }),
        second: upstreamOf([servers[1]!], { retries: 0, fallback: ['third'] }),
        third: upstreamOf([{ url: await refusingUrl() }]),
        fourth: upstreamOf([servers[2]!], { retries: 0 }),
      },
      models,
    });
    await relay.settled();
    servers[0]!.queue(errorAnswer(503, { 'retry-after': '9' }));
    servers[1]!.queue(errorAnswer(500));
    servers[2]!.queue(errorAnswer(400));
    const { status, headers, error } = await readAnswer(await relay.post(chat({ stream })));
    expect({ status, message: error?.message }).toEqual({ status: 503, message: 'the script says 503' });
    expect(headers.get('retry-after')).toBe('9');
    expect(
      headers
        .get('x-parlance-passed-over')
        ?.split('; ')
        .map((line) => line.replace(/^127\.\S+/, 'replica')),
    ).toEqual([
      'replica 503 overloaded',
      'first 503 overloaded',
      'replica 500 internal_error',
      'second 500 internal_error',
      'replica no connection (ECONNREFUSED)',
      'third 503 upstream_unavailable',
      'fourth 400 invalid_argument',
    ]);
  });
});

describe('a fallback', () => {
  it('whose validation refuses the request is passed over', async () => {
    const [server] = await startServers(1);
    const { upstream, config } = await startGemini(saying(last('Hello')));
    const relay = await startRelay({
      upstreams: { first: upstreamOf([server!], { retries: 0, fallback: ['gemini'] }), gemini: config },
      models,
    });
    server!.respond = ({ method }) => (method === 'POST' ? errorAnswer(500) : undefined);
    const { status, error, headers } = await readAnswer(await relay.post(chat({ temperature: 'hot' })));
    expect([status, error?.message]).toEqual([500, 'the script says 500']);
    expect(headers.get('x-parlance-passed-over')).toMatch(
      /; first 500 internal_error; gemini 400 invalid_argument$/,
    );
    expect(upstream.requests).toHaveLength(0);
    expect((await readAnswer(await relay.post(chat({ model: 'gemini-2.5-flash' })))).content).toBe('Hello');
  });

  it('is not asked once something was sent to the client', async () => {
    const { servers, relay } = await startPair();
    servers[0]!.queue(sseAnswer([chunks()[0]!], { ending: 'reset' }));
    const { error, isDone } = await readAnswer(await relay.post(chat({ stream: true })));
    expect([error?.code, isDone]).toEqual(['upstream_disconnected', false]);
    expect(chatsOf(servers[1]!)).toHaveLength(0);
  });

  it('is not asked for a client that has left, or whose time is up', async () => {
    const { servers, relay } = await startPair({ request_timeout_ms: 150 });
    servers[0]!.queue(['hang']);
    const { status, headers } = await readAnswer(await relay.post(chat()));
    expect([status, headers.has('x-parlance-passed-over')]).toEqual([504, false]);
    expect(chatsOf(servers[1]!)).toHaveLength(0);
  });

  it('of an endpoint is asked for its own model, not the one of the endpoint', async () => {
    const [server] = await startServers(1);
    const relay = await startRelay({
      upstreams: {
        first: upstreamOf([{ url: await refusingUrl() }], { fallback: ['second'] }),
        second: upstreamOf([server!], { model: 'spare' }),
      },
      models,
      endpoints: { 77: { upstream: 'first', model: 'lora' } },
    });
    const path = '/v1/projects/p/locations/us-central1/endpoints/77/chat/completions';
    expect((await readAnswer(await relay.post(chat({ model: undefined }), { path }))).status).toBe(200);
    expect(modelIn(chatsOf(server!)[0]!.body)).toBe('spare');
  });

  it('gets what the first one was sent, whatever that made of it', async () => {
    const { servers, relay } = await startPair({ kind: 'ollama', retries: 0 }, { model: 'spare' });
    servers[0]!.respond = ({ method, path }) =>
      method === 'POST' && path !== '/api/show' ? errorAnswer(500) : undefined;
    const request = chat({
      max_completion_tokens: 5,
      messages: [{ role: 'developer', content: 'Be brief.' }],
      google: { cached_content: 'x' },
    });
    const { headers } = await readAnswer(await relay.post(request));
    const { google: _, ...sent } = request;
    expect(JSON.parse(chatsOf(servers[1]!)[0]!.body)).toEqual({ ...sent, model: 'spare' });
    expect(headers.get('x-parlance-ignored')).toBe('google');
  });

  it('of Gemini that is a model server is sent what is valid only', async () => {
    const [server] = await startServers(1);
    const { upstream, config } = await startGemini();
    const relay = await startRelay({
      upstreams: { first: { ...config, fallback: ['second'] }, second: upstreamOf([server!]) },
      models,
    });
    const { status } = await readAnswer(await relay.post(geminiChat({ temperature: 'hot' })));
    expect(status).toBe(400);
    expect(upstream.requests).toHaveLength(0);
    expect(chatsOf(server!)).toHaveLength(0);
  });

  it('stands for an answer that does not match its schema', async () => {
    const { servers, relay } = await startPair({
      kind: 'openai',
      structured_output: { repairs: 0 },
    });
    const schema = { type: 'object', required: ['city'] };
    servers[1]!.queue(jsonAnswer(completion({ content: '{"city":"Oslo"}' })));
    const { content, headers } = await readAnswer(
      await relay.post(
        chat({ response_format: { type: 'json_schema', json_schema: { name: 'a', strict: true, schema } } }),
      ),
    );
    expect(content).toBe('{"city":"Oslo"}');
    expect(headers.get('x-parlance-passed-over')).toContain('first 502 schema_mismatch');
  });
});
