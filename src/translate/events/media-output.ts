import type { Delta, ResponseAudio } from '../../wire/openai/response.ts';
import { wavHeader } from './wav.ts';

/** How long a client may refer to the audio of an answer by id. We keep none, so the time is nominal. */
const AUDIO_LIFETIME_SECONDS = 3600;

/**
 * The images and the audio of one choice. Contract section 9.6: the first media part stands in `audio` whatever
 * its kind, as Vertex AI answers; images also stand in `images`.
 */
export class MediaOutput {
  readonly #asWav: boolean;
  readonly #id: string;
  readonly #expiresAt: number;
  #parts = 0;
  #hasAudio = false;

  constructor(options: { id: string; created: number; asWav: boolean }) {
    this.#asWav = options.asWav;
    this.#id = options.id;
    this.#expiresAt = options.created + AUDIO_LIFETIME_SECONDS;
  }

  push(mimeType: string, data: string): Delta {
    const isFirst = this.#parts++ === 0;
    if (mimeType.startsWith('audio/')) {
      // PCM needs its header once, in front of its first piece.
      const header = this.#asWav && !this.#hasAudio ? wavHeader(mimeType) : undefined;
      this.#hasAudio = true;
      const audio: ResponseAudio = {
        id: this.#id,
        data: header === undefined ? data : joinBase64([btoa(header), data]),
      };
      if (isFirst)
        audio.extra_content = { google: { mime_type: header === undefined ? mimeType : 'audio/wav' } };
      return { audio };
    }
    const delta: Delta = {};
    if (isFirst) delta.audio = { data, extra_content: { google: { mime_type: mimeType } } };
    if (mimeType.startsWith('image/')) {
      delta.images = [{ type: 'image_url', image_url: { url: `data:${mimeType};base64,${data}` } }];
    }
    return delta;
  }

  /** The last delta of a choice with audio. */
  end(): Delta | undefined {
    if (!this.#hasAudio) return undefined;
    return { audio: { id: this.#id, expires_at: this.#expiresAt, transcript: '' } };
  }
}

/**
 * Joins pieces of audio that were encoded one by one: base64 text cannot simply be concatenated when a piece
 * ends in padding.
 */
export function joinBase64(pieces: readonly string[]): string {
  if (pieces.length < 2) return pieces[0] ?? '';
  if (pieces.slice(0, -1).every((piece) => piece.length % 4 === 0 && !piece.endsWith('=')))
    return pieces.join('');
  return btoa(pieces.map((piece) => atob(piece)).join(''));
}
