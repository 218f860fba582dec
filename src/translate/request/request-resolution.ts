import type { FieldPath, Receipt } from './receipt.ts';

/** Media resolutions that hold for a whole request. */
const REQUEST_RESOLUTIONS: ReadonlySet<string> = new Set(
  ['LOW', 'MEDIUM', 'HIGH'].map((level) => `MEDIA_RESOLUTION_${level}`),
);

/**
 * The one media resolution of a request for models that cannot take one for each part. Different wishes in one
 * request are a problem, since only one could be honoured. Contract section 3.2.
 */
export class RequestResolution {
  readonly #receipt: Receipt;
  #level: string | undefined;

  constructor(receipt: Receipt) {
    this.#receipt = receipt;
  }

  /** What all parts asked for; `undefined` when none did. */
  get level(): string | undefined {
    return this.#level;
  }

  /** Takes a wish, such as `MEDIA_RESOLUTION_LOW`, and where it stands. */
  ask(level: string, path: FieldPath): void {
    if (!REQUEST_RESOLUTIONS.has(level)) {
      this.#receipt.refuse(
        path,
        `${level} needs a model that takes a resolution for each part: Gemini 3 or later`,
      );
    } else if (this.#level !== undefined && this.#level !== level) {
      this.#receipt.fail(
        path,
        `asks for ${level}, and another part of the request for ${this.#level}; before Gemini 3 all must be equal (mixed_detail)`,
      );
    } else {
      this.#level = level;
    }
  }
}
