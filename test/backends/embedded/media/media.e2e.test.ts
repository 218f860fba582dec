import { Buffer } from 'node:buffer';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ContentPart } from '../../../../src/wire/openai/request.ts';
import { type Colour, plainPng } from '../../../support/image-files.ts';
import { DefaultVocabulary } from '../default-vocabulary.ts';
import { defaultModelPath, LocalModel } from '../local-model.ts';
import { COLOURS, IMAGE_TOKENS, makeColourProjector } from './colour-projector.ts';

/** No turns and no lines: the model continues the text, and repeats what it saw. */
const PLAIN = "{% for m in messages %}{{ m.content | replace('\\n', '') }}{% endfor %}";

let folder: string;
let model: LocalModel;

const RED: Colour = [255, 0, 0];
const GREEN: Colour = [0, 255, 0];
const BLUE: Colour = [0, 0, 255];

const image = (bytes: Buffer, type = 'image/png'): ContentPart => ({
  type: 'image_url',
  image_url: { url: `data:${type};base64,${bytes.toString('base64')}` },
});
const about = (...parts: ContentPart[]): ContentPart[] => [
  { type: 'text', text: 'The colours are' },
  ...parts,
  { type: 'text', text: ' and that is all. The colours are' },
];
const see = async (...parts: ContentPart[]): Promise<string> =>
  (
    await model.text({
      messages: [{ role: 'user', content: about(...parts) }],
      temperature: 0,
      max_tokens: 6,
    })
  ).trim();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parlance-media-'));
  const modelPath = await defaultModelPath();
  const vocabulary = await DefaultVocabulary.load();
  const projectorPath = join(folder, 'colours.gguf');
  await writeFile(
    projectorPath,
    await makeColourProjector(
      modelPath,
      COLOURS.map((word) => vocabulary.tokenOf(` ${word}`)),
    ),
  );
  model = await LocalModel.start({ chatTemplate: PLAIN, projectorPath });
  // The engine for text is ready first.
  await vi.waitFor(() => see(image(plainPng(8, 8, RED))), { timeout: 60_000, interval: 100 });
});

afterAll(async () => {
  await model.close();
  await rm(folder, { recursive: true });
});

describe('images for the embedded model', () => {
  it.each([
    ['red', RED],
    ['green', GREEN],
    ['blue', BLUE],
  ])('are seen: %s', async (word, colour) => {
    expect(await see(image(plainPng(64, 64, colour)))).toMatch(new RegExp(`^${word}`));
  });
});
