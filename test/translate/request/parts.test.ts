import { describe, expect, it } from 'vitest';
import type { Part } from '../../../src/wire/gemini/request.ts';
import { refusal, type TestTarget, translate, userParts } from './translate.ts';

const PNG = 'iVBORw0KGgoAAAANSUhEUg==';
const PDF = 'JVBERi0xLjQ=';

const image = (url: string, more: object = {}): object => ({ type: 'image_url', image_url: url, ...more });
const file = (members: object): object => ({ type: 'file', file: members });
const audio = (data: string, format: string): object => ({
  type: 'input_audio',
  input_audio: { data, format },
});

const partOf = (part: object, target?: TestTarget): Part | undefined => userParts([part], target)[0];
const refusalOf = (part: object, target?: TestTarget): { param: string | null; code: string } => {
  const { param, code } = refusal({ messages: [{ role: 'user', content: [part] }] }, target);
  return { param: param?.replace('messages[0].content[0].', '') ?? null, code };
};

const inline = (mimeType: string, data: string): object => ({ inlineData: { mimeType, data } });

const byUri = (mimeType: string, fileUri: string): object => ({ fileData: { mimeType, fileUri } });

describe('forms of a part', () => {
  it.each<[part: object, native: object]>([
    [{ type: 'image_url', image_url: { url: `data:image/png;base64,${PNG}` } }, inline('image/png', PNG)],
    [image('gs://b/o.jpg'), byUri('image/jpeg', 'gs://b/o.jpg')],
    [audio('AAAA', 'wav'), inline('audio/wav', 'AAAA')],
    [audio('AAAA', 'mp3'), inline('audio/mp3', 'AAAA')],
    [audio('AAAA', 'MP3'), inline('audio/mp3', 'AAAA')],
    [audio('gs://b/a', 'audio/mp3'), byUri('audio/mp3', 'gs://b/a')],
    [audio('gs://b/v.mp4', 'video/mp4'), byUri('video/mp4', 'gs://b/v.mp4')],
    [audio('AAAA', 'application/pdf'), inline('application/pdf', 'AAAA')],
    [image('data:video/mp4;base64,AAAA'), inline('video/mp4', 'AAAA')],
    [{ type: 'video_url', video_url: { url: 'gs://b/v' } }, byUri('video/*', 'gs://b/v')],
    [{ type: 'video_url', video_url: 'https://h/v.webm' }, byUri('video/webm', 'https://h/v.webm')],
    [{ type: 'audio_url', audio_url: { url: 'gs://b/a' } }, byUri('audio/*', 'gs://b/a')],
    [file({ file_data: `data:application/pdf;base64,${PDF}` }), inline('application/pdf', PDF)],
    [file({ file_data: PDF, filename: 'a.txt' }), inline('text/plain', PDF)],
    [file({ file_data: PDF }), inline('application/pdf', PDF)],
    [file({ file_data: 'gs://b/r.pdf' }), byUri('application/pdf', 'gs://b/r.pdf')],
    [file({ file_id: 'gs://b/r', filename: 'r.CSV' }), byUri('text/csv', 'gs://b/r')],
    [{ type: 'input_text', text: 'a' }, { text: 'a' }],
    [{ type: 'output_text', text: 'a' }, { text: 'a' }],
  ])('%j', (part, native) => {
    expect(partOf(part)).toEqual(native);
  });
});

/** A native part, or the code of the error about it. */
function partOrCode(part: object, target: TestTarget): Part | string | undefined {
  try {
    return partOf(part, target);
  } catch {
    return refusalOf(part, target).code;
  }
}

describe('where media is', () => {
  const FILES = 'https://generativelanguage.googleapis.com/v1beta/files/abc-1';

  it.each<[url: string, vertex: object, gemini: object | 'unsupported_media']>([
    [
      `data:image/png;base64,${PNG}`,
      { inlineData: { mimeType: 'image/png', data: PNG } },
      { inlineData: { mimeType: 'image/png', data: PNG } },
    ],
    [
      PNG,
      { inlineData: { mimeType: 'image/png', data: PNG } },
      { inlineData: { mimeType: 'image/png', data: PNG } },
    ],
    [
      'AAAA',
      { inlineData: { mimeType: 'image/png', data: 'AAAA' } },
      { inlineData: { mimeType: 'image/png', data: 'AAAA' } },
    ],
    ['gs://b/o.png', { fileData: { mimeType: 'image/png', fileUri: 'gs://b/o.png' } }, 'unsupported_media'],
    ['gs://b/o', { fileData: { mimeType: 'image/*', fileUri: 'gs://b/o' } }, 'unsupported_media'],
    [
      'gs://b/a b/ü#?.webp',
      { fileData: { mimeType: 'image/webp', fileUri: 'gs://b/a b/ü#?.webp' } },
      'unsupported_media',
    ],
    [
      'https://h/o.gif?x=1#f',
      { fileData: { mimeType: 'image/gif', fileUri: 'https://h/o.gif?x=1#f' } },
      'unsupported_media',
    ],
    ['http://h/o', { fileData: { mimeType: 'image/*', fileUri: 'http://h/o' } }, 'unsupported_media'],
    [
      'https://youtu.be/x',
      { fileData: { mimeType: 'video/mp4', fileUri: 'https://youtu.be/x' } },
      { fileData: { fileUri: 'https://youtu.be/x' } },
    ],
    [
      'https://www.youtube.com/watch?v=x',
      { fileData: { mimeType: 'video/mp4', fileUri: 'https://www.youtube.com/watch?v=x' } },
      { fileData: { fileUri: 'https://www.youtube.com/watch?v=x' } },
    ],
    [FILES, { fileData: { mimeType: 'image/*', fileUri: FILES } }, { fileData: { fileUri: FILES } }],
  ])('%s', (url, vertex, gemini) => {
    expect(partOf(image(url), { upstream: 'vertex' })).toEqual(vertex);
    expect(partOrCode(image(url), { upstream: 'gemini' })).toEqual(gemini);
  });

  it('knows names of the Files API on the Developer API only', () => {
    expect(partOf(image('files/abc-1'), { upstream: 'gemini' })).toEqual({ fileData: { fileUri: FILES } });
    expect(partOf(file({ file_id: 'files/abc-1', filename: 'a.pdf' }), { upstream: 'gemini' })).toEqual({
      fileData: { mimeType: 'application/pdf', fileUri: FILES },
    });
    expect(refusalOf(image('files/abc-1'))).toEqual({ param: 'image_url', code: 'unsupported_media' });
  });

  it('says what the Developer API would need', () => {
    const { message } = refusal(
      { messages: [{ role: 'user', content: [image('gs://b/o.png')] }] },
      { upstream: 'gemini' },
    );
    expect(message).toMatch(/gs:\/\/ objects have to be fetched before; send a data URI/);
  });

  it.each<[part: object, param: string, code: string]>([
    [image('file:///etc/passwd'), 'image_url', 'invalid_argument'],
    [image('ftp://h/o.png'), 'image_url', 'invalid_argument'],
    [{ type: 'image_url', image_url: { url: 'blob:x' } }, 'image_url.url', 'invalid_argument'],
    [image('gs://b'), 'image_url', 'invalid_argument'],
    [image('gs://b/'), 'image_url', 'invalid_argument'],
    [image('https://'), 'image_url', 'invalid_argument'],
    [image('not base64!'), 'image_url', 'invalid_argument'],
    [image('AAAAA'), 'image_url', 'invalid_argument'],
    [image('data:image/png;base64,'), 'image_url', 'invalid_argument'],
    [image('data:image/png;base64,AA=A'), 'image_url', 'invalid_argument'],
    [image('data:image/png;base64,QQ='), 'image_url', 'invalid_argument'],
    [image('data:image/png;base64'), 'image_url', 'invalid_argument'],
    [image('data:image/svg+xml,<svg/>'), 'image_url', 'invalid_argument'],
    [audio('AA\nAA', 'wav'), 'input_audio.data', 'invalid_argument'],
    [file({ file_id: 'file-abc123' }), 'file.file_id', 'unsupported_media'],
    [file({ file_data: 'AAAA' }), 'file.file_data', 'unsupported_media'],
    [file({ file_data: 'gs://b/o' }), 'file.file_data', 'unsupported_media'],
    [file({ file_data: 'data:application/octet-stream;base64,AAAA' }), 'file.file_data', 'unsupported_media'],
  ])('refuses %j', (part, param, code) => {
    expect(refusalOf(part)).toEqual({ param, code });
  });
});

describe('base64', () => {
  it.each([
    ['QUJD', 'QUJD'],
    ['QQ==', 'QQ=='],
    ['QQ', 'QQ=='],
    ['QUI', 'QUI='],
    ['-_-_', '+/+/'],
    ['_w', '/w=='],
  ])('%s is sent as %s', (data, sent) => {
    expect(partOf(audio(data, 'wav'))).toEqual({ inlineData: { mimeType: 'audio/wav', data: sent } });
  });

  it('checks megabytes without running out of stack', () => {
    const data = 'AbC/'.repeat(2_000_000);
    expect(partOf(image(`data:image/png;base64,${data}`))?.inlineData?.data).toBe(data);
    expect(refusalOf(image(`data:image/png;base64,${data}!`)).param).toBe('image_url');
  });
});

describe('MIME types', () => {
  it.each<[what: string, part: object, mimeType: string]>([
    [
      'mime_type before all',
      image('data:image/png;base64,AAAA', { extra_content: { google: { mime_type: 'image/heic' } } }),
      'image/heic',
    ],
    [
      'mime_type through another namespace',
      image('gs://b/o', { extra_content: { vertex: { mime_type: 'image/heic' } } }),
      'image/heic',
    ],
    ['the data URI before format', audio('data:audio/flac;base64,AAAA', 'wav'), 'audio/flac'],
    ['format before the extension', audio('gs://b/a.wav', 'audio/mp3'), 'audio/mp3'],
    [
      'parameters of a data URI are not part of it',
      image('data:image/png;charset=x;base64,AAAA'),
      'image/png',
    ],
    ['the extension before the default', image('https://h/v.MOV'), 'video/quicktime'],
    ['an unknown format leaves the extension', audio('gs://b/a.flac', 'xyz'), 'audio/flac'],
    ['an unknown format and nothing else', audio('AAAA', 'xyz'), 'audio/*'],
    ['first bytes', image('/9j/4AAQSkZJRg=='), 'image/jpeg'],
    ['first bytes of a data URI without a type', image('data:;base64,R0lGODlhAQABAA=='), 'image/gif'],
    [
      'an unknown binary type is no type',
      image('data:application/octet-stream;base64,UklGRgAAAABXRUJQVlA4'),
      'image/webp',
    ],
  ])('%s', (_, part, mimeType) => {
    const { inlineData, fileData } = partOf(part) ?? {};
    expect((inlineData ?? fileData)?.mimeType).toBe(mimeType);
  });

  it.each([
    ['flac', 'audio/flac'],
    ['ogg', 'audio/ogg'],
    ['opus', 'audio/ogg'],
    ['aac', 'audio/aac'],
    ['m4a', 'audio/mp4'],
    ['aiff', 'audio/aiff'],
    ['webm', 'audio/webm'],
    ['pcm16', 'audio/pcm'],
  ])('the short format %s is %s', (format, mimeType) => {
    expect(partOf(audio('AAAA', format))?.inlineData?.mimeType).toBe(mimeType);
  });
});

const detailed = (detail: string): object => ({
  type: 'image_url',
  image_url: { url: 'gs://b/o.png', detail },
});

describe('detail', () => {
  const NEW = { model: 'gemini-3-flash-preview' };

  it.each([
    ['low', 'MEDIA_RESOLUTION_LOW'],
    ['medium', 'MEDIA_RESOLUTION_MEDIUM'],
    ['high', 'MEDIA_RESOLUTION_HIGH'],
  ])('%s is of the part on Gemini 3, of the request before', (detail, level) => {
    const now = translate({ messages: [{ role: 'user', content: [detailed(detail)] }] }, NEW).body;
    expect(now.contents[0]?.parts[0]?.mediaResolution).toEqual({ level });
    expect(now.generationConfig).toBeUndefined();
    const before = translate({ messages: [{ role: 'user', content: [detailed(detail)] }] }).body;
    expect(before.contents[0]?.parts[0]).not.toHaveProperty('mediaResolution');
    expect(before.generationConfig).toEqual({ mediaResolution: level });
  });

  it('auto asks for nothing', () => {
    expect(partOf(detailed('auto'), NEW)).not.toHaveProperty('mediaResolution');
    expect(
      translate({ messages: [{ role: 'user', content: [detailed('auto')] }] }).body.generationConfig,
    ).toBeUndefined();
  });

  it('ultra_high needs Gemini 3', () => {
    expect(partOf(detailed('ultra_high'), NEW)?.mediaResolution).toEqual({
      level: 'MEDIA_RESOLUTION_ULTRA_HIGH',
    });
    expect(refusalOf(detailed('ultra_high'))).toEqual({
      param: 'image_url.detail',
      code: 'unsupported_parameter',
    });
  });

  it('may differ from part to part on Gemini 3, not before', () => {
    const content = [detailed('low'), detailed('high')];
    expect(userParts(content, NEW)).toHaveLength(2);
    const error = refusal({ messages: [{ role: 'user', content }] });
    expect(error.param).toBe('messages[0].content[1].image_url.detail');
    expect(error.message).toContain('mixed_detail');
    expect(userParts([detailed('low'), detailed('auto'), detailed('low')])).toHaveLength(3);
  });

  it('must not contradict the resolution of the request before Gemini 3', () => {
    const fields = {
      messages: [{ role: 'user', content: [detailed('low')] }],
      google: { media_resolution: 'high' },
    };
    expect(refusal(fields).param).toBe('google.media_resolution');
    expect(translate(fields, NEW).body.generationConfig).toEqual({
      mediaResolution: 'MEDIA_RESOLUTION_HIGH',
    });
  });
});

const video = (google: object, target?: TestTarget): Part | undefined =>
  partOf(image('gs://b/v.mp4', { extra_content: { google } }), target);

describe('Google’s additions to a part', () => {
  it('sends video_metadata', () => {
    const metadata = { start_offset: '10s', end_offset: '20.5s', fps: 1 };
    expect(video({ video_metadata: metadata })?.videoMetadata).toEqual({
      startOffset: '10s',
      endOffset: '20.5s',
      fps: 1,
    });
  });

  it.each([
    [{ video_metadata: { start_offset: '10' } }, 'extra_content.google.video_metadata.start_offset'],
    [{ media_resolution: 'best' }, 'extra_content.google.media_resolution.level'],
  ])('refuses %j', (google, param) => {
    expect(refusalOf(image('gs://b/v.mp4', { extra_content: { google } }))).toEqual({
      param,
      code: 'invalid_argument',
    });
  });

  it.each(['low', 'MEDIA_RESOLUTION_LOW', { level: 'MEDIA_RESOLUTION_LOW' }])(
    'reads media_resolution %j, which wins over detail',
    (resolution) => {
      const part = {
        type: 'image_url',
        image_url: { url: 'gs://b/o.png', detail: 'high' },
        extra_content: { google: { media_resolution: resolution } },
      };
      expect(partOf(part, { model: 'gemini-3-pro-preview' })?.mediaResolution).toEqual({
        level: 'MEDIA_RESOLUTION_LOW',
      });
      expect(
        translate({ messages: [{ role: 'user', content: [part] }] }).body.generationConfig?.mediaResolution,
      ).toBe('MEDIA_RESOLUTION_LOW');
    },
  );
});
