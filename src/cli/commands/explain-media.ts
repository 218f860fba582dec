import { type InlinedMedia, isBucketReference, remoteReferences } from '../../translate/media-references.ts';
import { mimeTypeOfName } from '../../translate/request/media-type.ts';

/** Stands for media that are fetched only when a request is sent. It is base64, so that it is taken for some. */
const FETCHED_LATER = 'FetchedWhenSent0';

/** What only the bytes would tell. */
const UNKNOWN_TYPE = 'application/octet-stream';

/** Shows where media would stand that a running server fetches. */
export class MediaPreview implements InlinedMedia {
  readonly #references: ReadonlySet<string>;

  /** @param isFetched which of the addresses in the body the upstream does not read itself */
  constructor(body: { readonly messages?: unknown }, isFetched: (reference: string) => boolean) {
    this.#references = new Set(
      remoteReferences(body)
        .map(({ text }) => text)
        .filter(isFetched),
    );
  }

  get notes(): readonly string[] {
    return [...this.#references].map(
      (reference) =>
        `${withoutQuery(reference)} is fetched when the request is sent; ${FETCHED_LATER} stands for it here.`,
    );
  }

  get(reference: string): { readonly mimeType: string } | undefined {
    if (!this.#references.has(reference)) return undefined;
    return { mimeType: mimeTypeOfName(withoutQuery(reference)) ?? UNKNOWN_TYPE };
  }

  base64Of(reference: string): string | undefined {
    return this.#references.has(reference) ? FETCHED_LATER : undefined;
  }

  dataUriOf(reference: string): string | undefined {
    const medium = this.get(reference);
    return medium && `data:${medium.mimeType};base64,${FETCHED_LATER}`;
  }
}

/** A query may be a signature. */
function withoutQuery(reference: string): string {
  return isBucketReference(reference) ? reference : reference.replace(/[?#].*$/s, '');
}
