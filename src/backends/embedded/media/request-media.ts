import { Buffer } from 'node:buffer';
import { GatewayError } from '../../../errors.ts';
import { readAudioHeader } from '../../../media/audio-header.ts';
import { readImageHeader } from '../../../media/image-header.ts';
import { readMediaPart } from '../../../translate/relay/media-part.ts';
import { readMediaReference } from '../../../translate/request/media-reference.ts';
import { sniffMimeType } from '../../../translate/request/media-type.ts';
import type { ContentPart } from '../../../wire/openai/request.ts';
import { MEDIA_MARKER, type Medium, type PromptPiece } from '../engine/protocol.ts';

/** What the model's projector takes. */
export interface MediaSupport {
  readonly images: boolean;
  readonly audio: boolean;
}

/** The media of one request. Each leaves a mark where it stood, and joins the prompt where the mark comes out. */
export class RequestMedia {
  readonly #support: () => MediaSupport | undefined;
  readonly #media: Medium[] = [];

  /**
   * @param support asked only when there are media; `undefined` for a model without a projector
   */
  constructor(support: () => MediaSupport | undefined) {
    this.#support = support;
  }

  /**
   * Takes a medium over.
   *
   * @param path JSON path of the part
   * @returns a mark that stands for it in the conversation
   * @throws {GatewayError} `unsupported_media` for what the model does not take, and for what is too large;
   *   `invalid_argument` for what is no media
   */
  take(part: ContentPart, path: string): string {
    const support = this.#support();
    try {
      this.#media.push({ ...readMedium(part, support), path });
    } catch (error) {
      throw error instanceof GatewayError ? error.with({ param: path }) : error;
    }
    return `\uE0F2${this.#media.length - 1}\uE0F3`;
  }

  /**
   * Puts markers in the place of marks.
   *
   * @returns the media in the order of their markers
   * @throws {GatewayError} `invalid_argument` when the template left a mark out
   */
  place(pieces: readonly PromptPiece[]): { prompt: PromptPiece[]; media: Medium[] } {
    const media: Medium[] = [];
    const prompt = pieces.map(({ text, trusted }) => ({
      text: text.replace(/\uE0F2(\d+)\uE0F3/g, (_, index: string) => {
        const medium = this.#media[Number(index)];
        if (medium !== undefined) media.push(medium);
        return MEDIA_MARKER;
      }),
      trusted,
    }));
    const missing = this.#media.find((medium) => !media.includes(medium));
    if (missing === undefined) return { prompt, media };
    throw new GatewayError('invalid_argument', "The model's chat template leaves this part out.", {
      param: missing.path,
    });
  }
}

function readMedium(part: ContentPart, support: MediaSupport | undefined): Omit<Medium, 'path'> {
  const source = readMediaPart(part);
  if (support === undefined) {
    throw new GatewayError(
      'unsupported_media',
      `The embedded model reads text only: it has no projector for ${source?.modality ?? 'media'}. Route this model name to an upstream that takes media, or send text.`,
    );
  }
  const data = inlineData(source?.references[0] ?? '');
  const mimeType = sniffMimeType(data) ?? 'data of a type unknown to it';
  if (support.images && mimeType.startsWith('image/')) {
    return { kind: 'image', mimeType: readImageHeader(Buffer.from(data, 'base64')).mimeType, data };
  }
  if (support.audio && mimeType.startsWith('audio/')) {
    return { kind: 'audio', mimeType: readAudioHeader(Buffer.from(data, 'base64')).mimeType, data };
  }
  const taken = [...(support.images ? ['images'] : []), ...(support.audio ? ['audio'] : [])];
  throw new GatewayError(
    'unsupported_media',
    `The embedded model takes ${taken.join(' and ')}, not ${mimeType}. Route this model name to an upstream that takes it.`,
  );
}

/** Base64 of what a part holds itself. */
function inlineData(text: string): string {
  const reference = readMediaReference(text, 'gemini');
  if (reference.kind === 'inline') return reference.data;
  if (reference.kind === 'refused' && reference.code === 'invalid_argument')
    throw new GatewayError('invalid_argument', `The media ${reference.message}.`);
  throw new GatewayError(
    'unsupported_media',
    'The embedded model reads media that stand in the request, as a data URI or in base64, and those at gs://, https:// and http:// addresses.',
  );
}
