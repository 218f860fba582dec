import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  askServer,
  discoverCapabilities,
  readModelList,
  ServerNotWell,
} from '../../../src/backends/openai-compatible/discover.ts';
import type { ServerKind } from '../../../src/translate/relay/server-kinds.ts';
import { replicaAddresses } from '../../../src/upstream/replicas/replica-address.ts';
import type { Replica } from '../../../src/upstream/replicas/replica.ts';
import { TransportError } from '../../../src/upstream/transport-error.ts';
import {
  type Answer,
  bodyAnswer,
  errorAnswer,
  htmlAnswer,
  jsonAnswer,
} from '../../support/faulty-answers.ts';
import { FaultyServer } from '../../support/faulty-server.ts';
import { openConnection } from './open-connection.ts';

let server: FaultyServer;
const connection = openConnection({ authorization: 'Bearer s3cret' });

beforeEach(async () => {
  server = await FaultyServer.start();
});
afterEach(() => server.stop());

const at = (path = '/v1') => ({
  connection,
  replica: replicaAddresses([server.url + path])[0] as Replica,
  signal: AbortSignal.timeout(5000),
});

describe('askServer', () => {
  it.each<[base: string, path: string, asked: string]>([
    ['/v1', '/v1/models', '/v1/models'],
    ['/vllm/v1', '/v1/models', '/vllm/v1/models'],
    ['/openai', '/v1/models', '/openai/models'],
    ['', '/v1/models', '/models'],
    ['/v1', '/health', '/health'],
    ['/tgi/v1', '/health', '/tgi/health'],
    ['/api/v1beta2', '/props', '/api/props'],
    ['/openai', '/health', '/openai/health'],
  ])('at %s asks for %s at %s', async (base, path, asked) => {
    await askServer(at(base), path);
    expect(server.last).toMatchObject({ method: 'GET', path: asked, body: '' });
    expect(server.last.headers).not.toHaveProperty('content-type');
    expect(server.last.headers['authorization']).toBe('Bearer s3cret');
  });

  it('posts what it has to say', async () => {
    await askServer(at(), '/api/show', { model: 'm' });
    expect(server.last).toMatchObject({ method: 'POST', path: '/api/show', body: '{"model":"m"}' });
    expect(server.last.headers['content-type']).toBe('application/json');
  });

  it.each<[name: string, answer: Answer, value: object | undefined]>([
    ['an object', jsonAnswer({ a: 1 }), { a: 1 }],
    ['a list', jsonAnswer([1]), undefined],
    ['no JSON', bodyAnswer('ok'), undefined],
    ['nothing', bodyAnswer(''), undefined],
    ['a page', htmlAnswer(200), undefined],
    ['a refusal', errorAnswer(401), undefined],
    ['an unknown path', errorAnswer(404), undefined],
    ['too much', bodyAnswer(`{"a":"${'x'.repeat(5_000_000)}"}`), undefined],
  ])('gets %s', async (_, answer, value) => {
    server.respond = () => answer;
    expect(await askServer(at(), '/v1/models')).toEqual(value);
  });

  it.each([500, 502, 503, 599])('is told by %i that the server is not well', async (status) => {
    server.respond = () => errorAnswer(status);
    const work = askServer(at(), '/health');
    await expect(work).rejects.toThrow(ServerNotWell);
    await expect(work).rejects.toThrow(`HTTP ${status}`);
  });

  it('tells of a server that does not answer', async () => {
    server.respond = () => ['reset'];
    await expect(askServer(at(), '/health')).rejects.toThrow(TransportError);
  });
});

describe('readModelList', () => {
  it.each<[list: object | undefined, models: object[] | undefined]>([
    [undefined, undefined],
    [{}, undefined],
    [{ data: null }, undefined],
    [{ data: [] }, []],
    [
      { object: 'list', data: [{ id: 'a', created: 7, owned_by: 'vllm', max_model_len: 10 }] },
      [{ id: 'a', created: 7, ownedBy: 'vllm' }],
    ],
    [{ data: [{ id: 'a' }] }, [{ id: 'a', created: 0, ownedBy: '' }]],
    [{ data: [{ id: 'a', created: 'x', owned_by: 7 }] }, [{ id: 'a', created: 0, ownedBy: '' }]],
    [{ data: [null, 'a', { id: 7 }, { id: '' }, { name: 'a' }, []] }, []],
  ])('of %j', (list, models) => {
    expect(readModelList(list as Record<string, unknown> | undefined)).toEqual(models);
  });
});

describe('discoverCapabilities', () => {
  it.each<[kind: ServerKind, answers: Record<string, Answer>, capabilities: object]>([
    [
      'llamacpp',
      { '/props': jsonAnswer({ modalities: { vision: true, audio: false } }) },
      { images: true, audio: false },
    ],
    ['llamacpp', { '/props': jsonAnswer({ modalities: { vision: 'yes' } }) }, {}],
    ['llamacpp', { '/props': jsonAnswer({ modalities: null }) }, {}],
    ['llamacpp', { '/props': errorAnswer(404) }, {}],
    [
      'ollama',
      { '/api/show': jsonAnswer({ capabilities: ['completion', 'vision', 'tools'] }) },
      { images: true, tools: true },
    ],
    [
      'ollama',
      { '/api/show': jsonAnswer({ capabilities: ['completion'] }) },
      { images: false, tools: false },
    ],
    ['ollama', { '/api/show': jsonAnswer({ capabilities: [] }) }, {}],
    ['ollama', { '/api/show': jsonAnswer({ capabilities: 'vision' }) }, {}],
    ['ollama', { '/api/show': errorAnswer(404) }, {}],
  ])('of %s, case %#', async (kind, answers, capabilities) => {
    server.respond = ({ path }) => answers[path];
    expect(await discoverCapabilities(kind, 'm', at())).toEqual(capabilities);
    expect(server.requests).toHaveLength(1);
  });

  it.each<ServerKind>(['vllm', 'tgi', 'sglang', 'openai'])('does not ask %s', async (kind) => {
    expect(await discoverCapabilities(kind, 'm', at())).toEqual({});
    expect(server.requests).toHaveLength(0);
  });
});
