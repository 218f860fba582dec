/** Media of every kind, at every upstream: what the upstream gets, with real sources on loopback. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Part } from '../../src/wire/gemini/request.ts';
import { bodyAnswer as fileAnswer } from '../support/faulty-answers.ts';
import { FaultyServer } from '../support/faulty-server.ts';
import { answerAs } from '../support/gemini-answers.ts';
import { trustLocalhost } from '../support/localhost-certificate.ts';
import { RelayServer } from '../support/relay-server.ts';
import { ReplayUpstream } from '../support/replay-upstream.ts';
import { startStorageEmulator, type StorageEmulator } from '../support/storage-emulator.ts';

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
const MP3 = Buffer.concat([Buffer.from('ID3\x04\0\0\0\0\0\0', 'latin1'), Buffer.alloc(2000, 0x55)]);
/** So large that they stay in the bytes of the request. */
const LARGE_PNG = Buffer.concat([PNG, Buffer.alloc(300_001, 'png')]);
const LARGE_MP3 = Buffer.concat([MP3, Buffer.alloc(200_000, 'mp3')]);
const base64 = (bytes: Buffer): string => bytes.toString('base64');

const ANSWER = {
  candidates: [{ content: { role: 'model', parts: [{ text: 'Seen.' }] }, finishReason: 'STOP' }],
};

let emulator: StorageEmulator;
let web: FaultyServer;
let secureWeb: FaultyServer;
let gemini: ReplayUpstream;
let server: FaultyServer;
let folder: string;
let relay: RelayServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parlance-media-'));
  await writeFile(join(folder, 'o.png'), PNG);
  emulator = await startStorageEmulator();
  emulator.put({ bucket: 'pictures', name: 'a b/ö.png' }, PNG, { contentType: 'image/png' });
  emulator.put({ bucket: 'pictures', name: 'sound' }, MP3, { contentType: 'audio/mpeg' });
  web = await FaultyServer.start();
  secureWeb = await FaultyServer.startSecure();
  trustLocalhost();
  gemini = await ReplayUpstream.start(({ method }) => answerAs(method, [ANSWER]));
  server = await FaultyServer.start();
  const health = { interval_ms: 0 };
  relay = await RelayServer.start(
    {
      storage: { 'gs://own': folder, 'gs://cloud-samples-data': join(import.meta.dirname, '../../samples') },
      fetch: { allow_private: true, cache_bytes: 0 },
      upstreams: {
        vertex: {
          kind: 'vertex',
          project: 'p-1',
          location: 'us-central1',
          access_token: 't',
          base_url: gemini.origin,
        },
        gemini: { kind: 'gemini', api_key: 'k', base_url: gemini.origin },
        ...Object.fromEntries(
          ['vllm', 'llamacpp', 'ollama'].map((kind) => [kind, { kind, base_url: server.url, health }]),
        ),
      },
      models: ['vertex', 'gemini', 'vllm', 'llamacpp', 'ollama'].map((upstream) => ({
        match: upstream,
        upstream,
      })),
    },
    { env: { STORAGE_EMULATOR_HOST: emulator.url } },
  );
  await relay.settled();
});

afterEach(() => {
  gemini.clear();
  server.requests.length = 0;
  web.requests.length = 0;
  secureWeb.requests.length = 0;
});

afterAll(async () => {
  await relay[Symbol.asyncDispose]();
  await Promise.all(
    [emulator.close(), web, secureWeb, gemini, server].map((each) =>
      each instanceof Promise ? each : each[Symbol.asyncDispose](),
    ),
  );
  await rm(folder, { recursive: true });
});

type Content = Record<string, unknown>;

/** The last part of a request that came to the upstream of this name. */
async function sentTo(upstream: string, part: Content, before?: Content): Promise<Part | Content> {
  const content = [{ type: 'text', text: 'What is it?' }, ...(before === undefined ? [] : [before]), part];
  const messages = [{ role: 'user', content }];
  const response = await relay.post({ model: upstream, messages });
  const text = await response.text();
  if (response.status !== 200) throw new Error(text);
  if (upstream === 'vertex' || upstream === 'gemini') return gemini.last.body.contents.at(-1)!.parts.at(-1)!;
  const body = JSON.parse(server.last.body) as { messages: { content: Content[] }[] };
  return body.messages.at(-1)!.content.at(-1)!;
}

const fileOf = (file: object): Content => ({ type: 'file', file: { ...file, filename: 'o.png' } });
const sound = (data: string, format: string): Content => ({
  type: 'input_audio',
  input_audio: { data, format },
});
const image = (url: string): Content => ({ type: 'image_url', image_url: { url } });
const dataUri = `data:image/png;base64,${base64(PNG)}`;
const largeUri = `data:image/png;base64,${base64(LARGE_PNG)}`;
const inlineLarge = { inlineData: { mimeType: 'image/png', data: base64(LARGE_PNG) } };
const inline = { inlineData: { mimeType: 'image/png', data: base64(PNG) } };
const inlineSound = { inlineData: { mimeType: 'audio/mp3', data: base64(MP3) } };

const SERVERS = ['vllm', 'llamacpp', 'ollama'];
const ALL = ['vertex', 'gemini', ...SERVERS];

/** What each upstream gets of an image that only this server can read, or of a medium in the request. */
const everywhere = (native: object, own: Content): [string, object][] =>
  ALL.map((upstream) => [upstream, upstream === 'vertex' || upstream === 'gemini' ? native : own]);

describe('an image', () => {
  it.each(everywhere(inline, image(dataUri)))('in the request, for %s', async (upstream, expected) => {
    expect(await sentTo(upstream, image(dataUri))).toEqual(expected);
  });

  it.each(everywhere(inlineLarge, image(largeUri)))(
    'large, in the request, for %s',
    async (upstream, expected) => {
      expect(await sentTo(upstream, image(largeUri))).toEqual(expected);
    },
  );

  it.each(everywhere(inlineLarge, { type: 'file', file: { file_data: largeUri, filename: 'o.png' } }))(
    'large, as a file in the request, for %s',
    async (upstream, expected) => {
      expect(await sentTo(upstream, fileOf({ file_data: largeUri }))).toEqual(expected);
    },
  );

  it.each(everywhere(inline, image(dataUri)))(
    'that has to be fetched, beside a large one in the request, for %s',
    async (upstream, expected) => {
      expect(await sentTo(upstream, image('gs://own/o.png'), image(largeUri))).toEqual(expected);
      expect(await sentTo(upstream, image(largeUri), image('gs://own/o.png'))).toEqual(
        'type' in expected ? image(largeUri) : inlineLarge,
      );
    },
  );

  it.each(everywhere(inline, image(dataUri)))(
    'in a folder of this machine, for %s',
    async (upstream, expected) => {
      expect(await sentTo(upstream, image('gs://own/o.png'))).toEqual(expected);
    },
  );

  it.each(everywhere(inline, image(dataUri)))('in an emulator, for %s', async (upstream, expected) => {
    expect(await sentTo(upstream, image('gs://pictures/a b/ö.png'))).toEqual(expected);
  });

  it.each(ALL.flatMap((upstream) => [['http', upstream] as const, ['https', upstream] as const]))(
    'on the web by %s, for %s',
    async (scheme, upstream) => {
      const from = scheme === 'http' ? web : secureWeb;
      from.respond = () => fileAnswer(PNG, { headers: { 'content-type': 'text/plain' } });
      const url = `${from.url}/picture.jpg?signature=secret`;
      const fetched: Record<string, object> = { gemini: inline, ollama: image(dataUri) };
      const asWritten = {
        vertex: { fileData: { mimeType: 'image/jpeg', fileUri: url } },
        vllm: image(url),
        llamacpp: image(url),
      }[upstream];
      expect(await sentTo(upstream, image(url))).toEqual(fetched[upstream] ?? asWritten);
      expect(from.requests).toHaveLength(upstream in fetched ? 1 : 0);
    },
  );

  it.each(everywhere(inline, { type: 'file', file: { file_data: dataUri, filename: 'o.png' } }))(
    'as a file, for %s',
    async (upstream, expected) => {
      expect(await sentTo(upstream, fileOf({ file_data: 'gs://own/o.png' }))).toEqual(expected);
      expect(await sentTo(upstream, fileOf({ file_id: 'gs://own/o.png' }))).toEqual(
        'file' in expected ? { type: 'file', file: { filename: 'o.png', file_data: dataUri } } : expected,
      );
    },
  );
});

describe('sound', () => {
  it.each(everywhere(inlineSound, sound(base64(MP3), 'mp3')))(
    'in an emulator, for %s',
    async (upstream, expected) => {
      expect(await sentTo(upstream, sound('gs://pictures/sound', 'audio/mp3'))).toEqual(expected);
    },
  );

  it.each(everywhere(inlineSound, sound(base64(MP3), 'mp3')))(
    'in the request, for %s',
    async (upstream, expected) => {
      expect(await sentTo(upstream, sound(base64(MP3), 'mp3'))).toEqual(expected);
    },
  );

  it.each(
    everywhere(
      { inlineData: { mimeType: 'audio/mp3', data: base64(LARGE_MP3) } },
      sound(base64(LARGE_MP3), 'mp3'),
    ),
  )('large, in the request, for %s', async (upstream, expected) => {
    expect(await sentTo(upstream, sound(base64(LARGE_MP3), 'mp3'))).toEqual(expected);
  });
});

describe('the objects that the examples name', () => {
  it.each([
    ['image/jpeg', image('gs://cloud-samples-data/generative-ai/image/scones.jpg')],
    ['audio/mp3', sound('gs://cloud-samples-data/generative-ai/audio/pixel.mp3', 'audio/mp3')],
  ])('are there without Cloud Storage: %s', async (mimeType, part) => {
    expect(await sentTo('gemini', part)).toMatchObject({ inlineData: { mimeType } });
  });
});

describe('what cannot be had', () => {
  it.each<[name: string, url: string, code: string, message: RegExp]>([
    ['no such object', 'gs://pictures/none.png', 'invalid_argument', /none\.png/],
    ['no such file', 'gs://own/none.png', 'invalid_argument', /none\.png/],
    ['a file outside', 'gs://own/../../etc/passwd', 'invalid_argument', /passwd/],
    ['no address', 'gs://pictures', 'invalid_argument', /gs:\/\/BUCKET\/OBJECT/],
  ])(
    '%s is refused with its place, for every upstream that has to have it',
    async (_, url, code, message) => {
      for (const upstream of ['gemini', 'vllm', 'ollama']) {
        const response = await relay.post({
          model: upstream,
          messages: [{ role: 'user', content: [image(url)] }],
        });
        const { error } = (await response.json()) as {
          error: { code: string; param: string; message: string };
        };
        expect({ status: response.status, code: error.code, param: error.param }).toEqual({
          status: 400,
          code,
          param: 'messages[0].content[0].image_url.url',
        });
        expect(error.message).toMatch(message);
      }
      expect([gemini.requests, server.requests.filter(({ method }) => method === 'POST')]).toEqual([[], []]);
    },
  );

  it('tells the type that a page has in place of an image, and not its query', async () => {
    web.respond = () => fileAnswer('<!doctype html><p>Sign in', { headers: { 'content-type': 'text/html' } });
    const response = await relay.post({
      model: 'gemini',
      messages: [{ role: 'user', content: [image(`${web.url}/a.png?signature=secret`)] }],
    });
    const text = await response.text();
    expect(response.status).toBe(400);
    expect(text).toContain('is said to be text/html');
    expect(text + JSON.stringify(relay.log)).not.toContain('secret');
  });
});
