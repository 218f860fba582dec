import { describe, expect, it } from 'vitest';
import type { ChatEvent } from '../../../src/translate/events/chat-event.ts';
import { foldOf, renderOptions, streamOf } from './render-fixture.ts';

const MIME = 'audio/L16;codec=pcm;rate=16000';
const pieces: ChatEvent[][] = ['AQI=', 'AwQ='].map((data) => [
  { type: 'media-part', choice: 0, mimeType: MIME, data },
]);

describe('PCM for clients that asked for WAV (contract 9.6)', () => {
  it('is a whole file in a whole answer', () => {
    const audio = foldOf(pieces, renderOptions({ wavAudio: true })).choices[0]?.message.audio;
    const bytes = Buffer.from(audio?.data ?? '', 'base64');
    expect(bytes.toString('latin1', 0, 4)).toBe('RIFF');
    expect(bytes.readUInt32LE(4)).toBe(bytes.length - 8);
    expect(bytes.toString('latin1', 8, 16)).toBe('WAVEfmt ');
    expect([bytes.readUInt16LE(20), bytes.readUInt16LE(22), bytes.readUInt32LE(24)]).toEqual([1, 1, 16_000]);
    expect([bytes.readUInt32LE(28), bytes.readUInt16LE(32), bytes.readUInt16LE(34)]).toEqual([32_000, 2, 16]);
    expect(bytes.readUInt32LE(40)).toBe(4);
    expect([...bytes.subarray(44)]).toEqual([1, 2, 3, 4]);
    expect(audio?.extra_content).toEqual({ google: { mime_type: 'audio/wav' } });
  });

  it('has its header once in a stream, in front of the first piece', () => {
    const chunks = streamOf(pieces, renderOptions({ wavAudio: true }));
    const data = chunks.flatMap(({ choices }) => choices[0]?.delta.audio?.data ?? []);
    const bytes = data.map((piece) => Buffer.from(piece, 'base64'));
    expect(bytes.map(({ length }) => length)).toEqual([46, 2]);
    expect(bytes[0]?.readUInt32LE(40)).toBe(0xffffffff);
  });

  it.each([
    ['not asked for', MIME, {}],
    ['no PCM', 'audio/mpeg', { wavAudio: true }],
  ])('is left alone: %s', (_, mimeType, options) => {
    const event: ChatEvent = { type: 'media-part', choice: 0, mimeType, data: 'AQI=' };
    expect(foldOf([[event]], renderOptions(options)).choices[0]?.message.audio?.data).toBe('AQI=');
  });
});
