import {
  type InlinedMedia,
  isBucketReference,
  partReferences,
  type PlacedReference,
  remoteReferences,
} from '../../translate/media-references.ts';
import { mimeTypeOfName } from '../../translate/request/media-type.ts';
import type { ChatCompletionRequest, ContentPart } from '../../wire/openai/request.ts';
import { formatJsonPath } from '../../wire/validation/format-json-path.ts';

/** Stands for media that are fetched only when a request is sent. It is base64, so that it is taken for some. */
const FETCHED_LATER = 'FetchedWhenSent0';

/** Stands for a part that holds such a medium. */
const STAND_IN: ContentPart = { type: 'text', text: FETCHED_LATER };

/** Keys of a path up to the part: `messages`, the message, `content`, the part. */
const PART_DEPTH = 4;

/** What only the bytes would tell. */
const UNKNOWN_TYPE = 'application/octet-stream';

/** Shows where media would stand that a running server fetches. */
export class MediaPreview implements InlinedMedia {
  readonly #placed: readonly PlacedReference[];
  readonly #references: ReadonlySet<string>;

  /** @param isFetched which of the addresses in the body the upstream does not read itself */
  constructor(body: { readonly messages?: unknown }, isFetched: (reference: string) => boolean) {
    this.#placed = remoteReferences(body).filter(({ text }) => isFetched(text));
    this.#references = new Set(this.#placed.map(({ text }) => text));
  }

  /** What is fetched, in a form that can be shown. */
  get addresses(): readonly string[] {
    return [...this.#references].map(withoutQuery);
  }

  get notes(): readonly string[] {
    return this.addresses.map(
      (address) => `${address} is fetched when the request is sent; ${FETCHED_LATER} stands for it here.`,
    );
  }

  /** The request with text in place of the parts that hold them, for an upstream that looks at what it is sent. */
  leaveOut(request: ChatCompletionRequest): ChatCompletionRequest {
    const isFetched = (part: ContentPart): boolean =>
      partReferences(part).some(({ text }) => this.#references.has(text));
    const messages = request.messages.map((message) =>
      Array.isArray(message.content)
        ? { ...message, content: message.content.map((part) => (isFetched(part) ? STAND_IN : part)) }
        : message,
    );
    return { ...request, messages };
  }

  /** What is known of them. */
  get media(): readonly { readonly mimeType: string; readonly path: string | null }[] {
    return this.#placed.map(({ text, path }) => ({
      mimeType: this.get(text)!.mimeType,
      path: formatJsonPath(path.slice(0, PART_DEPTH)),
    }));
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
