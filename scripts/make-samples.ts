/**
 * Makes the media in samples/, which stand in for the objects that the examples name. The picture is computed here; the
 * speech needs two programs that the machine may not have: apt-get install espeak-ng lame
 *
 * Usage: npm run generate:samples
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { drawScones } from './samples/draw-scones.ts';
import { encodeJpeg } from './samples/encode-jpeg.ts';

const run = promisify(execFile);

const SAMPLES = join(import.meta.dirname, '../samples');
const IMAGE = join(SAMPLES, 'generative-ai/image/scones.jpg');
const SPEECH = join(SAMPLES, 'generative-ai/audio/pixel.mp3');

const SPOKEN =
  'This is a short sample recording. It stands in for a longer one about the pixel. ' +
  'A pixel is the smallest dot of a picture. Thank you for listening.';

const QUALITY = 85;

await mkdir(dirname(IMAGE), { recursive: true });
await writeFile(IMAGE, encodeJpeg(drawScones(), QUALITY));
console.log(IMAGE);

const folder = await mkdtemp(join(tmpdir(), 'parlance-samples-'));
try {
  const wave = join(folder, 'speech.wav');
  await run('espeak-ng', ['-v', 'en-us', '-s', '150', '-w', wave, SPOKEN]);
  await mkdir(dirname(SPEECH), { recursive: true });
  await run('lame', ['--quiet', '-m', 'm', '--resample', '16', '-b', '32', wave, SPEECH]);
  console.log(SPEECH);
} finally {
  await rm(folder, { recursive: true });
}
