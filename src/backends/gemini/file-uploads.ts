import type { Dispatcher } from 'undici';
import type { AuthHeaders, TokenSource } from '../../auth/outbound/token-source.ts';
import { GatewayError } from '../../errors.ts';
import type { WholeMedium } from '../../media/medium.ts';
import { LruMap } from '../../lru-map.ts';
import { SharedFlights } from '../../single-flight.ts';
import { fromGeminiError } from '../../translate/error/from-gemini-error.ts';
import { type BodyPart, ComposedBody, type RequestBody } from '../../upstream/composed-body.ts';
import { withoutSent } from '../../upstream/cut-secrets.ts';
import { exchange, type ExchangeResponse, readText } from '../../upstream/exchange.ts';
import { pause } from '../../upstream/retry.ts';
import { TransportError } from '../../upstream/transport-error.ts';
import { isJsonObject, type JsonObject } from '../../wire/validation/structure-checks.ts';

export interface FileUploadsOptions {
  /** Root of the Developer API, without version. */
  readonly baseUrl: string;
  readonly version: string;
  readonly dispatcher: Dispatcher;
  /** Longest silence of the API, in milliseconds. */
  readonly idleMs: number;
  /** Wall clock, in milliseconds. @default Date.now */
  readonly now?: () => number;
}

/** For whom a file is uploaded. */
export interface Uploader {
  /** Whom the file may be used for again. */
  readonly tenant: string;
  readonly credentials: TokenSource;
  readonly signal: AbortSignal;
}

/** What is uploaded. */
export type FileContent = Pick<WholeMedium, 'mimeType' | 'byteLength' | 'hash' | 'chunks'>;

interface UploadedFile {
  /** `files/…` */
  readonly name: string;
  /** In milliseconds since 1970. */
  readonly until: number;
}

const MAX_ANSWER_BYTES = 64 * 1024;

/** Longest time of an upload, processing included, in milliseconds. */
const UPLOAD_LIMIT = 15 * 60_000;

/** Times an upload that broke off is gone on with. */
const MAX_RESUMES = 3;

/** Waits between looks at a file that is being processed, in milliseconds. */
const FIRST_POLL = 200;
const MAX_POLL = 2000;

/** A file that ends so soon is uploaded anew, in milliseconds: the request it is for may take its time. */
const MARGIN = 15 * 60_000;

/** How long files live whose end the API does not tell, in milliseconds. */
const USUAL_LIFETIME = 47 * 3_600_000;
const MAX_FILES = 10_000;

/**
 * Files of the Developer API, for media that are too large to stand in a request. What was uploaded is used again as
 * long as it lives. https://ai.google.dev/api/files
 */
export class FileUploads {
  readonly #options: FileUploadsOptions;
  readonly #now: () => number;
  /** By tenant and content. */
  readonly #files = new LruMap<UploadedFile>({ maxEntries: MAX_FILES });
  readonly #flights = new SharedFlights<UploadedFile>();

  constructor(options: FileUploadsOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /**
   * @returns the file's name, `files/…`, once a request may refer to it
   * @throws {GatewayError} as the API refuses it; {TransportError} when it cannot be reached
   */
  async nameOf(content: FileContent, uploader: Uploader): Promise<string> {
    const key = `${uploader.tenant}\n${content.hash}\n${content.mimeType}`;
    const known = this.#files.get(key);
    if (known !== undefined && known.until - MARGIN > this.#now()) return known.name;
    const file = await this.#flights.run(
      key,
      (left) => {
        const signal = AbortSignal.any([left, AbortSignal.timeout(UPLOAD_LIMIT)]);
        return this.#upload(content, { ...uploader, signal });
      },
      uploader.signal,
    );
    this.#files.set(key, file);
    return file.name;
  }

  /**
   * Takes note that the API does not know files any more, which somebody may have deleted.
   *
   * @param message what it says of them
   * @returns whether it speaks of any that were uploaded here
   */
  forgetNamedIn(message: string): boolean {
    const words = new Set(message.match(/[A-Za-z0-9-]+/g));
    const gone = [...this.#files].filter(([, { name }]) => words.has(name.slice('files/'.length)));
    for (const [key] of gone) this.#files.delete(key);
    return gone.length > 0;
  }

  async #upload(content: FileContent, uploader: Uploader): Promise<UploadedFile> {
    const url = await this.#begin(content, uploader);
    const sent = await this.#send(content, url, uploader);
    const file = isJsonObject(sent['file']) ? sent['file'] : sent;
    return await this.#whenActive(file, uploader);
  }

  /** @returns where the bytes go; the address is the right to send them */
  async #begin({ mimeType, byteLength }: FileContent, { credentials, signal }: Uploader): Promise<URL> {
    const { baseUrl, version } = this.#options;
    const response = await this.#ask(new URL(`${baseUrl}/upload/${version}/files`), {
      method: 'POST',
      headers: {
        ...(await credentials.headers(signal)),
        'content-type': 'application/json',
        'x-goog-upload-protocol': 'resumable',
        'x-goog-upload-command': 'start',
        'x-goog-upload-header-content-length': String(byteLength),
        'x-goog-upload-header-content-type': mimeType,
      },
      body: '{"file":{}}',
      signal,
    });
    await readText(response.body, MAX_ANSWER_BYTES);
    const url = URL.parse(response.headers['x-goog-upload-url'] ?? '');
    if (url === null) throw unexpected('told no address to send it to');
    return url;
  }

  /** Sends the bytes, from where the API has them when the connection breaks. */
  async #send(content: FileContent, url: URL, { signal }: Uploader): Promise<JsonObject> {
    let offset = 0;
    for (let resumes = 0; ; resumes++) {
      try {
        const response = await this.#ask(url, {
          method: 'POST',
          headers: { 'x-goog-upload-command': 'upload, finalize', 'x-goog-upload-offset': String(offset) },
          body: new ComposedBody([behind(content, offset)]),
          signal,
        });
        return await readObject(response);
      } catch (error) {
        if (!(error instanceof TransportError) || resumes === MAX_RESUMES) throw error;
        offset = await this.#received(url, signal);
        // All of it is there, and only the answer was lost: the same command tells it again.
        offset = Math.min(offset, content.byteLength);
      }
    }
  }

  async #received(url: URL, signal: AbortSignal): Promise<number> {
    const response = await this.#ask(url, {
      method: 'POST',
      headers: { 'x-goog-upload-command': 'query' },
      body: '',
      signal,
    });
    await readText(response.body, MAX_ANSWER_BYTES);
    const offset = Number(response.headers['x-goog-upload-size-received']);
    if (!Number.isSafeInteger(offset) || offset < 0) throw unexpected('did not tell how much of it has come');
    return offset;
  }

  /** Videos and long sounds take a while to be processed. */
  async #whenActive(sent: JsonObject, { credentials, signal }: Uploader): Promise<UploadedFile> {
    const { baseUrl, version } = this.#options;
    let file = sent;
    for (let wait = FIRST_POLL; ; wait = Math.min(2 * wait, MAX_POLL)) {
      const { name, state, expirationTime } = file;
      if (typeof name !== 'string' || !/^files\/[A-Za-z0-9-]{1,40}$/.test(name))
        throw unexpected('told no name of it');
      if (state === 'FAILED')
        throw new GatewayError('unsupported_media', 'The Gemini Developer API could not process the medium.');
      if (state !== 'PROCESSING') {
        const until = typeof expirationTime === 'string' ? Date.parse(expirationTime) : Number.NaN;
        return { name, until: Number.isNaN(until) ? this.#now() + USUAL_LIFETIME : until };
      }
      await pause(wait, signal);
      const headers = await credentials.headers(signal);
      file = await readObject(
        await this.#ask(new URL(`${baseUrl}/${version}/${name}`), { method: 'GET', headers, signal }),
      );
    }
  }

  async #ask(url: URL, request: FileRequest): Promise<ExchangeResponse> {
    const { dispatcher, idleMs } = this.#options;
    const response = await exchange(dispatcher, {
      ...request,
      origin: url.origin,
      path: url.pathname + url.search,
      headersTimeoutMs: idleMs,
      idleTimeoutMs: idleMs,
    });
    if (response.status === 200) return response;
    const body = await readText(response.body, MAX_ANSWER_BYTES);
    throw withoutSent(fromGeminiError({ status: response.status, body }), response.sent);
  }
}

interface FileRequest {
  readonly method: 'GET' | 'POST';
  readonly headers: AuthHeaders;
  readonly body?: RequestBody;
  readonly signal: AbortSignal;
}

/** What comes behind the first `offset` bytes. */
function behind(content: FileContent, offset: number): BodyPart {
  return {
    byteLength: content.byteLength - offset,
    async *chunks() {
      let skip = offset;
      for await (const chunk of content.chunks()) {
        if (skip < chunk.length) yield chunk.subarray(skip);
        skip = Math.max(0, skip - chunk.length);
      }
    },
  };
}

async function readObject(response: ExchangeResponse): Promise<JsonObject> {
  const text = await readText(response.body, MAX_ANSWER_BYTES);
  try {
    const value: unknown = JSON.parse(text);
    if (isJsonObject(value)) return value;
  } catch {
    // Told below.
  }
  throw unexpected('answered with something that is no JSON object');
}

function unexpected(what: string): GatewayError {
  return new GatewayError('bad_upstream_response', `The Gemini Developer API was sent a file, and ${what}.`);
}
