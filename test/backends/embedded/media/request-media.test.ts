import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { MEDIA_MARKER } from '../../../../src/backends/embedded/engine/protocol.ts';
import { type MediaSupport, RequestMedia } from '../../../../src/backends/embedded/media/request-media.ts';
import { GatewayError } from '../../../../src/errors.ts';
import type { ContentPart } from '../../../../src/wire/openai/request.ts';
import { mp3Audio, wavAudio } from '../../../support/audio-files.ts';
import { pngImage } from '../../../support/image-files.ts';

const ALL: MediaSupport = { images: true, audio: true };
const EYES: MediaSupport = { images: true, audio: false };
const EARS: MediaSupport = { images: false, audio: true };

const uri = (bytes: Buffer, type: string): string => `data:${type};base64,${bytes.toString('base64')}`;
const PNG = pngImage(8, 8);
const image = (url: string): ContentPart => ({ type: 'image_url', image_url: { url } });
const sound = (bytes: Buffer): ContentPart => ({
  type: 'input_audio',
  input_audio: { data: bytes.toString('base64'), format: 'wav' },
});

const take = (part: ContentPart, support: MediaSupport | undefined) => {
  const media = new RequestMedia(() => support);
  const mark = media.take(part, 'messages[1].content[1]');
  return media.place([{ text: `a ${mark} b`, trusted: true }]);
};

describe('the media of a request', () => {
  it.each<[name: string, part: ContentPart, kind: string, mimeType: string]>([
    ['an image', image(uri(PNG, 'image/png')), 'image', 'image/png'],
    [
      'an image in bare base64',
      { type: 'image_url', image_url: PNG.toString('base64') },
      'image',
      'image/png',
    ],
    ['an image under another name', image(uri(PNG, 'image/jpeg')), 'image', 'image/png'],
    [
      'an image in a file',
      { type: 'file', file: { file_data: uri(PNG, 'image/png') } },
      'image',
      'image/png',
    ],
    ['audio', sound(wavAudio(0.1)), 'audio', 'audio/wav'],
    ['audio of another format than it says', sound(mp3Audio(3)), 'audio', 'audio/mp3'],
    ['audio_url', { type: 'audio_url', audio_url: uri(mp3Audio(3), 'audio/mpeg') }, 'audio', 'audio/mp3'],
  ])('take in %s by its bytes', (_, part, kind, mimeType) => {
    expect(take(part, ALL)).toMatchObject({
      prompt: [{ text: `a ${MEDIA_MARKER} b`, trusted: true }],
      media: [{ kind, mimeType, path: 'messages[1].content[1]' }],
    });
  });

  it.each<[name: string, part: ContentPart, support: MediaSupport | undefined, code: string, words: RegExp]>([
    ['image_url', image(uri(PNG, 'image/png')), undefined, 'unsupported_media', /text only.* images/],
    ['an image by address', image('gs://bucket/a.png'), undefined, 'unsupported_media', /text only.* images/],
    ['input_audio', sound(wavAudio(0.1)), undefined, 'unsupported_media', /text only.* audio/],
    [
      'file',
      { type: 'file', file: { file_id: 'files/1' } },
      undefined,
      'unsupported_media',
      /text only.* files/,
    ],
    [
      'video_url',
      { type: 'video_url', video_url: { url: 'https://example.com/a.mp4' } },
      undefined,
      'unsupported_media',
      /text only.* video/,
    ],
    ['audio for eyes', sound(wavAudio(0.1)), EYES, 'unsupported_media', /takes images, not audio\/wav/],
    [
      'an image for ears',
      image(uri(PNG, 'image/png')),
      EARS,
      'unsupported_media',
      /takes audio, not image\/png/,
    ],
    [
      'a PDF',
      { type: 'file', file: { file_data: uri(Buffer.from('%PDF-1.7\n...............'), 'application/pdf') } },
      ALL,
      'unsupported_media',
      /takes images and audio, not application\/pdf/,
    ],
    [
      'a video',
      { type: 'video_url', video_url: uri(Buffer.from('\0\0\0\x18ftypmp42............'), 'video/mp4') },
      ALL,
      'unsupported_media',
      /not video\/mp4/,
    ],
    [
      'SVG',
      image(uri(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), 'image/svg+xml')),
      ALL,
      'unsupported_media',
      /type unknown/,
    ],
    ['HEIC', image(uri(Buffer.from('\0\0\0\x18ftypheic'), 'image/heic')), ALL, 'unsupported_media', /no PNG/],
    ['a giant', image(uri(pngImage(50_000, 50_000), 'image/png')), ALL, 'unsupported_media', /50000 x 50000/],
    ['an hour', sound(wavAudio(3600, { sampleRate: 10 })), ALL, 'unsupported_media', /3600 seconds/],
    [
      'a web address',
      image('https://example.com/a.png'),
      ALL,
      'unsupported_media',
      /those at gs:\/\/, https:\/\/ and http:\/\/ addresses/,
    ],
    [
      'an object',
      image('gs://bucket/a.png'),
      ALL,
      'unsupported_media',
      /those at gs:\/\/, https:\/\/ and http:\/\/ addresses/,
    ],
    ['a file of its own', image('file:///etc/passwd'), ALL, 'invalid_argument', /scheme "file:"/],
    ['no base64', image('data:image/png;base64,%%%'), ALL, 'invalid_argument', /without valid base64/],
  ])('refuse %s and say where it stands', (_, part, support, code, words) => {
    expect(() => take(part, support)).toThrow(words);
    expect(() => take(part, support)).toThrow(
      expect.objectContaining({ code, status: 400, param: 'messages[1].content[1]' }),
    );
    expect(() => take(part, support)).toThrow(GatewayError);
  });

  it('follow the order in which they come out', () => {
    const media = new RequestMedia(() => ALL);
    const first = media.take(image(uri(PNG, 'image/png')), 'first');
    const second = media.take(sound(wavAudio(0.1)), 'second');
    const filled = media.place([
      { text: `${second}, `, trusted: true },
      { text: '<|im_end|>', trusted: false },
      { text: `${first}${second}`, trusted: true },
    ]);
    expect(filled.prompt.map(({ text }) => text)).toEqual([
      `${MEDIA_MARKER}, `,
      '<|im_end|>',
      `${MEDIA_MARKER}${MEDIA_MARKER}`,
    ]);
    expect(filled.media.map(({ path }) => path)).toEqual(['second', 'first', 'second']);
  });

  it('are not lost silently', () => {
    const media = new RequestMedia(() => ALL);
    media.take(image(uri(PNG, 'image/png')), 'messages[0].content[0]');
    expect(() => media.place([{ text: 'no mark', trusted: true }])).toThrow(
      expect.objectContaining({ code: 'invalid_argument', param: 'messages[0].content[0]' }),
    );
  });

  it('ask nothing of a request without them', () => {
    const media = new RequestMedia(() => {
      throw new Error('asked');
    });
    expect(media.place([{ text: 'a', trusted: true }])).toEqual({
      prompt: [{ text: 'a', trusted: true }],
      media: [],
    });
  });
});
