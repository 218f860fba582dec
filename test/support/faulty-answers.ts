/** What a model server, or something in front of it, may put on a connection: good answers and broken ones. */
import { STATUS_CODES } from 'node:http';

/**
 * `write` sends bytes as they are, on their own; `wait` is in milliseconds. `hang` sends nothing more until the other
 * side leaves, `end` closes the connection in order, `reset` breaks it. After the last step the connection stays open
 * for the next request.
 */
export type Step =
  | { readonly write: string | Uint8Array }
  | { readonly wait: number }
  | { readonly until: Promise<unknown> }
  | 'hang'
  | 'end'
  | 'reset';

/** A generator is asked for its next step when the one before has been taken. */
export type Answer = Iterable<Step>;

export interface AnswerOptions {
  /** @default 200 */
  readonly status?: number;
  /** Names in lower case; they win over the ones an answer has by itself, `content-length` too. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface SseOptions extends AnswerOptions {
  /** Bytes after the last event that do not make an event, such as the half of one. */
  readonly partial?: string | Uint8Array;
  /** What happens in place of the body's end. @default the body ends as it should */
  readonly ending?: Step;
  /** No chunked encoding: the body ends with the connection, as that of an HTTP/1.0 server. */
  readonly untilClose?: boolean;
}

export interface CompletionFields {
  /** @default 'Hello there.' */
  readonly content?: string;
  /** @default {@link FAULTY_MODEL} */
  readonly model?: string;
}

/** The one model of a `FaultyServer`. */
export const FAULTY_MODEL = 'faulty-model';

/** Cannot be in a UTF-8 text: the first half of a character of two bytes, and no second one. */
export const INVALID_UTF8 = Buffer.from([0xc3, 0x28]);

const ANSWER_FACTS = { id: 'chatcmpl-1', created: 1_700_000_000 };
const USAGE = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
const PIECE_BYTES = 65_536;

/** The head of a response alone. */
export function head(status: number, headers: Readonly<Record<string, string>>): Step {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return { write: `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n` };
}

/** Any body, such as an HTML page, or nothing at all. */
export function bodyAnswer(
  body: string | Uint8Array,
  { status = 200, headers = {} }: AnswerOptions = {},
): Step[] {
  const length = String(Buffer.byteLength(body));
  const start = head(status, { 'content-length': length, ...headers });
  return body.length === 0 ? [start] : [start, { write: body }];
}

export function jsonAnswer(body: unknown, { status = 200, headers = {} }: AnswerOptions = {}): Step[] {
  return bodyAnswer(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/json', ...headers },
  });
}

/** An error as OpenAI writes it. Put `retry-after` into the headers. */
export function errorAnswer(status: number, headers: Readonly<Record<string, string>> = {}): Step[] {
  const message = `the script says ${status}`;
  return jsonAnswer(
    { error: { message, type: 'server_error', param: null, code: null } },
    { status, headers },
  );
}

/** The page a proxy shows in place of an answer. */
export function htmlAnswer(status: number): Step[] {
  const page = `<html><head><title>${status} ${STATUS_CODES[status] ?? ''}</title></head></html>\n`;
  return bodyAnswer(page, { status, headers: { 'content-type': 'text/html' } });
}

/** Server-sent events. Each item is an event's data; bytes are sent as they are, without `data:`. */
export function sseAnswer(
  events: readonly (string | Uint8Array)[],
  { status = 200, headers = {}, partial, ending, untilClose = false }: SseOptions = {},
): Step[] {
  const framing = untilClose ? { connection: 'close' } : { 'transfer-encoding': 'chunked' };
  const writes = events.map((event) => (typeof event === 'string' ? `data: ${event}\n\n` : event));
  if (partial !== undefined) writes.push(partial);
  const bodyEnd: Step = untilClose ? 'end' : { write: '0\r\n\r\n' };
  return [
    head(status, { 'content-type': 'text/event-stream', ...framing, ...headers }),
    ...writes.map((write): Step => ({ write: untilClose ? write : inChunk(write) })),
    ending ?? bodyEnd,
  ];
}

/** One chunk of a body in chunked encoding (RFC 9112, section 7.1). */
export function inChunk(data: string | Uint8Array): Uint8Array {
  const bytes = Buffer.from(data);
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
}

/** A chunked body whose second chunk has no size. */
export function brokenChunks(body: string): Step[] {
  const start = head(200, { 'content-type': 'application/json', 'transfer-encoding': 'chunked' });
  return [start, { write: inChunk(body) }, { write: `no size\r\n${body}\r\n` }];
}

/** The first bytes of an answer, its head included, then something else. */
export function cutAfter(answer: Answer, bytes: number, then: Step): Step[] {
  const steps: Step[] = [];
  let left = bytes;
  for (const step of answer) {
    if (left === 0) break;
    if (typeof step === 'string' || !('write' in step)) {
      steps.push(step);
      continue;
    }
    const write = Buffer.from(step.write).subarray(0, left);
    left -= write.length;
    steps.push({ write });
  }
  return [...steps, then];
}

/** An answer in small pieces, with a pause before each. */
export function* drip(answer: Answer, bytes: number, everyMs: number): Generator<Step> {
  for (const step of answer) {
    if (typeof step === 'string' || !('write' in step)) {
      yield step;
      continue;
    }
    const all = Buffer.from(step.write);
    for (let at = 0; at < all.length; at += bytes) {
      yield { wait: everyMs };
      yield { write: all.subarray(at, at + bytes) };
    }
  }
}

/** A completion of this many bytes of JSON, made piece by piece, as fast as the reader takes it. */
export function* largeAnswer(bytes: number): Generator<Step> {
  const [before = '', after = ''] = JSON.stringify(completion({ content: '#' })).split('#');
  const filler = 'x'.repeat(PIECE_BYTES);
  yield head(200, { 'content-type': 'application/json', 'content-length': String(bytes) });
  yield { write: before };
  for (let left = bytes - before.length - after.length; left > 0; left -= PIECE_BYTES) {
    yield { write: filler.slice(0, left) };
  }
  yield { write: after };
}

/** The smallest completion OpenAI's clients accept. */
export function completion({ content = 'Hello there.', model = FAULTY_MODEL }: CompletionFields = {}) {
  return {
    ...ANSWER_FACTS,
    object: 'chat.completion',
    model,
    choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
    usage: USAGE,
  };
}

/** Data of the events of a streamed completion, a word each, with the usage and the `[DONE]` at its end. */
export function chunks({ content = 'Hello there.', model = FAULTY_MODEL }: CompletionFields = {}): string[] {
  const chunk = (delta: object, finish: 'stop' | null = null): object => ({
    ...ANSWER_FACTS,
    object: 'chat.completion.chunk',
    model,
    choices: [{ index: 0, delta, finish_reason: finish }],
  });
  const words = content.split(/(?<=\s)(?=\S)/u);
  const objects = [
    chunk({ role: 'assistant', content: '' }),
    ...words.map((word) => chunk({ content: word })),
    chunk({}, 'stop'),
    { ...chunk({}), choices: [], usage: USAGE },
  ];
  return [...objects.map((object) => JSON.stringify(object)), '[DONE]'];
}

/** What a server in good health answers. */
export function goodAnswer(method: string, path: string, body: string): Step[] {
  switch (`${method} ${path}`) {
    case 'GET /health':
      return jsonAnswer({ status: 'ok' });
    case 'GET /v1/models':
      return jsonAnswer({
        object: 'list',
        data: [{ id: FAULTY_MODEL, object: 'model', created: ANSWER_FACTS.created, owned_by: 'tests' }],
      });
    case 'POST /v1/chat/completions': {
      const { model, stream } = JSON.parse(body) as { model?: string; stream?: boolean };
      const fields = model === undefined ? {} : { model };
      return stream === true ? sseAnswer(chunks(fields)) : jsonAnswer(completion(fields));
    }
    default:
      return errorAnswer(404);
  }
}
