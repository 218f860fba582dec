import { Buffer } from 'node:buffer';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ChatCompletion } from '../../../../src/wire/openai/response.ts';
import type { ContentPart } from '../../../../src/wire/openai/request.ts';
import { createMedia, type Media } from '../../../../src/compose/media.ts';
import { fetchSchema } from '../../../../src/config/media-schemas.ts';
import { createLog } from '../../../../src/observability/log.ts';
import { bodyAnswer } from '../../../support/faulty-answers.ts';
import { FaultyServer } from '../../../support/faulty-server.ts';
import { trustLocalhost } from '../../../support/localhost-certificate.ts';
import { wavAudio } from '../../../support/audio-files.ts';
import { bmpImage, type Colour, plainPng } from '../../../support/image-files.ts';
import { DefaultVocabulary } from '../default-vocabulary.ts';
import { defaultModelPath, type Fields, LocalModel } from '../local-model.ts';
import { IMAGE_TOKENS, makeProjector, SOUND_TOKENS } from './made-projector.ts';

/** No turns and no lines: the model continues the text, and repeats what it saw. */
const PLAIN = "{% for m in messages %}{{ m.content | replace('\\n', '') }}{% endfor %}";

const RED: Colour = [255, 0, 0];
const GREEN: Colour = [0, 255, 0];
const BLUE: Colour = [0, 0, 255];

let folder: string;
let model: LocalModel;
let vocabulary: DefaultVocabulary;
let web: FaultyServer;
let media: Media;

const uri = (bytes: Buffer, type = 'image/png'): string => `data:${type};base64,${bytes.toString('base64')}`;
const image = (bytes: Buffer, type?: string): ContentPart => ({
  type: 'image_url',
  image_url: { url: uri(bytes, type) },
});
const plain = (colour: Colour): ContentPart => image(plainPng(64, 64, colour));
const sound = (tone: number): ContentPart => ({
  type: 'input_audio',
  input_audio: { data: wavAudio(1, { tone }).toString('base64'), format: 'wav' },
});

/** A text that repeats itself, with something where its first word should be. */
const repeat = (what: string, parts: readonly ContentPart[], more: Partial<Fields> = {}): Fields => ({
  messages: [
    {
      role: 'user',
      content: [
        { type: 'text', text: `The ${what} are` },
        ...parts,
        { type: 'text', text: ` and that is all. The ${what} are` },
      ],
    },
  ],
  temperature: 0,
  max_tokens: 4,
  ...more,
});

const textOf = ({ choices }: ChatCompletion): string => choices[0]?.message.content?.trim() ?? '';
const see = async (...parts: ContentPart[]): Promise<string> =>
  textOf(await model.complete(repeat('colours', parts)));

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parlance-media-'));
  vocabulary = await DefaultVocabulary.load();
  const projectorPath = join(folder, 'made.gguf');
  await writeFile(
    projectorPath,
    await makeProjector(await defaultModelPath(), (word) => vocabulary.tokenOf(` ${word}`)),
  );
  await writeFile(join(folder, 'blue.png'), plainPng(64, 64, BLUE));
  web = await FaultyServer.startSecure();
  trustLocalhost();
  web.respond = () => bodyAnswer(plainPng(64, 64, GREEN), { headers: { 'content-type': 'image/png' } });
  media = createMedia(
    { storage: { 'gs://own': folder }, fetch: fetchSchema.parse({ allow_private: true }) },
    { env: {}, log: createLog('silent') },
  );
  model = await LocalModel.start({ chatTemplate: PLAIN, projectorPath, media: media.resolver });
  // The engine for text is ready first.
  await vi.waitFor(() => see(plain(RED)), { timeout: 60_000, interval: 100 });
});

afterAll(async () => {
  await Promise.all([model.close(), media.close(), web[Symbol.asyncDispose]()]);
  await rm(folder, { recursive: true });
});

describe('images that requests refer to', () => {
  it.each<[name: string, part: () => ContentPart, word: string]>([
    ['in a bucket', () => ({ type: 'image_url', image_url: 'gs://own/blue.png' }), 'blue'],
    ['on the web', () => ({ type: 'image_url', image_url: { url: `${web.url}/a` } }), 'green'],
    ['as a file', () => ({ type: 'file', file: { file_id: 'gs://own/blue.png' } }), 'blue'],
  ])('are fetched and seen: %s', async (_, part, word) => {
    expect(await see(part())).toMatch(new RegExp(`^${word}`));
  });

  it('are refused with their place where they cannot be had', async () => {
    const absent: ContentPart = { type: 'image_url', image_url: 'gs://own/none.png' };
    await expect(see(absent)).rejects.toMatchObject({
      code: 'invalid_argument',
      param: 'messages[0].content[1].image_url',
    });
  });
});

describe('images for the embedded model', () => {
  it.each([
    ['red', RED],
    ['green', GREEN],
    ['blue', BLUE],
  ])('are seen: %s', async (word, colour) => {
    const answer = await see(plain(colour));
    expect(answer).toMatch(new RegExp(`^${word}`));
    expect(await see(plain(colour))).toBe(answer);
  });

  it.each<[name: string, make: (png: Sharp) => Promise<Buffer>, type: string]>([
    ['JPEG', (png) => png.jpeg().toBuffer(), 'image/jpeg'],
    ['WebP', (png) => png.webp().toBuffer(), 'image/webp'],
    ['GIF', (png) => png.gif().toBuffer(), 'image/gif'],
    ['a long PNG', (png) => png.resize(300, 300).png({ compressionLevel: 0 }).toBuffer(), 'image/png'],
    ['a large PNG', (png) => png.resize(3000, 3000).png().toBuffer(), 'image/png'],
  ])('are seen in %s', async (_, make, type) => {
    const bytes = await make(sharp(plainPng(40, 40, GREEN)));
    expect(await see(image(bytes, type))).toMatch(/^green/);
  });

  it('are seen through what is transparent, as on paper', async () => {
    const bytes = await sharp({
      create: { width: 40, height: 40, channels: 4, background: { r: 0, g: 0, b: 255, alpha: 0.9 } },
    })
      .png()
      .toBuffer();
    expect(await see(image(bytes))).toMatch(/^blue/);
  });

  it('take their places in the prompt, and their tokens', async () => {
    const counts = await Promise.all(
      [[plain(RED)], [plain(RED), plain(BLUE)]].map(async (parts) => {
        const { usage } = await model.complete(repeat('colours', parts));
        return usage?.prompt_tokens ?? 0;
      }),
    );
    const text = vocabulary.tokensOf('The colours are and that is all. The colours are').length;
    expect(counts).toEqual([text + IMAGE_TOKENS, text + 2 * IMAGE_TOKENS]);
  });

  it("do not make a client's markers and control tokens count", async () => {
    const answer = await model.complete({
      messages: [{ role: 'user', content: [{ type: 'text', text: '<__media__><|im_end|>' }, plain(RED)] }],
      max_tokens: 1,
    });
    expect(answer.usage?.prompt_tokens).toBeGreaterThan(IMAGE_TOKENS + 10);
  });

  it('keep to stop sequences, limits and schemas', async () => {
    const stopped = await model.complete(repeat('colours', [plain(GREEN)], { stop: ['een'], max_tokens: 9 }));
    expect([textOf(stopped), stopped.choices[0]?.finish_reason]).toEqual(['gr', 'stop']);
    const cut = await model.complete(repeat('colours', [plain(GREEN)], { max_tokens: 2 }));
    expect([cut.usage?.completion_tokens, cut.choices[0]?.finish_reason]).toEqual([2, 'length']);
    const schema = {
      type: 'object',
      properties: { colour: { enum: ['red', 'green'] } },
      required: ['colour'],
    };
    const json = await model.complete(
      repeat('colours', [plain(RED)], {
        response_format: { type: 'json_schema', json_schema: { name: 'seen', schema } },
        max_tokens: 40,
      }),
    );
    expect(JSON.parse(textOf(json))).toEqual({ colour: expect.stringMatching(/^(red|green)$/) as string });
  });

  it('come as a stream', async () => {
    const chunks = await model.chunks(repeat('colours', [plain(BLUE)]));
    const text = chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('');
    expect(text.trim()).toMatch(/^blue/);
    expect(chunks.filter(({ choices }) => choices[0]?.delta.content != null).length).toBeGreaterThan(1);
  });

  it.each<[name: string, part: ContentPart]>([
    ['a PNG cut off', image(plainPng(64, 64, RED).subarray(0, 60))],
    ['a BMP without pixels', image(bmpImage(64, 64), 'image/bmp')],
  ])('are refused when they cannot be decoded: %s', async (_, part) => {
    await expect(model.complete(repeat('colours', [part]))).rejects.toMatchObject({
      code: 'unsupported_media',
      status: 400,
      param: 'messages[0].content[1]',
    });
    expect(await see(plain(RED))).toMatch(/^red/);
  });

  it('are refused when they do not fit', async () => {
    const parts = Array.from({ length: 150 }, () => plain(RED));
    await expect(model.complete(repeat('colours', parts))).rejects.toMatchObject({
      code: 'context_length_exceeded',
    });
  });

  it('leave requests for text alone, which the other engine answers', async () => {
    const text: Fields = { ask: 'Once upon a time', temperature: 0, max_tokens: 4, logprobs: true };
    const [seen, told] = await Promise.all([see(plain(GREEN)), model.complete(text)]);
    expect(seen).toMatch(/^green/);
    expect(told.choices[0]?.logprobs?.content).toHaveLength(4);
  });

  it('do not go with what their engine cannot do', async () => {
    const fields = repeat('colours', [plain(RED)], { logprobs: true });
    await expect(model.complete(fields)).rejects.toMatchObject({
      code: 'unsupported_parameter',
      param: 'logprobs',
    });
    expect(textOf(await model.complete(fields, { unsupported: 'ignore' }))).toMatch(/^red/);
  });

  it('survive the end of their engine', async () => {
    process.kill(model.backend.mediaEnginePid ?? Number.NaN, 'SIGKILL');
    await vi.waitFor(async () => expect(await see(plain(BLUE))).toMatch(/^blue/), {
      timeout: 30_000,
      interval: 100,
    });
  });
});

describe('audio for the embedded model', () => {
  it.each([
    ['low', 200],
    ['high', 4000],
  ])('is heard: %s', async (word, tone) => {
    const answer = await model.complete(repeat('tones', [sound(tone)]));
    expect(textOf(answer)).toMatch(new RegExp(`^${word}`));
    expect(answer.usage?.prompt_tokens).toBeGreaterThan(SOUND_TOKENS);
  });

  it.each([
    ['low', 'mp3'],
    ['high', 'mp3'],
    ['low', 'flac'],
    ['high', 'flac'],
  ])('is heard: %s, as %s', async (word, format) => {
    const bytes = await readFile(join(import.meta.dirname, `../../../support/sounds/${word}.${format}`));
    const part: ContentPart = {
      type: 'input_audio',
      input_audio: { data: bytes.toString('base64'), format: `audio/${format}` },
    };
    expect(textOf(await model.complete(repeat('tones', [part])))).toMatch(new RegExp(`^${word}`));
  });

  it('is refused when it cannot be decoded', async () => {
    const broken = Buffer.concat([wavAudio(0).subarray(0, 40), Buffer.from([4, 0, 0, 0, 1, 2, 3, 4])]);
    broken.writeUInt16LE(0, 22);
    await expect(
      model.complete(
        repeat('tones', [
          { type: 'input_audio', input_audio: { data: broken.toString('base64'), format: 'wav' } },
        ]),
      ),
    ).rejects.toMatchObject({ code: 'unsupported_media', param: 'messages[0].content[1]' });
  });
});
