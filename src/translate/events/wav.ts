/** PCM as Gemini speaks it: 16 bits, one channel, least significant byte first, the rate in the MIME type. */
const PCM = /^audio\/(?:L16|pcm)\b/i;
const RATE = /;\s*rate=(\d{3,6})\b/i;
const DEFAULT_RATE = 24_000;

const HEADER_BYTES = 44;
/** What a header says whose length is not known yet. */
const UNKNOWN_LENGTH = 0xffffffff;

/** The header that makes a WAV file of PCM, as base64's own input; `undefined` for audio that is no PCM. */
export function wavHeader(mimeType: string): string | undefined {
  if (!PCM.test(mimeType)) return undefined;
  const rate = Number(RATE.exec(mimeType)?.[1] ?? DEFAULT_RATE);
  return [
    'RIFF',
    littleEndian(UNKNOWN_LENGTH, 4),
    'WAVEfmt ',
    littleEndian(16, 4),
    littleEndian(1, 2), // PCM
    littleEndian(1, 2), // channels
    littleEndian(rate, 4),
    littleEndian(rate * 2, 4), // bytes a second
    littleEndian(2, 2), // bytes a sample
    littleEndian(16, 2), // bits a sample
    'data',
    littleEndian(UNKNOWN_LENGTH, 4),
  ].join('');
}

/** A WAV file whose header was written before its length was known, with the length. Base64 in and out. */
export function withWavLength(base64: string): string {
  const bytes = atob(base64);
  if (bytes.length < HEADER_BYTES || !bytes.startsWith('RIFF')) return base64;
  const data = bytes.slice(HEADER_BYTES);
  const format = bytes.slice(8, HEADER_BYTES - 4);
  return btoa(`RIFF${littleEndian(bytes.length - 8, 4)}${format}${littleEndian(data.length, 4)}${data}`);
}

function littleEndian(value: number, bytes: number): string {
  let text = '';
  for (let index = 0; index < bytes; index++)
    text += String.fromCharCode(Math.floor(value / 256 ** index) % 256);
  return text;
}
