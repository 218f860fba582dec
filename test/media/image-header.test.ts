import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../src/errors.ts';
import { readImageHeader } from '../../src/media/image-header.ts';
import { bmpImage, gifImage, jpegImage, pngImage, webpImage } from '../support/image-files.ts';

const thrownBy = (bytes: Uint8Array): unknown => {
  try {
    readImageHeader(bytes);
  } catch (error) {
    return error;
  }
  return undefined;
};

/** A type, or the code of an error. */
const outcomeOf = (bytes: Uint8Array): string => {
  const error = thrownBy(bytes);
  if (error === undefined) return readImageHeader(bytes).mimeType;
  return error instanceof GatewayError ? error.code : 'another error';
};

const ALL_KINDS = [
  ['PNG', 'image/png', pngImage(640, 480)],
  ['JPEG', 'image/jpeg', jpegImage(640, 480)],
  ['progressive JPEG', 'image/jpeg', jpegImage(640, 480, { frameMarker: 0xc2 })],
  ['JPEG with fill bytes', 'image/jpeg', jpegImage(640, 480, { fill: 3 })],
  ['WebP, lossy', 'image/webp', webpImage(640, 480, 'VP8 ')],
  ['WebP, lossless', 'image/webp', webpImage(640, 480, 'VP8L')],
  ['WebP, extended', 'image/webp', webpImage(640, 480, 'VP8X')],
  ['GIF', 'image/gif', gifImage(640, 480)],
  ['BMP', 'image/bmp', bmpImage(640, 480)],
  ['BMP, top row first', 'image/bmp', bmpImage(640, -480)],
] as const;

describe('the header of an image', () => {
  it.each(ALL_KINDS)('%s', (_, mimeType, bytes) => {
    expect(readImageHeader(bytes)).toEqual({ mimeType, width: 640, height: 480 });
  });

  it.each(ALL_KINDS)('%s, cut off anywhere, is refused or read, never more', (_, mimeType, bytes) => {
    const outcomes = new Set(
      Array.from({ length: bytes.length }, (_unused, length) => outcomeOf(bytes.subarray(0, length))),
    );
    expect([mimeType, 'unsupported_media']).toEqual(expect.arrayContaining([...outcomes]));
  });

  it.each([
    ['50,000 x 50,000 pixels', pngImage(50_000, 50_000), '50000 x 50000'],
    ['a side of a billion', pngImage(1_000_000_000, 1), '1000000000 x 1'],
    ['an endless WebP', webpImage(16_777_216, 16_777_216, 'VP8X'), '16777216 x 16777216'],
    ['no width', pngImage(0, 10), 'damaged'],
    ['no height', jpegImage(10, 0), 'damaged'],
    ['a header of no known size', Buffer.concat([Buffer.from('BM'), Buffer.alloc(60, 0xff)]), 'damaged'],
    ['SVG', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), 'no PNG'],
    ['SVG behind a byte order mark', Buffer.from('\uFEFF<?xml version="1.0"?><svg/>'), 'no PNG'],
    ['a PDF', Buffer.from('%PDF-1.7\n'), 'no PNG'],
    ['HEIC', Buffer.from('\0\0\0\x18ftypheic'), 'no PNG'],
    ['TIFF', Buffer.from('II*\0\x08\0\0\0'), 'no PNG'],
    ['nothing', Buffer.alloc(0), 'no PNG'],
    ['a GIF that is a PDF', Buffer.concat([gifImage(9, 9), Buffer.from('%PDF-1.4')]), 'at the same time'],
    ['a GIF that is a page', Buffer.concat([gifImage(9, 9), Buffer.from('<SCRIPT>')]), 'at the same time'],
    ['a JPEG that is an archive', Buffer.concat([jpegImage(9, 9), emptyArchive(7)]), 'at the same time'],
  ])('%s is refused', (_, bytes, reason) => {
    expect(thrownBy(bytes)).toMatchObject({
      code: 'unsupported_media',
      message: expect.stringContaining(reason) as string,
    });
  });

  it('takes an archive only for one where its end is the end', () => {
    expect(readImageHeader(Buffer.concat([jpegImage(9, 9), emptyArchive(7), Buffer.alloc(1)]))).toMatchObject(
      {
        width: 9,
      },
    );
  });

  it('throws nothing but its own error, whatever the bytes', () => {
    const beginnings = ALL_KINDS.map(([, , bytes]) => bytes);
    fc.assert(
      fc.property(
        fc.constantFrom(Buffer.alloc(0), ...beginnings),
        fc.nat(40),
        fc.uint8Array({ maxLength: 300 }),
        (beginning, kept, rest) => {
          const error = thrownBy(Buffer.concat([beginning.subarray(0, kept), rest]));
          return error === undefined || (error instanceof GatewayError && error.code === 'unsupported_media');
        },
      ),
      { numRuns: 2000 },
    );
  });
});

/** The end record of a ZIP archive without entries, with a comment. */
function emptyArchive(comment: number): Buffer {
  const end = Buffer.alloc(22 + comment);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(comment, 20);
  return end;
}
