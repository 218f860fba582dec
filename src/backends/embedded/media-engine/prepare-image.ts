import { Buffer } from 'node:buffer';
import sharp from 'sharp';
import { MAX_IMAGE_PIXELS } from '../../../media/image-header.ts';

/** What an engine decodes that the image library does not. */
const PASSED_ON = 'image/bmp';

/**
 * Turns an image into one that any projector reads: upright, without transparency, first frame only, and no side longer
 * than `side` pixels.
 *
 * @param data base64
 * @returns a data URI
 * @throws {Error} when the image cannot be decoded
 */
export async function prepareImage(data: string, mimeType: string, side: number): Promise<string> {
  if (mimeType === PASSED_ON) return `data:${mimeType};base64,${data}`;
  const image = await sharp(Buffer.from(data, 'base64'), { limitInputPixels: MAX_IMAGE_PIXELS })
    .autoOrient()
    .flatten({ background: '#ffffff' })
    .resize({ width: side, height: side, fit: 'inside', withoutEnlargement: true })
    .toColourspace('srgb')
    .png({ compressionLevel: 1 })
    .toBuffer();
  return `data:image/png;base64,${image.toString('base64')}`;
}
