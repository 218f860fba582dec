import { GatewayError } from '../errors.ts';

/** What a sound file says about itself, read without decoding anything. */
export interface AudioHeader {
  readonly mimeType: 'audio/wav' | 'audio/mp3' | 'audio/flac';
  readonly seconds: number;
}

/** Longest sound that is decoded, in seconds: 16,000 samples a second of 4 bytes each make 38 MB. */
const MAX_AUDIO_SECONDS = 600;

/**
 * Reads type and length of a sound file and refuses what is too long to decode.
 *
 * @throws {GatewayError} `unsupported_media`
 */
export function readAudioHeader(bytes: Uint8Array): AudioHeader {
  const header = findFormat(bytes);
  if (header.seconds > MAX_AUDIO_SECONDS) {
    throw new GatewayError(
      'unsupported_media',
      `The audio is ${Math.ceil(header.seconds)} seconds long; at most ${MAX_AUDIO_SECONDS} are decoded.`,
    );
  }
  return header;
}

function findFormat(bytes: Uint8Array): AudioHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const format = FORMATS.find(({ isOne }) => isOne(view));
  if (format === undefined)
    throw new GatewayError('unsupported_media', 'The data is no WAV, MP3 or FLAC audio.');
  const { mimeType, readSeconds } = format;
  const seconds = orUndefinedPastEnd(() => readSeconds(view));
  if (seconds === undefined || !Number.isFinite(seconds) || seconds <= 0) {
    throw new GatewayError(
      'unsupported_media',
      `The data begins like ${mimeType}, but its header is damaged or does not tell how long it is.`,
    );
  }
  return { mimeType, seconds };
}

/** A read past the end means that the header is cut off. */
function orUndefinedPastEnd<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

interface Format {
  readonly mimeType: AudioHeader['mimeType'];
  readonly isOne: (view: DataView) => boolean;
  /** @throws {RangeError} past the end of the data */
  readonly readSeconds: (view: DataView) => number | undefined;
}

const FORMATS: readonly Format[] = [
  {
    mimeType: 'audio/wav',
    isOne: (view) => hasTag(view, 0, 'RIFF') && hasTag(view, 8, 'WAVE'),
    readSeconds: readWav,
  },
  { mimeType: 'audio/flac', isOne: (view) => hasTag(view, 0, 'fLaC'), readSeconds: readFlac },
  {
    mimeType: 'audio/mp3',
    isOne: (view) => hasTag(view, 0, 'ID3') || frameAt(view, 0) !== undefined,
    readSeconds: readMp3,
  },
];

/** PCM, floats, A-law, µ-law, and the form that names one of them further on. */
const WAV_ENCODINGS = new Set([1, 3, 6, 7, 0xfffe]);

function readWav(view: DataView): number | undefined {
  let bytesPerSecond: number | undefined;
  for (let at = 12; ;) {
    const size = view.getUint32(at + 4, true);
    if (hasTag(view, at, 'fmt ')) {
      if (!WAV_ENCODINGS.has(view.getUint16(at + 8, true))) return undefined;
      // Not the field of that name, which nothing holds to the truth.
      bytesPerSecond = view.getUint32(at + 12, true) * view.getUint16(at + 20, true);
    }
    if (hasTag(view, at, 'data')) {
      if (bytesPerSecond === undefined || bytesPerSecond === 0) return undefined;
      // Recorders that could not go back write a size of 0xFFFFFFFF.
      return Math.min(size, view.byteLength - at - 8) / bytesPerSecond;
    }
    at += 8 + size + (size % 2);
  }
}

/** RFC 9639, section 8.2: STREAMINFO comes first. */
function readFlac(view: DataView): number | undefined {
  if ((view.getUint8(4) & 0x7f) !== 0) return undefined;
  const sampleRate = view.getUint32(18) >>> 12;
  const samples = (view.getUint8(21) & 0x0f) * 2 ** 32 + view.getUint32(22);
  // No samples means that the encoder did not know; then nothing bounds what would be decoded.
  return sampleRate === 0 || samples === 0 ? undefined : samples / sampleRate;
}

/** Every frame counts: what a header claims about the whole need not be true. ISO/IEC 11172-3, section 2.4.1. */
function readMp3(view: DataView): number {
  let seconds = 0;
  let at = hasTag(view, 0, 'ID3') ? 10 + syncSafe(view, 6) : 0;
  while (at < view.byteLength) {
    const frame = frameAt(view, at);
    seconds += frame?.seconds ?? 0;
    at += frame?.length ?? 1;
  }
  return seconds;
}

/** Sizes in ID3 tags use 7 bits of a byte. */
function syncSafe(view: DataView, at: number): number {
  return [0, 1, 2, 3].reduce((size, index) => size * 128 + (view.getUint8(at + index) & 0x7f), 0);
}

/** Layer III, in kilobits a second: MPEG 1, then MPEG 2 and 2.5. */
const BIT_RATES = [
  [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0],
  [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0],
];
/** In samples a second, for MPEG 1; half of it for MPEG 2, a quarter for 2.5. */
const SAMPLE_RATES = [44_100, 48_000, 32_000];
/** MPEG 2.5, reserved, 2 and 1. */
const RATE_DIVISORS = [4, 0, 2, 1];

/** A frame of MPEG layer III; `undefined` where there is none. */
function frameAt(view: DataView, at: number): { seconds: number; length: number } | undefined {
  if (at + 4 > view.byteLength) return undefined;
  const head = view.getUint32(at);
  const isLayer3 = head >>> 21 === 0x7ff && ((head >>> 17) & 3) === 1;
  const divisor = RATE_DIVISORS[(head >>> 19) & 3] ?? 0;
  const sampleRate = SAMPLE_RATES[(head >>> 10) & 3];
  if (!isLayer3 || divisor === 0 || sampleRate === undefined) return undefined;
  const bitRate = (BIT_RATES[divisor === 1 ? 0 : 1]?.[(head >>> 12) & 0xf] ?? 0) * 1000;
  if (bitRate === 0) return undefined;
  const rate = sampleRate / divisor;
  const samples = divisor === 1 ? 1152 : 576;
  const padding = (head >>> 9) & 1;
  return { seconds: samples / rate, length: Math.floor(((samples / 8) * bitRate) / rate) + padding };
}

function hasTag(view: DataView, at: number, tag: string): boolean {
  if (at + tag.length > view.byteLength) return false;
  for (let index = 0; index < tag.length; index++) {
    if (view.getUint8(at + index) !== tag.charCodeAt(index)) return false;
  }
  return true;
}
