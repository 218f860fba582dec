import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { Dispatcher } from 'undici';
import { GatewayError } from '../../errors.ts';
import { excerptOf } from '../../translate/error/excerpt.ts';
import { createConnectionPools } from '../../upstream/connection-pools.ts';
import { exchange, type ExchangeResponse } from '../../upstream/exchange.ts';
import { judgeFailure } from '../../upstream/judge-failure.ts';
import { type FailedAttempt, RetryBudget, type RetryOptions, withRetries } from '../../upstream/retry.ts';
import { TransportError } from '../../upstream/transport-error.ts';
import type { OpenedMedium } from '../opened-medium.ts';
import { statedType } from '../stated-type.ts';
import { tooLarge } from '../too-large.ts';
import { limitedBody } from '../transfers/limited-body.ts';
import { TransferBody } from '../transfers/transfer-body.ts';
import type { Transfer } from '../transfers/transfer.ts';
import { Transfers } from '../transfers/transfers.ts';
import { isPassing, unavailable } from '../unavailable.ts';
import { type BucketObject, describeObject } from './parse-bucket-uri.ts';
import { explainRefusal, type StorageQuestion, StorageRefusal } from './storage-refusal.ts';
import { type StorageRoot, storageRoot } from './storage-root.ts';

export interface BucketStoreOptions {
  /** `STORAGE_EMULATOR_HOST` and the variables of proxies are read from it. */
  readonly env: NodeJS.ProcessEnv;
  /** Cloud Storage under another name, such as a private endpoint. Credentials go there. */
  readonly url?: string;
  /** The project that pays for buckets whose requester pays. */
  readonly userProject?: string;
  /** Largest object, decompressed. @default 20 MiB */
  readonly maxBytes?: number;
  /** From the call to the last byte, in milliseconds, waits and retries included. @default 10 000 */
  readonly timeoutMs?: number;
  /** Objects that are read at a time; others wait. @default 16 */
  readonly maxTransfers?: number;
  readonly retry?: RetryOptions;
}

export interface OpenObjectOptions {
  /** Ends the transfer. */
  readonly signal: AbortSignal;
  /** Value of the `authorization` header; without it the object is read anonymously. An emulator never gets it. */
  readonly authorization?: string | undefined;
}

const CONNECT_TIMEOUT_MS = 4000;

/** zlib's codes for bytes that are no gzip, or only a part of it. */
const GZIP_FAULT = /^Z_/;

/** Objects of Cloud Storage, by its JSON API, or of an emulator that speaks it. Nothing is kept. */
export class BucketStore {
  readonly #root: StorageRoot;
  readonly #dispatcher: Dispatcher;
  readonly #transfers: Transfers;
  readonly #budget = new RetryBudget();
  readonly #query: string;
  readonly #maxBytes: number;
  readonly #retry: RetryOptions;

  /** @throws {TypeError} for a `STORAGE_EMULATOR_HOST` or a URL that is no address */
  constructor({
    env,
    url,
    userProject,
    maxBytes = 20 * 1024 * 1024,
    timeoutMs = 10_000,
    maxTransfers = 16,
    retry = {},
  }: BucketStoreOptions) {
    this.#root = storageRoot(env, url);
    const pools = { connectTimeoutMs: CONNECT_TIMEOUT_MS, maxConnections: maxTransfers, http2: false };
    this.#dispatcher = createConnectionPools(pools, this.#root.isEmulator ? {} : env);
    this.#transfers = new Transfers({ totalMs: timeoutMs, max: maxTransfers });
    const payer = userProject === undefined ? '' : `&userProject=${encodeURIComponent(userProject)}`;
    this.#query = `alt=media${payer}`;
    this.#maxBytes = maxBytes;
    // A server that wants to be left alone for longer than the object may take is not waited for.
    this.#retry = { maxHintMs: timeoutMs / 2, ...retry };
  }

  /** Whether an emulator stands in for Cloud Storage: what it has nobody else can read. */
  get isEmulator(): boolean {
    return this.#root.isEmulator;
  }

  /**
   * Resolves when the object's first bytes are about to come. The time runs on while its body is read.
   *
   * @throws {GatewayError} `invalid_argument` when it cannot be read or not in time, `unsupported_media` when it is too
   *   large, `overloaded` when it had to wait for its turn for too long; the signal's reason when that aborted
   */
  async open(object: BucketObject, { signal, authorization }: OpenObjectOptions): Promise<OpenedMedium> {
    const subject = describeObject(object);
    const transfer = this.#transfers.begin({ signal, subject: () => subject });
    const credentials = this.#root.isEmulator ? undefined : authorization;
    const question = { object, host: this.#root.host, isAnonymous: credentials === undefined };
    try {
      await transfer.takeSlot();
      const response = await withRetries(() => this.#ask(object, credentials, transfer.signal), judge, {
        budget: this.#budget,
        signal: transfer.signal,
        options: this.#retry,
      });
      return this.#mediumOf({ response, question, transfer });
    } catch (error) {
      transfer.end();
      // Words of an error that were given up with the client are of no use to anybody.
      signal.throwIfAborted();
      throw explain(error, question);
    }
  }

  /** Breaks off what is being read. */
  async close(): Promise<void> {
    this.#transfers.close();
    await this.#dispatcher.destroy();
  }

  /** @throws {StorageRefusal} for an answer that is not the object; {@link TransportError} */
  async #ask(
    { bucket, object }: BucketObject,
    authorization: string | undefined,
    signal: AbortSignal,
  ): Promise<ExchangeResponse> {
    const { origin, basePath } = this.#root;
    const response = await exchange(this.#dispatcher, {
      origin,
      path: `${basePath}/b/${encodeURIComponent(bucket)}/o/${encodeURIComponent(object)}?${this.#query}`,
      method: 'GET',
      headers: {
        'user-agent': 'parlance',
        // Objects stored compressed are then decompressed by Cloud Storage, except those with `no-transform`; and
        // nothing is compressed on the way, which for media would be of no use.
        'accept-encoding': 'identity',
        ...(authorization !== undefined && { authorization }),
      },
      signal,
      // The transfer's own time covers both.
      headersTimeoutMs: 0,
      idleTimeoutMs: 0,
    });
    if (response.status === 200) return response;
    throw await StorageRefusal.read(response);
  }

  #mediumOf({ response: { headers, body }, question, transfer }: Arrival): OpenedMedium {
    const subject = describeObject(question.object);
    const maxBytes = this.#maxBytes;
    const encoding = headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
    const isCompressed = encoding === 'gzip';
    if (!isCompressed && encoding !== 'identity') throw strangeEncoding(encoding, subject);
    const stored = lengthOf(headers['content-length']);
    if (stored !== undefined && stored > maxBytes) throw tooLarge(subject, maxBytes);
    const bytes = limitedBody(body, { subject, maxBytes });
    const whole = isCompressed ? limitedBody(decompress(bytes), { subject, maxBytes }) : bytes;
    return {
      contentType: statedType(headers['content-type']),
      length: isCompressed ? undefined : stored,
      body: new TransferBody(whole, transfer, (error) => explain(error, question)),
    };
  }
}

/** An object that begins to come. */
interface Arrival {
  readonly response: ExchangeResponse;
  readonly question: StorageQuestion;
  readonly transfer: Transfer;
}

function judge(error: unknown): FailedAttempt {
  return error instanceof StorageRefusal ? error.attempt : judgeFailure(error);
}

/** A failure as the client is told it; what is no failure of Cloud Storage stays as it is. */
function explain(error: unknown, question: StorageQuestion): unknown {
  const { host, object } = question;
  const uri = describeObject(object);
  if (error instanceof StorageRefusal) return explainRefusal(error, question);
  if (error instanceof TransportError) {
    const message = `${host} gave no complete answer for ${uri}: ${error.message}.`;
    return isPassing(error)
      ? unavailable(`${message} Try again later.`, { mayPass: true, cause: error })
      : unavailable(message, { cause: error });
  }
  if (error instanceof Error && 'code' in error && GZIP_FAULT.test(String(error.code))) {
    const message = `${uri} has the content-encoding gzip and cannot be decompressed. Store it as it is.`;
    return unavailable(message, { cause: error });
  }
  return error;
}

function strangeEncoding(encoding: string, subject: string): GatewayError {
  return new GatewayError(
    'unsupported_media',
    `${subject} has the content-encoding ${excerptOf(encoding)}, which cannot be undone. Store it as it is.`,
  );
}

function lengthOf(header: string | undefined): number | undefined {
  return header === undefined ? undefined : Number(header);
}

/** Begins when it is read. */
async function* decompress(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  // Failures of either reach who reads the result.
  yield* pipeline(bytes, createGunzip(), () => {});
}
