/** Model servers, Gemini and token endpoints that repeat all they are told, in every way in which an answer can fail. */
import {
  type Answer,
  bodyAnswer,
  brokenChunks,
  chunks,
  completion,
  head,
  jsonAnswer,
  sseAnswer,
} from '../support/faulty-answers.ts';
import { type FaultyRequest, FaultyServer } from '../support/faulty-server.ts';
import type { Plants, Sight } from './plants.ts';

/** How an answer can fail. */
export const FAILURES = [
  'refused',
  'unauthenticated',
  'forbidden',
  'absent',
  'limited',
  'failed',
  'overloaded',
  'page',
  'error-with-200',
  'other-json',
  'redirect',
  'broken-encoding',
  'error-event',
  'no-json',
  'reset',
  'stalled',
  'silent',
] as const;

export type Outcome = 'good' | (typeof FAILURES)[number];

const STATUSES: Partial<Record<Outcome, number>> = {
  refused: 400,
  unauthenticated: 401,
  forbidden: 403,
  absent: 404,
  limited: 429,
  failed: 500,
  overloaded: 503,
};

/** How a prompt tells whose it is, and what the upstream is to do with it. */
export const order = (owner: string, outcome: Outcome): string => `[[${owner}|${outcome}]]`;

const ORDER = /\[\[([^|\]]+)\|([\w-]+)\]\]/;

/** Who may be named in requests to an upstream: those whose configuration or credential it is. */
export const ownerOf = (upstream: string): string => `upstream ${upstream}`;
export const senderOf = (owner: string): string => `credential of ${owner}`;

export class RepeatingUpstream implements AsyncDisposable {
  /** All that was received. */
  readonly sights: Sight[] = [];
  readonly url: string;
  readonly #server: FaultyServer;
  readonly #plants: Plants;
  readonly #accessToken: string;

  private constructor(server: FaultyServer, plants: Plants) {
    this.#server = server;
    this.#plants = plants;
    this.#accessToken = plants.put('token of the service account', ownerOf('account'));
    this.url = server.url;
    server.respond = (request) => this.#answer(request);
  }

  static async start(plants: Plants): Promise<RepeatingUpstream> {
    return new RepeatingUpstream(await FaultyServer.start(), plants);
  }

  /** @returns the base URL of one of the upstreams */
  urlOf(upstream: string): string {
    return `${this.url}/${upstream}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop();
  }

  #answer(request: FaultyRequest): Answer {
    const { path, headers, body } = request;
    const upstream = /^\/(\w+)/.exec(path)?.[1] ?? '';
    const [, owner = '', outcome = 'good'] = ORDER.exec(body) ?? [];
    const text = `${path} ${JSON.stringify(headers)} ${body}`;
    const owners = [owner, senderOf(owner), ownerOf(upstream)];
    this.sights.push({ name: `a request to ${upstream} for ${owner}`, text, owners });
    this.#plants.enter(text);
    if (path.startsWith('/account/token?')) return this.#grant(body);
    if (request.method === 'GET') return jsonAnswer({ object: 'list', data: [{ id: 'planted' }] });
    const steps = [...this.#misbehave(outcome as Outcome, request)];
    for (const step of steps)
      if (typeof step === 'object' && 'write' in step) this.#plants.enter(Buffer.from(step.write).toString());
    return steps;
  }

  #grant(form: string): Answer {
    const [header = ''] = (new URLSearchParams(form).get('assertion') ?? '').split('.');
    this.#plants.enter(Buffer.from(header, 'base64url').toString(), this.#accessToken);
    return jsonAnswer({ access_token: this.#accessToken, expires_in: 3600, token_type: 'Bearer' });
  }

  #misbehave(outcome: Outcome, { path, headers: received, body }: FaultyRequest): Answer {
    const isGemini = path.includes('enerateContent');
    const isStream = path.includes('streamGenerate') || /"stream":\s*true/.test(body);
    const echo = `You sent ${JSON.stringify(received)} to ${path}: ${body}`;
    const headers = this.#headersOf(outcome);
    const status = STATUSES[outcome];
    if (status !== undefined) {
      const details = [{ '@type': 'type.googleapis.com/google.rpc.DebugInfo', detail: echo }];
      const error = { code: status, message: echo, type: echo, details };
      return jsonAnswer({ error }, { status, headers });
    }
    const error = { error: { code: 500, message: echo, status: 'INTERNAL', details: [{ echo }] } };
    const events = isGemini ? GEMINI_EVENTS : chunks();
    switch (outcome) {
      case 'page':
        return bodyAnswer(`<html><h1>Bad gateway</h1>${echo}</html>`, {
          status: 502,
          headers: { 'content-type': 'text/html', ...headers },
        });
      case 'error-with-200':
        return jsonAnswer(error, { headers });
      case 'other-json':
        return jsonAnswer({ message: echo, error: echo, error_description: echo }, { headers });
      case 'redirect':
        return bodyAnswer('', { status: 302, headers });
      case 'broken-encoding':
        return brokenChunks(echo);
      case 'silent':
        return ['hang'];
      case 'error-event':
        return isStream
          ? sseAnswer([...events.slice(0, 2), JSON.stringify(error)], { headers })
          : jsonAnswer([error], { headers });
      case 'no-json':
        return isStream
          ? sseAnswer([...events.slice(0, 2), echo], { headers })
          : bodyAnswer(echo, { headers: { 'content-type': 'application/json', ...headers } });
      case 'reset':
      case 'stalled': {
        const ending = outcome === 'reset' ? 'reset' : 'hang';
        if (isStream) return sseAnswer(events.slice(0, 2), { headers, ending });
        const json = { 'content-type': 'application/json', 'content-length': '99999', ...headers };
        return [head(200, json), { write: echo }, ending];
      }
      default:
        if (isStream) return sseAnswer(events, { headers });
        return jsonAnswer(isGemini ? GEMINI_ANSWER : completion({ content: SLOW_TO_CHECK }), { headers });
    }
  }

  /** Secrets of the upstream's own. Two of the answers have no headers to put them into. */
  #headersOf(outcome: Outcome): Record<string, string> {
    if (outcome === 'broken-encoding' || outcome === 'silent') return {};
    const secret = (name: string): string => this.#plants.put(`${name} of an upstream, ${outcome}`);
    return {
      'set-cookie': `session=${secret('set-cookie')}`,
      location: `${this.url}/?X-Goog-Signature=${encodeURIComponent(secret('location'))}`,
      'x-debug': `Bearer ${secret('x-debug')}`,
      'openai-organization': secret('openai-organization'),
    };
  }
}

/** JSON that some patterns take for ever to refuse. */
const SLOW_TO_CHECK = JSON.stringify(`${'a'.repeat(50)}!`);

const GEMINI_ANSWER = {
  candidates: [{ content: { role: 'model', parts: [{ text: 'Hello.' }] }, finishReason: 'STOP' }],
  usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 2, totalTokenCount: 5 },
  modelVersion: 'planted-model',
};
const BEGUN = { candidates: [{ content: { role: 'model', parts: [{ text: 'Hel' }] } }] };
const GEMINI_EVENTS = [BEGUN, BEGUN, GEMINI_ANSWER].map((event) => JSON.stringify(event));
