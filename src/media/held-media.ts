import { type BodyPart, ComposedBody, type RequestBody } from '../upstream/composed-body.ts';
import type { InlinedMedia } from '../translate/media-references.ts';
import { base64Length, base64Of, streamedBase64Of } from './base64.ts';
import { Base64Marks } from './base64-marks.ts';
import { type LiftedBase64, NOTHING_LIFTED } from './lifted-base64.ts';
import type { Medium } from './medium.ts';

/**
 * The media of one request that were fetched, by the references to them, and those that were lifted out of its body.
 * They take memory until they are let go.
 */
export class HeldMedia implements InlinedMedia {
  readonly #media: readonly Medium[];
  readonly #places: ReadonlyMap<string, number>;
  readonly #lifted: LiftedBase64;
  readonly #marks: Base64Marks;
  readonly #release: () => void;

  constructor(
    media: ReadonlyMap<string, Medium>,
    release: () => void,
    lifted: LiftedBase64 = NOTHING_LIFTED,
  ) {
    this.#media = [...media.values()];
    this.#lifted = lifted;
    this.#marks = lifted.count === 0 ? new Base64Marks() : lifted.marks;
    this.#places = new Map([...media.keys()].map((reference, index) => [reference, index]));
    this.#release = release;
  }

  get(reference: string): Medium | undefined {
    const index = this.#places.get(reference);
    return index === undefined ? undefined : this.#media[index];
  }

  /** Whether no references have to be replaced. */
  get isEmpty(): boolean {
    return this.#media.length === 0;
  }

  /** What stands in a request for the base64 of a medium until {@link compose}. */
  base64Of(reference: string): string | undefined {
    const index = this.#places.get(reference);
    return index === undefined ? undefined : this.#marks.at(this.#lifted.count + index);
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

  /** The body of a request with marks in it, which become base64 while it is sent. */
  compose(text: string): RequestBody {
    if (this.isEmpty && this.#lifted.count === 0) return text;
    return new ComposedBody(
      this.#marks
        .split(text)
        .map((piece, at) => (at % 2 === 0 ? Buffer.from(piece) : this.#part(Number(piece)))),
    );
  }

  /** Gives the memory back. To be called when the request will not be sent again. */
  release(): void {
    for (const medium of this.#media) medium.release();
    this.#release();
  }

  /** The first marks are those in the body. */
  #part(mark: number): BodyPart {
    const { count } = this.#lifted;
    return mark < count ? this.#lifted.part(mark) : encoded(this.#media[mark - count]!);
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
