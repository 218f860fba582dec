/** Image files made for tests: whole ones in PNG, and the beginnings of other kinds. */
import { Buffer } from 'node:buffer';
import { crc32, deflateSync } from 'node:zlib';

export type Colour = readonly [red: number, green: number, blue: number];

/** A PNG with a header that claims a size, and no pixels worth the name. */
export function pngImage(width: number, height: number): Buffer {
  return png(width, height, Buffer.alloc(0));
}

/** A PNG of one colour that any decoder reads. */
export function plainPng(width: number, height: number, colour: Colour): Buffer {
  const row = Buffer.concat([Buffer.from([0]), Buffer.alloc(width * 3, Buffer.from(colour))]);
  return png(width, height, Buffer.alloc(row.length * height, row));
}

function png(width: number, height: number, rows: Buffer): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  // 8 bits each of red, green and blue.
  header.set([8, 2], 8);
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1A\n', 'latin1'),
    pngChunk('IHDR', header),
    pngChunk('IDAT', deflateSync(rows)),
    pngChunk('IEND', Buffer.alloc(0)),
  ]);
}

function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const chunk = Buffer.alloc(body.length + 8);
  chunk.writeUInt32BE(data.length);
  body.copy(chunk, 4);
  chunk.writeUInt32BE(crc32(body), body.length + 4);
  return chunk;
}

/** JFIF, a table, then the frame header. */
export function jpegImage(width: number, height: number, { frameMarker = 0xc0, fill = 0 } = {}): Buffer {
  const frame = Buffer.alloc(19);
  frame.set([0xff, frameMarker, 0, 17, 8]);
  frame.writeUInt16BE(height, 5);
  frame.writeUInt16BE(width, 7);
  return Buffer.concat([
    Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16]),
    Buffer.from('JFIF\0\x01\x01\0\0\x01\0\x01\0\0', 'latin1'),
    Buffer.from([0xff, 0xc4, 0, 4, 1, 2]),
    Buffer.alloc(fill, 0xff),
    frame,
    Buffer.from([0xff, 0xda, 0, 2, 0xff, 0xd9]),
  ]);
}

export function gifImage(width: number, height: number): Buffer {
  const file = Buffer.alloc(14);
  file.write('GIF89a');
  file.writeUInt16LE(width, 6);
  file.writeUInt16LE(height, 8);
  file[13] = 0x3b;
  return file;
}

/** @param height negative: the top row comes first */
export function bmpImage(width: number, height: number): Buffer {
  const file = Buffer.alloc(54);
  file.write('BM');
  file.writeUInt32LE(40, 14);
  file.writeInt32LE(width, 18);
  file.writeInt32LE(height, 22);
  return file;
}

export function webpImage(width: number, height: number, chunk: 'VP8 ' | 'VP8L' | 'VP8X'): Buffer {
  const file = Buffer.alloc(34);
  file.write('RIFF');
  file.writeUInt32LE(file.length - 8, 4);
  file.write(`WEBP${chunk}`, 8);
  if (chunk === 'VP8 ') {
    file.set([0x9d, 0x01, 0x2a], 23);
    file.writeUInt16LE(width, 26);
    file.writeUInt16LE(height, 28);
  } else if (chunk === 'VP8L') {
    file[20] = 0x2f;
    file.writeUInt32LE((width - 1) | ((height - 1) << 14), 21);
  } else {
    file.writeUIntLE(width - 1, 24, 3);
    file.writeUIntLE(height - 1, 27, 3);
  }
  return file;
}
