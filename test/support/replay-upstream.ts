/**
 * Gemini on loopback, under its URLs on Vertex AI and on the Developer API. Answers what a test gives it, and refuses
 * what Google refuses: unknown paths, missing or doubled credentials, unknown fields.
 */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { listen } from '../../scripts/listen.ts';
import type { GenerateContentRequest } from '../../src/wire/gemini/request.ts';
import { API_OF, violationsOf } from './discovery-validator.ts';
import { bodyAnswer, errorAnswer, type GeminiMethod, type UpstreamAnswer } from './gemini-answers.ts';

export interface UpstreamRequest {
  readonly upstream: 'vertex' | 'gemini';
  readonly method: GeminiMethod;
  /** With query. */
  readonly path: string;
  /** Decoded; of an endpoint its id. */
  readonly model: string;
  /** `undefined` where the URL names none. */
  readonly location: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: GenerateContentRequest;
  /** Resolves when the exchange is over: `true` when the whole answer was taken. */
  readonly over: Promise<boolean>;
  /** Bytes of the answer handed to the connection so far. */
  sentBytes: number;
}

export type Responder = (request: UpstreamRequest) => UpstreamAnswer;

const PATHS = [
  /^\/v1(?:beta1)?\/(?:projects\/[^/]+\/locations\/(?<location>[^/]+)\/)?(?:publishers\/google\/models|endpoints)\/(?<model>[^/:]+):(?<method>\w+)$/,
  /^\/v1(?:beta|alpha)?\/(?:models|tunedModels)\/(?<model>[^/:]+):(?<method>\w+)$/,
] as const;

export class ReplayUpstream implements AsyncDisposable {
  readonly origin: string;
  /** All requests that were understood, the refused ones included. */
  readonly requests: UpstreamRequest[] = [];
  /** Why requests were refused. */
  readonly refusals: string[] = [];
  /** Raw targets and headers of all requests, the ones not understood included. */
  readonly received: { target: string; headers: IncomingHttpHeaders }[] = [];
  /** Answers when {@link answer} has left nothing. */
  respond: Responder;
  readonly #queue: UpstreamAnswer[] = [];
  readonly #sockets: ReadonlySet<Socket>;
  readonly #close: () => void;

  private constructor(origin: string, respond: Responder, sockets: ReadonlySet<Socket>, close: () => void) {
    this.origin = origin;
    this.respond = respond;
    this.#sockets = sockets;
    this.#close = close;
  }

  static async start(respond: Responder = () => unexpected()): Promise<ReplayUpstream> {
    const sockets = new Set<Socket>();
    const server = createServer();
    server.on('connection', (socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    });
    const port = await listen(server);
    const upstream = new ReplayUpstream(`http://127.0.0.1:${port}`, respond, sockets, () => server.close());
    server.on('request', (request, response) => void upstream.#serve(request, response));
    return upstream;
  }

  /** The request that came last. @throws {Error} when there was none */
  get last(): UpstreamRequest {
    const request = this.requests.at(-1);
    if (request === undefined) throw new Error('the upstream was not asked');
    return request;
  }

  /** The next requests get these answers, one each. */
  answer(...answers: readonly UpstreamAnswer[]): void {
    this.#queue.push(...answers);
  }

  /** Forgets what was asked, and answers not given yet. */
  clear(): void {
    this.requests.length = 0;
    this.received.length = 0;
    this.refusals.length = 0;
    this.#queue.length = 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#close();
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of incoming) chunks.push(chunk as Buffer);
    } catch {
      return;
    }
    this.received.push({ target: incoming.url ?? '', headers: incoming.headers });
    const request = readRequest(incoming, response, Buffer.concat(chunks).toString('utf8'));
    if (request === undefined) {
      await send(response, bodyAnswer(404, '<html><title>Error 404 (Not Found)!!1</title></html>'));
      return;
    }
    this.requests.push(request);
    const refusal = refuse(request);
    if (refusal !== undefined) this.refusals.push(refusal);
    const answer =
      refusal === undefined ? (this.#queue.shift() ?? this.respond(request)) : invalidArgument(refusal);
    await send(response, answer, request);
  }
}

function readRequest(
  { url = '', headers }: IncomingMessage,
  response: ServerResponse,
  text: string,
): UpstreamRequest | undefined {
  const { pathname } = new URL(url, 'http://gemini');
  const index = PATHS.findIndex((pattern) => pattern.test(pathname));
  const { model = '', method, location } = PATHS[index]?.exec(pathname)?.groups ?? {};
  if (method !== 'generateContent' && method !== 'streamGenerateContent') return undefined;
  const { promise: over, resolve } = Promise.withResolvers<boolean>();
  response.once('close', () => {
    resolve(response.writableFinished);
  });
  return {
    upstream: index === 0 ? 'vertex' : 'gemini',
    method,
    path: url,
    model: decodeURIComponent(model),
    location,
    headers,
    body: JSON.parse(text) as GenerateContentRequest,
    over,
    sentBytes: 0,
  };
}

/** Why Google would not even look at a request; `undefined` when it would. */
function refuse({ upstream, method, path, headers, body }: UpstreamRequest): string | undefined {
  const credentials = ['authorization', 'x-goog-api-key', 'openai-organization', 'openai-project'].filter(
    (name) => headers[name] !== undefined,
  );
  if (credentials.length > 1) return 'Multiple authentication credentials received. Please pass only one.';
  if (credentials.length === 0) return 'Request is missing required authentication credential.';
  if (method === 'streamGenerateContent' && !path.endsWith('?alt=sse')) return 'alt=sse is missing';
  const violations = violationsOf(API_OF[upstream], 'GenerateContentRequest', body);
  return violations.length === 0 ? undefined : `Invalid JSON payload received. ${violations.join('; ')}`;
}

function invalidArgument(message: string): UpstreamAnswer {
  return errorAnswer({ code: 400, status: 'INVALID_ARGUMENT', message });
}

function unexpected(): UpstreamAnswer {
  return errorAnswer({ code: 400, status: 'INVALID_ARGUMENT', message: 'the test has no answer to this' });
}

async function send(
  response: ServerResponse,
  { status, headers, before = [], steps }: UpstreamAnswer,
  request?: UpstreamRequest,
): Promise<void> {
  const gone = once(response, 'close');
  const isGone = (): boolean => response.destroyed;
  for (const step of before) await take(step);
  if (isGone()) return;
  response.writeHead(status, headers);
  response.flushHeaders();
  for (const step of steps) {
    await take(step);
    if (isGone()) return;
  }
  response.end();

  async function take(step: (typeof before)[number]): Promise<void> {
    if (step === 'reset') response.socket?.resetAndDestroy();
    if (step === 'reset' || step === 'hang') await gone;
    else if ('until' in step) await Promise.race([step.until(), gone]);
    else {
      if (request !== undefined) request.sentBytes += step.bytes.length;
      if (!response.write(step.bytes)) await Promise.race([once(response, 'drain'), gone]);
      // Pieces written in one turn would arrive as one.
      await turn();
    }
  }
}
