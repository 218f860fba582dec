import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ServerFacts } from '../../../src/backends/openai-compatible/server-facts.ts';
import type { ServerKind } from '../../../src/translate/relay/server-kinds.ts';
import { replicaAddresses } from '../../../src/upstream/replicas/replica-address.ts';
import type { Replica } from '../../../src/upstream/replicas/replica.ts';
import { type Answer, errorAnswer, FAULTY_MODEL, jsonAnswer } from '../../support/faulty-answers.ts';
import { FaultyServer, refusingUrl } from '../../support/faulty-server.ts';
import { openConnection } from './open-connection.ts';

let server: FaultyServer;
const connection = openConnection();
const never = new AbortController().signal;

beforeEach(async () => {
  server = await FaultyServer.start();
});
afterEach(() => server.stop());

const factsOf = (kind: ServerKind, { model, replicas = 1 }: { model?: string; replicas?: number } = {}) =>
  new ServerFacts({ kind, model, connection, replicas });
const replicaAt = (url: string) => replicaAddresses([`${url}/v1`])[0] as Replica;
const paths = () => server.requests.map(({ path }) => path);
const answerWith = (answers: Readonly<Record<string, Answer>>) => {
  server.respond = ({ path }) => answers[path];
};
const show = (...capabilities: string[]) => jsonAnswer({ capabilities });
const listOf = (...ids: string[]) => jsonAnswer({ data: ids.map((id) => ({ id })) });

describe('ServerFacts', () => {
  it('learn the models from the first probe', async () => {
    const facts = factsOf('vllm');
    expect(facts.models).toBeUndefined();
    await facts.probe(replicaAt(server.url), never);
    expect(facts.models).toEqual([{ id: FAULTY_MODEL, created: 1_700_000_000, ownedBy: 'tests' }]);
  });

  it('learn new models from later probes, and keep them when there is no list', async () => {
    const facts = factsOf('vllm');
    for (const answer of [listOf('a'), listOf('b'), errorAnswer(401)]) {
      answerWith({ '/v1/models': answer });
      await facts.probe(replicaAt(server.url), never);
    }
    expect(facts.models?.map(({ id }) => id)).toEqual(['b']);
  });

  it.each([
    { name: 'ask once for a list', answer: listOf('a'), asked: 1, models: ['a'] },
    { name: 'do not ask again where there is no list', answer: errorAnswer(404), asked: 1, models: [] },
    {
      name: 'ask again where the answer was a failure',
      answer: errorAnswer(503),
      asked: 3,
      models: undefined,
    },
  ])('$name that the probe is not', async ({ answer, asked, models }) => {
    answerWith({ '/health': jsonAnswer({}), '/v1/models': answer });
    const facts = factsOf('tgi');
    for (let probes = 1; probes <= 3; probes++) {
      await facts.probe(replicaAt(server.url), never);
      await expect
        .poll(() => paths().filter((path) => path === '/v1/models').length)
        .toBe(Math.min(probes, asked));
      await facts.known(never);
    }
    expect(facts.models?.map(({ id }) => id)).toEqual(models);
  });

  it('fail a probe when the server is not well, and only then', async () => {
    answerWith({ '/health': errorAnswer(503) });
    await expect(factsOf('tgi').probe(replicaAt(server.url), never)).rejects.toThrow('HTTP 503');
    answerWith({ '/health': jsonAnswer({}), '/v1/models': ['reset'] });
    await expect(factsOf('tgi').probe(replicaAt(server.url), never)).resolves.toBeUndefined();
  });

  it('tell what each of its models takes', async () => {
    server.respond = ({ path, body }) => {
      if (path === '/v1/models') return listOf('seeing', 'blind', 'odd');
      if (body.includes('odd')) return errorAnswer(500);
      return body.includes('seeing') ? show('vision', 'tools') : show('completion');
    };
    const facts = factsOf('ollama');
    await facts.probe(replicaAt(server.url), never);
    await expect.poll(paths).toHaveLength(4);
    expect(facts.capabilitiesOf('seeing')).toEqual({ images: true, tools: true });
    expect(facts.capabilitiesOf('blind')).toEqual({ images: false, tools: false });
    expect(facts.capabilitiesOf('odd')).toEqual({});
    expect(facts.capabilitiesOf('unheard-of')).toEqual({});
    expect(facts.capabilitiesOf(undefined)).toEqual({});
    // What failed is asked for again.
    await facts.probe(replicaAt(server.url), never);
    await expect.poll(paths).toHaveLength(6);
    expect(server.last.body).toBe('{"model":"odd"}');
  });

  it.each<[kind: ServerKind, model: string | undefined, listed: string[], asked: string[]]>([
    ['ollama', 'mine', ['a', 'b'], ['{"model":"mine"}']],
    ['llamacpp', 'mine', ['a', 'b'], ['']],
    ['llamacpp', undefined, ['a'], ['']],
    ['llamacpp', undefined, ['a', 'b'], []],
    ['llamacpp', undefined, [], []],
    ['vllm', undefined, ['a'], []],
  ])('of %s with the configured model %s ask about %j: %j', async (kind, model, listed, asked) => {
    answerWith({ '/v1/models': listOf(...listed), '/props': jsonAnswer({}), '/api/show': show('vision') });
    const facts = factsOf(kind, model === undefined ? {} : { model });
    await facts.probe(replicaAt(server.url), never);
    await expect.poll(() => server.requests.slice(1).map(({ body }) => body)).toEqual(asked);
  });
});

describe('known', () => {
  it('waits for the first list, and leaves nothing on the signal', async () => {
    const { promise: opened, resolve: open } = Promise.withResolvers<void>();
    answerWith({ '/v1/models': [{ until: opened }, ...listOf('a')] });
    const facts = factsOf('vllm');
    const client = new AbortController();
    const waiting = facts.known(client.signal).then(() => facts.models?.length);
    const probing = facts.probe(replicaAt(server.url), never);
    open();
    expect(await waiting).toBe(1);
    await probing;
    expect(getEventListeners(client.signal, 'abort')).toEqual([]);
  });

  it('does not wait for a list where no replica answers', async () => {
    const facts = factsOf('vllm', { replicas: 2 });
    const urls = await Promise.all([refusingUrl(), refusingUrl()]);
    const began = performance.now();
    const waiting = facts.known(never);
    for (const url of urls) await expect(facts.probe(replicaAt(url), never)).rejects.toThrow('ECONNREFUSED');
    await waiting;
    expect(facts.models).toBeUndefined();
    expect(performance.now() - began).toBeLessThan(1500);
  });

  it('waits for those that may still answer', async () => {
    answerWith({ '/v1/models': [{ wait: 50 }, ...listOf('a')] });
    const facts = factsOf('vllm', { replicas: 2 });
    const waiting = facts.known(never).then(() => facts.models?.length);
    const probing = facts.probe(replicaAt(server.url), never);
    await expect(facts.probe(replicaAt(await refusingUrl()), never)).rejects.toThrow('ECONNREFUSED');
    expect(await waiting).toBe(1);
    await probing;
  });

  it('ends with the client', async () => {
    const facts = factsOf('vllm');
    const client = new AbortController();
    const waiting = facts.known(client.signal);
    client.abort(new Error('the client left'));
    await expect(waiting).rejects.toThrow('the client left');
    await expect(facts.known(client.signal)).rejects.toThrow('the client left');
    expect(getEventListeners(client.signal, 'abort')).toEqual([]);
  });
});
