import type { Dispatcher } from 'undici';
import type { AuthHeaders, TokenSource } from '../../auth/outbound/token-source.ts';
import { fromGeminiError } from '../../translate/error/from-gemini-error.ts';
import type { ChatEventBatch, ToolCallStart } from '../../translate/events/chat-event.ts';
import { GeminiDecoder } from '../../translate/events/decode-gemini.ts';
import type { RequestBody } from '../../upstream/composed-body.ts';
import { withoutSent } from '../../upstream/cut-secrets.ts';
import { exchange, type ExchangeResponse, readText } from '../../upstream/exchange.ts';
import { GeminiEvents } from './gemini-events.ts';
import { type GeminiPlace, geminiUrl } from './gemini-url.ts';
import { streamReader, wholeReader } from './read-frames.ts';

export interface GeminiCall {
  readonly place: GeminiPlace;
  readonly model: string;
  /** Native request as JSON text. */
  readonly body: RequestBody;
  readonly stream: boolean;
  /** Headers the translation asks for. */
  readonly headers: Readonly<Record<string, string>>;
  readonly toolNames: ReadonlyMap<string, string>;
  readonly topLogprobs: number | undefined;
  /** Sees every call of the answer as it begins, and may change it. */
  readonly keepCall: (event: ToolCallStart) => ToolCallStart;
  readonly timeouts: { readonly firstByteMs: number; readonly idleMs: number };
}

export interface GeminiConnection {
  readonly credentials: TokenSource;
  readonly dispatcher: Dispatcher;
  readonly signal: AbortSignal;
}

export interface GeminiAnswer {
  /** The exact model, when the upstream says it. */
  readonly modelVersion?: string;
  readonly events: AsyncIterable<ChatEventBatch>;
}

/** Largest error body worth reading, in bytes. */
const MAX_ERROR_BYTES = 256 * 1024;

/**
 * One call of Gemini. Resolves when the answer has begun: until then every failure is thrown and may be retried.
 *
 * @throws {GatewayError} as the upstream answered; {TransportError} when it did not
 */
export async function callGemini(call: GeminiCall, connection: GeminiConnection): Promise<GeminiAnswer> {
  const response = await send(call, connection);
  if (response.status !== 200) throw await readError(response);
  const decoder = new GeminiDecoder({
    toolNames: call.toolNames,
    ...(call.topLogprobs === undefined ? {} : { topLogprobs: call.topLogprobs }),
  });
  const isJson = response.headers['content-type']?.toLowerCase().includes('json') === true;
  const events = new GeminiEvents(response.body, {
    frames: call.stream ? streamReader(isJson) : wholeReader(),
    isJson,
    decoder,
    keepCall: call.keepCall,
    explain: (failure) => withoutSent(failure, response.sent),
  });
  await events.untilOutput();
  const { modelVersion } = decoder;
  return { ...(modelVersion === undefined ? {} : { modelVersion }), events };
}

interface GeminiResponse extends Omit<ExchangeResponse, 'body'> {
  readonly body: AsyncIterable<Buffer>;
}

/** Sends the request; a refused token is replaced once. */
async function send(
  call: GeminiCall,
  { credentials, dispatcher, signal }: GeminiConnection,
): Promise<GeminiResponse> {
  const { origin, path } = geminiUrl(
    call.place,
    call.model,
    call.stream ? 'streamGenerateContent' : 'generateContent',
  );
  const post = (authorization: AuthHeaders): Promise<ExchangeResponse> =>
    exchange(dispatcher, {
      origin,
      path,
      method: 'POST',
      headers: { 'content-type': 'application/json', ...call.headers, ...authorization },
      body: call.body,
      signal,
      headersTimeoutMs: call.timeouts.firstByteMs,
      idleTimeoutMs: call.timeouts.idleMs,
    });
  const authorization = await credentials.headers(signal);
  const response = await post(authorization);
  if (response.status !== 401) return response;
  credentials.invalidate(authorization);
  const refusal = await readText(response.body, MAX_ERROR_BYTES);
  const renewed = await credentials.headers(signal);
  // A fixed key or token stays what it is: asking again would be refused again.
  return renewed === authorization ? { ...response, body: bodyOf(refusal) } : post(renewed);
}

async function* bodyOf(text: string): AsyncGenerator<Buffer, void, void> {
  yield Buffer.from(text);
}

async function readError({ status, headers, body, sent }: GeminiResponse): Promise<unknown> {
  const { 'content-type': contentType, 'retry-after': retryAfter } = headers;
  const error = fromGeminiError({
    status,
    body: await readText(body, MAX_ERROR_BYTES),
    ...(contentType === undefined ? {} : { contentType }),
    ...(retryAfter === undefined ? {} : { retryAfter }),
  });
  return withoutSent(error, sent);
}
