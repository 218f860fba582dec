import { GatewayError } from '../../errors.ts';
import { fromServerError } from '../../translate/error/from-server-error.ts';
import { withoutSent } from '../../upstream/cut-secrets.ts';
import { type ExchangeResponse, readText } from '../../upstream/exchange.ts';
import { giveVerdict } from '../../upstream/replicas/give-verdict.ts';
import type { Lease } from '../../upstream/replicas/replica.ts';
import type { JsonObject } from '../../wire/validation/structure-checks.ts';
import type { FlowingAnswer } from '../relayed-answer.ts';
import { collectBody } from './answer/collect-body.ts';
import { LongAnswer } from './answer/long-answer.ts';
import { RelayedStream } from './answer/relayed-stream.ts';
import { StreamEditor } from './answer/stream-editor.ts';
import { type Completion, readCompletion } from './answer/whole-answer.ts';
import type { ChatExchange, ServerConnection } from './server-connection.ts';

export interface ServerCall extends ChatExchange {
  readonly connection: ServerConnection;
  /** The upstream's name. */
  readonly upstream: string;
  /** The model name as the client wrote it; `undefined` leaves the server's. */
  readonly asked: string | undefined;
  /** Longest wait for the beginning of an answer, in milliseconds. */
  readonly firstByteMs: number;
}

/** Largest error body worth reading, in bytes. */
const MAX_ERROR_BYTES = 256 * 1024;

/** Longest completion that is held in memory as a whole, in bytes. Longer ones flow through. */
const MAX_WHOLE_BYTES = 256 * 1024;
/** The same of one that is to be checked. Those that are longer are refused. */
const MAX_CHECKED_BYTES = 8 * 1024 * 1024;

export interface WholeCall extends ServerCall {
  /** Whether the answer is to be held against a schema, which takes all of it. */
  readonly isChecked: boolean;
}

/**
 * Asks one replica for a whole answer. The lease is given back when the answer is complete.
 *
 * @returns the completion, or an answer too long to be one piece
 * @throws {GatewayError} as the server answered, and `schema_mismatch` for one that is too long to be checked;
 *   {TransportError} when it did not
 */
export async function callForWhole(call: WholeCall, lease: Lease): Promise<Completion | LongAnswer> {
  const response = await send(call, lease);
  try {
    return await readWhole(response, call, lease);
  } catch (error) {
    throw withoutSent(error, response.sent);
  }
}

async function readWhole(
  response: ExchangeResponse,
  { upstream, asked, isChecked, signal }: WholeCall,
  lease: Lease,
): Promise<Completion | LongAnswer> {
  if (mediaType(response) === 'text/event-stream') {
    response.body.cancel();
    throw unexpected(upstream, 'answered with a stream that nobody asked for');
  }
  const { bytes, isWhole } = await collectBody(
    response.body,
    isChecked ? MAX_CHECKED_BYTES : MAX_WHOLE_BYTES,
  );
  if (!isWhole && isChecked) {
    response.body.cancel();
    throw tooLongToCheck();
  }
  if (!isWhole) {
    begin(lease);
    return new LongAnswer(bytes, response.body, { upstream, asked, onOver: endLease(lease, signal) });
  }
  const completion = readCompletion(bytes, upstream);
  lease.succeed();
  lease.release();
  return completion;
}

export interface StreamCall extends ServerCall {
  /** Sees every chunk. */
  readonly watch?: ((chunk: JsonObject) => void) | undefined;
  /** Asked before the answer is declared complete. */
  readonly verify?: (() => Promise<void>) | undefined;
  /** Whether the chunk with the token counts is kept from the client. @default false */
  readonly hidesUsage?: boolean;
}

export interface OpenStream {
  readonly answer: FlowingAnswer;
  /** The model as the server names it. */
  readonly model: string | undefined;
}

/**
 * Asks one replica for a stream. Resolves when the first chunk is there; the lease is given back when the stream is over.
 *
 * @throws {GatewayError} as the server answered; {TransportError} when it did not
 */
export async function callForStream(call: StreamCall, lease: Lease): Promise<OpenStream> {
  const { upstream, asked, firstByteMs, watch, verify, hidesUsage = false } = call;
  const sentAt = performance.now();
  const response = await send(call, lease);
  if (mediaType(response) !== 'text/event-stream') {
    const body = await readText(response.body, MAX_ERROR_BYTES);
    throw isCompletion(body, upstream)
      ? unexpected(upstream, 'answered a request for a stream with one object')
      : errorIn(response, body, upstream);
  }
  const editor = new StreamEditor({ upstream, asked, watch, hidesUsage });
  const answer = await RelayedStream.begin(response.body, {
    editor,
    verify,
    upstream,
    explain: (failure) => withoutSent(failure, response.sent),
    onStir: () => lease.stir(),
    onOver: endLease(lease, call.signal),
    firstByteMs: Math.max(1, Math.round(firstByteMs - (performance.now() - sentAt))),
  });
  begin(lease);
  return { answer, model: editor.model };
}

/** @throws {GatewayError} for any status but 200 */
async function send(call: ServerCall, { replica }: Lease): Promise<ExchangeResponse> {
  const { connection, upstream } = call;
  const response = await connection.chat(replica, call);
  const encoding = response.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    response.body.cancel();
    throw unexpected(upstream, `compressed its answer (${encoding}), which nobody asked for`);
  }
  if (response.status === 200) return response;
  throw errorIn(response, await readText(response.body, MAX_ERROR_BYTES), upstream);
}

function errorIn({ status, headers, sent }: ExchangeResponse, body: string, upstream: string): unknown {
  const { 'content-type': contentType, 'retry-after': retryAfter } = headers;
  const error = fromServerError({
    status,
    body,
    upstream,
    ...(contentType === undefined ? {} : { contentType }),
    ...(retryAfter === undefined ? {} : { retryAfter }),
  });
  return withoutSent(error, sent);
}

/** An answer begins that may still break off: only a trial has found out already what it was made for. */
function begin(lease: Lease): void {
  if (lease.replica.state === 'down') lease.succeed();
}

/** What the end of an answer that flowed says about the replica. */
function endLease(lease: Lease, signal: AbortSignal): (failure?: unknown) => void {
  // A client that leaves while it has no room takes nothing more, so that the answer never comes to its end.
  signal.addEventListener('abort', () => lease.release(), { once: true });
  return (failure) => {
    if (failure === undefined) lease.succeed();
    else giveVerdict(lease, failure);
    lease.release();
  };
}

function mediaType({ headers }: ExchangeResponse): string {
  return (headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase();
}

function isCompletion(body: string, upstream: string): boolean {
  try {
    readCompletion(Buffer.from(body), upstream);
    return true;
  } catch {
    return false;
  }
}

function unexpected(upstream: string, what: string): GatewayError {
  return new GatewayError('bad_upstream_response', `The upstream ${upstream} ${what}.`);
}

function tooLongToCheck(): GatewayError {
  return new GatewayError(
    'schema_mismatch',
    `The model's answer is longer than ${MAX_CHECKED_BYTES} bytes, too long to be held against response_format.json_schema.schema. Limit its length with max_completion_tokens.`,
    { param: 'response_format', shouldRetry: false },
  );
}
