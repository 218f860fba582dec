/** Sound files made for tests. */
import { Buffer } from 'node:buffer';

export interface WavOptions {
  /** In hertz; 0 is silence. @default 440 */
  readonly tone?: number;
  /** In samples a second. @default 16,000 */
  readonly sampleRate?: number;
  /** Number of the encoding. @default PCM */
  readonly encoding?: number;
  /** What the header claims about the length of its data, in bytes. @default the truth */
  readonly claimedBytes?: number;
}

/** A WAV file of 16 bits, mono. */
export function wavAudio(
  seconds: number,
  { tone = 440, sampleRate = 16_000, encoding = 1, claimedBytes }: WavOptions = {},
): Buffer {
  const samples = Int16Array.from({ length: Math.round(seconds * sampleRate) }, (_, at) =>
    Math.round(12_000 * Math.sin((2 * Math.PI * tone * at) / sampleRate)),
  );
  const header = Buffer.alloc(44);
  header.write('RIFF');
  header.writeUInt32LE(36 + samples.byteLength, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(encoding, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(sampleRate, 24);
  header.writeUInt32LE(sampleRate * 2, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36);
  header.writeUInt32LE(claimedBytes ?? samples.byteLength, 40);
  return Buffer.concat([header, Buffer.from(samples.buffer)]);
}

/** Frames of MPEG 1 layer III, 128 kbit/s at 44,100 Hz: 26 ms each, with nothing in them. */
export function mp3Audio(frames: number, { tag = 0 }: { readonly tag?: number } = {}): Buffer {
  const frame = Buffer.alloc(417);
  frame.set([0xff, 0xfb, 0x90, 0x00]);
  const id3 = Buffer.alloc(tag === 0 ? 0 : 10 + tag);
  if (tag > 0) {
    id3.write('ID3\x04');
    id3.set([(tag >> 21) & 0x7f, (tag >> 14) & 0x7f, (tag >> 7) & 0x7f, tag & 0x7f], 6);
  }
  return Buffer.concat([id3, ...Array.from({ length: frames }, () => frame)]);
}

/** The beginning of a FLAC file. */
export function flacAudio(samples: number, sampleRate = 44_100): Buffer {
  const file = Buffer.alloc(42);
  file.write('fLaC');
  file.set([0x80, 0, 0, 34], 4);
  // 20 bits of rate, 3 of channels, 5 of sample size, 36 of length.
  file.writeUInt32BE(
    (((sampleRate << 12) >>> 0) | (1 << 9) | (15 << 4) | Math.floor(samples / 2 ** 32)) >>> 0,
    18,
  );
  file.writeUInt32BE(samples >>> 0, 22);
  return file;
}
