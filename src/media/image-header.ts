import { GatewayError } from '../errors.ts';

/** What the first bytes of an image say about it, read without decoding anything. */
export interface ImageHeader {
  readonly mimeType: 'image/png' | 'image/jpeg' | 'image/webp' | 'image/gif' | 'image/bmp';
  /** In pixels. */
  readonly width: number;
  readonly height: number;
}

/** Pixels of an image, and of one of its sides, beyond which it is not decoded: four bytes a pixel make 200 MB. */
export const MAX_IMAGE_PIXELS = 50_000_000;
const MAX_IMAGE_SIDE = 32_767;

/**
 * Reads type and size of an image and refuses what is too large to decode, what is no image by its bytes, and what is
 * something else too.
 *
 * @throws {GatewayError} `unsupported_media`
 */
export function readImageHeader(bytes: Uint8Array): ImageHeader {
  const header = findFormat(bytes);
  const { width, height } = header;
  if (width === 0 || height === 0) throw damaged(header.mimeType);
  if (width * height > MAX_IMAGE_PIXELS || Math.max(width, height) > MAX_IMAGE_SIDE) {
    throw new GatewayError(
      'unsupported_media',
      `The image has ${width} x ${height} pixels; at most ${MAX_IMAGE_PIXELS / 1_000_000} million are decoded, and ${MAX_IMAGE_SIDE} a side.`,
    );
  }
  if (hasSecondFace(bytes)) {
    throw new GatewayError(
      'unsupported_media',
      `The data is ${header.mimeType} and a document or archive at the same time.`,
    );
  }
  return header;
}

function findFormat(bytes: Uint8Array): ImageHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const { mimeType, signature, readSize } of FORMATS) {
    if (!beginsWith(bytes, signature)) continue;
    try {
      const size = readSize(view);
      if (size !== undefined) return { mimeType, ...size };
    } catch (error) {
      // A read past the end: the header is cut off.
      if (!(error instanceof RangeError)) throw error;
    }
    throw damaged(mimeType);
  }
  throw new GatewayError('unsupported_media', 'The data is no PNG, JPEG, WebP, GIF or BMP image.');
}

function damaged(mimeType: string): GatewayError {
  return new GatewayError(
    'unsupported_media',
    `The data begins like ${mimeType}, but its header is damaged.`,
  );
}

interface Size {
  readonly width: number;
  readonly height: number;
}

interface Format {
  readonly mimeType: ImageHeader['mimeType'];
  /** A space stands for any byte. */
  readonly signature: string;
  /** @throws {RangeError} past the end of the data */
  readonly readSize: (view: DataView) => Size | undefined;
}

const FORMATS: readonly Format[] = [
  { mimeType: 'image/png', signature: '\x89PNG\r\n\x1A\n', readSize: readPng },
  { mimeType: 'image/jpeg', signature: '\xFF\xD8\xFF', readSize: readJpeg },
  { mimeType: 'image/webp', signature: 'RIFF    WEBP', readSize: readWebp },
  { mimeType: 'image/gif', signature: 'GIF87a', readSize: readGif },
  { mimeType: 'image/gif', signature: 'GIF89a', readSize: readGif },
  { mimeType: 'image/bmp', signature: 'BM', readSize: readBmp },
];

/** PNG specification, section 11.2.2: IHDR comes first. */
function readPng(view: DataView): Size | undefined {
  if (tagAt(view, 12) !== 'IHDR') return undefined;
  return { width: view.getUint32(16), height: view.getUint32(20) };
}

function readGif(view: DataView): Size {
  return { width: view.getUint16(6, true), height: view.getUint16(8, true) };
}

/** Old headers have 16-bit sizes; a negative height means that the top row comes first. */
function readBmp(view: DataView): Size | undefined {
  const headerSize = view.getUint32(14, true);
  if (headerSize === 12) return { width: view.getUint16(18, true), height: view.getUint16(20, true) };
  if (headerSize < 40 || headerSize > 124) return undefined;
  return { width: Math.abs(view.getInt32(18, true)), height: Math.abs(view.getInt32(22, true)) };
}

/** ITU-T T.81, B.1: markers, of which the frame header has the size. */
function readJpeg(view: DataView): Size | undefined {
  let at = 2;
  for (;;) {
    if (view.getUint8(at) !== 0xff) return undefined;
    const marker = view.getUint8(at + 1);
    if (marker === 0xff) at += 1;
    else if (isFrameHeader(marker)) return { width: view.getUint16(at + 7), height: view.getUint16(at + 5) };
    // Image data or the end before any frame header.
    else if (marker < 0xc0 || (marker >= 0xd0 && marker <= 0xda)) return undefined;
    else at += 2 + Math.max(2, view.getUint16(at + 2));
  }
}

/** SOF0 to SOF15; three of these numbers are tables and extensions. */
function isFrameHeader(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

/** RFC 9649, sections 2.5 to 2.7. */
function readWebp(view: DataView): Size | undefined {
  switch (tagAt(view, 12)) {
    case 'VP8 ':
      // The key frame's start code; the two highest bits of each size are a scale.
      if (view.getUint8(23) !== 0x9d || view.getUint8(24) !== 0x01 || view.getUint8(25) !== 0x2a)
        return undefined;
      return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
    case 'VP8L': {
      if (view.getUint8(20) !== 0x2f) return undefined;
      const bits = view.getUint32(21, true);
      return { width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff) };
    }
    case 'VP8X':
      return {
        width: 1 + (view.getUint32(24, true) & 0xff_ffff),
        height: 1 + (view.getUint32(26, true) >>> 8),
      };
    default:
      return undefined;
  }
}

/** Where a document may still begin that readers find behind other bytes. */
const DOCUMENT_REACH = 1024;
const DOCUMENT_SIGNS = /%PDF-|<(?:svg|html|script|!doctype)\b/i;

/** Length of an archive's end record without its comment, and the longest comment. */
const ARCHIVE_END = 22;
const ARCHIVE_COMMENT = 0xffff;

/** Whether another kind of reader would take the same bytes for a document, or for a ZIP archive. */
function hasSecondFace(bytes: Uint8Array): boolean {
  if (DOCUMENT_SIGNS.test(latin1(bytes.subarray(0, DOCUMENT_REACH)))) return true;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const last = bytes.length - ARCHIVE_END;
  for (let at = last; at >= Math.max(0, last - ARCHIVE_COMMENT); at--) {
    if (view.getUint32(at) === 0x504b0506 && view.getUint16(at + 20, true) === last - at) return true;
  }
  return false;
}

function beginsWith(bytes: Uint8Array, signature: string): boolean {
  if (bytes.length < signature.length) return false;
  for (let at = 0; at < signature.length; at++) {
    if (signature[at] !== ' ' && signature.charCodeAt(at) !== bytes[at]) return false;
  }
  return true;
}

/** @throws {RangeError} past the end of the data */
function tagAt(view: DataView, at: number): string {
  return String.fromCharCode(...[0, 1, 2, 3].map((index) => view.getUint8(at + index)));
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
