import { randomBase62 } from '../ids.ts';
import { type BodyPart, ComposedBody, type RequestBody } from '../upstream/composed-body.ts';
import type { InlinedMedia } from '../translate/media-references.ts';
import { base64Length, base64Of, streamedBase64Of } from './base64.ts';
import type { Medium } from './medium.ts';

/**
 * Stands in a request for the base64 of a medium until it is sent. It is base64 itself, so that whatever checks or
 * copies the request takes it for a small medium; nobody can guess it.
 */
const MARK = `parlance${randomBase62(28)}`;
const DIGITS = 4;
const MARKS = new RegExp(`${MARK}(\\d{${DIGITS}})`);

/** The media of one request, by the references to them. They take memory until they are let go. */
export class HeldMedia implements InlinedMedia {
  readonly #media: readonly Medium[];
  readonly #places: ReadonlyMap<string, number>;
  readonly #release: () => void;

  constructor(media: ReadonlyMap<string, Medium>, release: () => void) {
    this.#media = [...media.values()];
    this.#places = new Map([...media.keys()].map((reference, index) => [reference, index]));
    this.#release = release;
  }

  get(reference: string): Medium | undefined {
    const index = this.#places.get(reference);
    return index === undefined ? undefined : this.#media[index];
  }

  get isEmpty(): boolean {
    return this.#media.length === 0;
  }

  /** What stands in a request for the base64 of a medium until {@link compose}. */
  base64Of(reference: string): string | undefined {
    const index = this.#places.get(reference);
    return index === undefined ? undefined : MARK + String(index).padStart(DIGITS, '0');
  }

  /** The same in a data URI. */
  dataUriOf(reference: string): string | undefined {
    const mark = this.base64Of(reference);
    return mark === undefined ? undefined : `data:${this.get(reference)!.mimeType};base64,${mark}`;
  }

  /** The media themselves in the place of marks, for who does not send them anywhere. Takes the memory of each again. */
  async inFull(): Promise<InlinedMedia> {
    const whole = await Promise.all(this.#media.map((medium) => medium.whole()));
    const base64 = (reference: string): string | undefined => {
      const medium = whole[this.#places.get(reference) ?? -1];
      return medium && [...base64Of(medium.pieces)].join('');
    };
    return {
      get: (reference) => this.get(reference),
      base64Of: base64,
      dataUriOf: (reference) => {
        const data = base64(reference);
        return data === undefined ? undefined : `data:${this.get(reference)!.mimeType};base64,${data}`;
      },
    };
  }

  /** The body of a request with marks in it, which becomes base64 while it is sent. */
  compose(text: string): RequestBody {
    if (this.isEmpty) return text;
    const pieces = text.split(MARKS);
    // Every second one is the number of a mark.
    return new ComposedBody(
      pieces.map((piece, at) => (at % 2 === 0 ? Buffer.from(piece) : encoded(this.#media[Number(piece)]!))),
    );
  }

  /** Gives the memory back. To be called when the request will not be sent again. */
  release(): void {
    for (const medium of this.#media) medium.release();
    this.#release();
  }
}

function encoded(medium: Medium): BodyPart {
  return {
    byteLength: base64Length(medium.byteLength),
    chunks() {
      const pieces = medium.chunks();
      return Symbol.asyncIterator in pieces ? streamedBase64Of(pieces) : base64Of(pieces);
    },
  };
}

/** Of requests without any. */
export const NO_MEDIA = new HeldMedia(new Map(), () => {});
