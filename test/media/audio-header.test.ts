import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../src/errors.ts';
import { readAudioHeader } from '../../src/media/audio-header.ts';
import { flacAudio, mp3Audio, wavAudio } from '../support/audio-files.ts';

const FRAME_SECONDS = 1152 / 44_100;

const thrownBy = (bytes: Uint8Array): unknown => {
  try {
    readAudioHeader(bytes);
  } catch (error) {
    return error;
  }
  return undefined;
};

describe('the header of a sound file', () => {
  it.each([
    ['WAV', 'audio/wav', wavAudio(2), 2],
    ['WAV with a size nobody filled in', 'audio/wav', wavAudio(2, { claimedBytes: 0xffff_ffff }), 2],
    ['WAV of A-law', 'audio/wav', wavAudio(1, { encoding: 6 }), 1],
    ['MP3', 'audio/mp3', mp3Audio(100), 100 * FRAME_SECONDS],
    ['MP3 behind a tag', 'audio/mp3', mp3Audio(100, { tag: 5000 }), 100 * FRAME_SECONDS],
    [
      'MP3 with rubbish in it',
      'audio/mp3',
      Buffer.concat([mp3Audio(3), Buffer.alloc(99), mp3Audio(2)]),
      5 * FRAME_SECONDS,
    ],
    ['FLAC', 'audio/flac', flacAudio(441_000), 10],
  ])('%s', (_, mimeType, bytes, seconds) => {
    const header = readAudioHeader(bytes);
    expect(header.mimeType).toBe(mimeType);
    expect(header.seconds).toBeCloseTo(seconds, 6);
  });

  it.each([
    ['a WAV of a sample a second', wavAudio(1000, { sampleRate: 1 }), '1000 seconds'],
    ['a long MP3', mp3Audio(30_000), 'seconds long'],
    ['a long FLAC', flacAudio(2 ** 35), 'seconds long'],
    ['a FLAC of unknown length', flacAudio(0), 'does not tell how long'],
    ['a WAV of compressed data', wavAudio(1, { encoding: 0x11 }), 'damaged'],
    ['a WAV without samples', wavAudio(0), 'damaged'],
    ['a tag and nothing behind it', mp3Audio(0, { tag: 100 }), 'damaged'],
    ['OGG', Buffer.from('OggS\0\x02'), 'no WAV'],
    ['M4A', Buffer.from('\0\0\0\x20ftypM4A '), 'no WAV'],
    ['layer II', Buffer.from([0xff, 0xfd, 0x90, 0x00]), 'no WAV'],
    ['an image', Buffer.from('GIF89a'), 'no WAV'],
    ['nothing', Buffer.alloc(0), 'no WAV'],
  ])('%s is refused', (_, bytes, reason) => {
    expect(thrownBy(bytes)).toMatchObject({
      code: 'unsupported_media',
      message: expect.stringContaining(reason) as string,
    });
  });

  it('throws nothing but its own error, whatever the bytes', () => {
    const beginnings = [wavAudio(0.01), mp3Audio(1, { tag: 3 }), mp3Audio(2), flacAudio(1)];
    fc.assert(
      fc.property(
        fc.constantFrom(Buffer.alloc(0), ...beginnings),
        fc.nat(60),
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
