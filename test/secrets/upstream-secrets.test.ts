/** What upstreams are told and say: nobody sees a credential, and a prompt its owner and the upstream it is for alone. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { UPSTREAMS } from './planted-config.ts';
import { type Got, PlantedServer } from './planted-server.ts';
import { Plants } from './plants.ts';
import { order, type Outcome, FAILURES, senderOf } from './repeating-upstream.ts';
import { richRequest } from './rich-request.ts';

const CHAT = '/v1/chat/completions';
const PASSTHROUGH = '/v1beta/openai/chat/completions';
const FORMS = [false, true];

let planted: PlantedServer;

beforeAll(async () => {
  planted = await PlantedServer.start();
});

afterAll(() => planted[Symbol.asyncDispose]());

afterEach(() => planted.assertNoNewLeak());

const bearer = (key: string): Record<string, string> => ({ authorization: `Bearer ${key}` });

/** What a client may have in its headers besides the credential that counts. */
function strayHeaders(owner: string): Record<string, string> {
  const secret = (name: string): string => planted.plants.put(`${name} of ${owner}`);
  return {
    ...Object.fromEntries(
      [
        'x-goog-api-key',
        'api-key',
        'x-api-key',
        'openai-organization',
        'openai-project',
        'x-goog-user-project',
        'x-goog-iap-jwt-assertion',
        'x-amz-security-token',
        'x-forwarded-for',
        'x-forwarded-authorization',
        'proxy-authorization',
        'forwarded',
        'x-extra',
      ].map((name) => [name, secret(name)]),
    ),
    cookie: `session=${secret('cookie')}`,
  };
}

interface Ask {
  readonly model: string;
  readonly outcome: Outcome;
  readonly stream: boolean;
}

const nameOf = ({ model, outcome, stream }: Ask): string =>
  `${model}, ${outcome}, ${stream ? 'streamed' : 'whole'}`;

function bodyOf({ model, outcome, stream }: Ask, owner: string, fields: object = {}): string {
  const prompt = planted.plants.put(`prompt of ${owner}`, owner, 'text');
  const content = `${order(owner, outcome)} ${prompt}`;
  return JSON.stringify({ model, stream, messages: [{ role: 'user', content }], ...fields });
}

function askAsServer(call: Ask): Promise<Got> {
  const owner = nameOf(call);
  const headers = { ...strayHeaders(owner), ...bearer(planted.config.keys[call.stream ? 0 : 1]) };
  return planted.send({ owner, path: CHAT, headers, body: bodyOf(call, owner) });
}

function askAsClient(call: Ask): Promise<Got> {
  const owner = `${nameOf(call)}, passed through`;
  const credential = planted.plants.put(senderOf(owner), senderOf(owner));
  const headers = { ...strayHeaders(owner), ...bearer(credential) };
  return planted.send({ owner, path: PASSTHROUGH, headers, body: bodyOf(call, owner) });
}

function askRichly(call: Ask): Promise<Got> {
  const owner = `${nameOf(call)}, rich`;
  const body = richRequest(planted.plants, owner, call);
  return planted.send({ owner, path: CHAT, headers: bearer(planted.config.keys[0]), body });
}

/** All upstreams, in both forms, at once. */
function askAll(outcome: Outcome, ...ways: ((call: Ask) => Promise<Got>)[]): Promise<Got[]> {
  return Promise.all(
    UPSTREAMS.flatMap((model) =>
      FORMS.flatMap((stream) => ways.map((ask) => ask({ model, outcome, stream }))),
    ),
  );
}

describe('an upstream', () => {
  it('that answers', async () => {
    const answers = await askAll('good', askAsServer, askAsClient, askRichly);
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
  });

  it.each(FAILURES)('whose answer is "%s"', async (outcome) => {
    const answers = await askAll(outcome, askAsServer, askAsClient);
    expect(answers.filter(({ text }) => !text.includes('"error":'))).toEqual([]);
  });

  // What is repeated to the client is what credentials have to be cut out of.
  it.each(['refused', 'page', 'error-with-200', 'error-event'] as const)(
    'whose answer to something private in every field is "%s"',
    async (outcome) => {
      const answers = await askAll(outcome, askRichly);
      expect(answers.filter(({ text }) => !text.includes('You sent'))).toEqual([]);
    },
  );
});

describe('a client that leaves', () => {
  it('in the middle of an answer', async () => {
    const answers = await Promise.all(
      UPSTREAMS.map((model) => {
        const call = { model, outcome: 'stalled', stream: true } as const;
        const owner = `${nameOf(call)}, left`;
        const headers = bearer(planted.config.keys[0]);
        return planted.send({ owner, path: CHAT, headers, body: bodyOf(call, owner), leaves: true });
      }),
    );
    expect(answers.map(({ status }) => status)).toEqual(UPSTREAMS.map(() => 200));
    expect(answers.map(({ text }) => text).join()).not.toContain('"error":');
  });
});

describe('a schema of a client', () => {
  it.each<[name: string, schema: (secret: string) => object, sign: string]>([
    ['that the answer does not match', (secret) => ({ enum: [secret] }), '"schema_mismatch"'],
    [
      'whose check has to be ended',
      (secret) => ({ title: secret, type: 'string', pattern: '^(a|aa)+$' }),
      'takes longer than',
    ],
    ['that cannot be used', (secret) => ({ $ref: `#/$defs/${secret}` }), '"unsupported_schema"'],
    ['with a pattern that is none', (secret) => ({ pattern: `(${secret}` }), '"unsupported_schema"'],
  ])('%s', async (name, schema, sign) => {
    const call = { model: 'checked', outcome: 'good', stream: false } as const;
    const owner = `a schema ${name}`;
    const secret = planted.plants.put(`schema of ${owner}`, owner);
    const format = { type: 'json_schema', json_schema: { name: 'planted', schema: schema(secret) } };
    const body = bodyOf(call, owner, { response_format: format });
    const { text } = await planted.send({ owner, path: CHAT, headers: bearer(planted.config.keys[0]), body });
    expect(text).toContain(sign);
  });
});

describe('an upstream that cannot be asked', () => {
  it.each([
    ['gone', 'x-parlance-passed-over'],
    ['misplaced', 'upstream_credentials'],
  ])('because it is %s', async (model, sign) => {
    const call = { model, outcome: 'good', stream: false } as const;
    const { text } = await planted.send({
      owner: model,
      path: CHAT,
      headers: bearer(planted.config.keys[0]),
      body: bodyOf(call, model),
    });
    expect(text).toContain(sign);
  });
});

describe('the look-out', () => {
  const call = { model: 'server', outcome: 'refused', stream: false } as const;

  it.each<[name: string, write: (value: string) => string]>([
    ['as it is', (value) => value],
    ['in JSON', (value) => JSON.stringify({ value })],
    ['in a URL', (value) => encodeURIComponent(value)],
    ['in Base64', (value) => Buffer.from(`key:${value}`).toString('base64')],
    ['without its end', (value) => `${value.slice(0, 12)}...`],
  ])('would see a secret that is shown %s', async (name, write) => {
    const decoys = new Plants();
    const owner = `a decoy ${name}`;
    const decoy = decoys.put(owner);
    const content = `${order(owner, 'refused')} ${write(decoy)}`;
    const body = JSON.stringify({ ...call, messages: [{ role: 'user', content }] });
    await planted.send({ owner, path: CHAT, headers: bearer(planted.config.keys[0]), body });
    expect(decoys.leaks(planted.sights())).toEqual([
      `${owner} is shown in the answer to ${owner}`,
      `${owner} is shown in a request to server for ${owner}`,
    ]);
  });

  it('would see a secret that is logged', async () => {
    const decoys = new Plants();
    const id = decoys.put('decoy').replaceAll(/\W/g, '');
    const headers = { ...bearer(planted.config.keys[0]), 'x-request-id': id };
    await planted.send({
      owner: 'a logged decoy',
      path: CHAT,
      headers,
      body: bodyOf(call, 'a logged decoy'),
    });
    await planted.assertNoNewLeak();
    expect(decoys.leaks(planted.sights())).toContain('decoy is shown in the output of the server');
  });
});

describe('the end', () => {
  it('of the server in the middle of an answer, after hundreds of secrets that all came in', async () => {
    const call = { model: 'server', outcome: 'stalled', stream: true } as const;
    const answer = planted.send({
      owner: 'the last',
      path: CHAT,
      headers: bearer(planted.config.keys[0]),
      body: bodyOf(call, 'the last'),
    });
    await expect.poll(() => planted.upstream.sights.at(-1)?.name).toContain('the last');
    planted.process.kill('SIGTERM');
    await answer;
    expect(await planted.process.exit).toBe(0);
    const { plants, process } = planted;
    expect(plants.size).toBeGreaterThan(1000);
    expect(plants.missing()).toEqual([]);
    expect(process.output.split('\n').length).toBeGreaterThan(300);
    // Also those that were not known yet when they might have been shown.
    expect(plants.leaks(planted.sights())).toEqual([]);
  });
});
