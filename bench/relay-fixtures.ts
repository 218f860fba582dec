/** What a model server answers in the relay part of the benchmark, and how a request orders it. */
import { ANSWER_TOKENS, GATEWAY_PIECES, PIECE_MARK, PROMPT_TOKENS } from './gateway-fixtures.ts';

/** The name the model server knows. */
export const SERVED_MODEL = 'meta-llama/Llama-3.3-70B-Instruct';
/** A name that is only known to clients: every chunk's own has to be replaced by it. */
export const ALIAS_MODEL = 'house-model';

/** An answer other than the usual one of 64 pieces without pauses. */
export type AnswerOrder =
  /** A stream of numbered pieces. */
  | { readonly kind: 'paced'; readonly pieces: number; readonly everyMs: number }
  /** Numbered pieces, at least so many bytes of them, as fast as they are read; a stream or one body. */
  | { readonly kind: 'large'; readonly bytes: number };

/** The order as the request's `user`, which every proxy passes on. */
export function orderText(order: AnswerOrder): string {
  return order.kind === 'paced' ? `paced-${order.pieces}-${order.everyMs}` : `large-${order.bytes}`;
}

/** What the body of a request orders. */
export function readOrder(body: string): AnswerOrder | undefined {
  const [, kind, first, second] = /"user":"(paced|large)-(\d+)(?:-(\d+))?"/.exec(body) ?? [];
  if (kind === 'paced') return { kind, pieces: Number(first), everyMs: Number(second) };
  return kind === 'large' ? { kind, bytes: Number(first) } : undefined;
}

const ID = 'chatcmpl-bcfbe349402eb3d29ec9cf1d3a2bd4a1';
const CREATED = 1_767_225_600;
const USAGE = {
  prompt_tokens: PROMPT_TOKENS,
  total_tokens: PROMPT_TOKENS + ANSWER_TOKENS,
  completion_tokens: ANSWER_TOKENS,
};

function chunkEvent(choices: readonly object[], usage?: object): string {
  const object = 'chat.completion.chunk';
  return `data: ${JSON.stringify({ id: ID, object, created: CREATED, model: SERVED_MODEL, choices, usage })}\n\n`;
}

function deltaEvent(delta: object, finish: 'stop' | null = null): string {
  return chunkEvent([{ index: 0, delta, logprobs: null, finish_reason: finish }]);
}

const FIRST_EVENT = deltaEvent({ role: 'assistant', content: '' });
/** What ends every stream. */
export const LAST_EVENTS = `${deltaEvent({ content: '' }, 'stop')}${chunkEvent([], USAGE)}data: [DONE]\n\n`;

/** The usual stream, a text for each piece. */
export function pieceEvents(): string[] {
  return GATEWAY_PIECES.map((content, at) =>
    framedPiece(content, { isFirst: at === 0, isLast: at === GATEWAY_PIECES.length - 1 }),
  );
}

/** The event of one piece of a stream, with what comes before the first and after the last. */
export function framedPiece(
  content: string,
  { isFirst = false, isLast = false }: { isFirst?: boolean; isLast?: boolean } = {},
): string {
  return `${isFirst ? FIRST_EVENT : ''}${deltaEvent({ content })}${isLast ? LAST_EVENTS : ''}`;
}

/** The usual answer in one body. */
export function completionText(content: string = GATEWAY_PIECES.join('')): string {
  const message = { role: 'assistant', content, refusal: null, annotations: null, tool_calls: [] };
  return JSON.stringify({
    id: ID,
    object: 'chat.completion',
    created: CREATED,
    model: SERVED_MODEL,
    choices: [{ index: 0, message, logprobs: null, finish_reason: 'stop', stop_reason: null }],
    usage: USAGE,
    prompt_logprobs: null,
  });
}

/** What `GET /v1/models` answers. */
export function modelListText(): string {
  const model = { id: SERVED_MODEL, object: 'model', created: CREATED, owned_by: 'vllm', root: SERVED_MODEL };
  return JSON.stringify({ object: 'list', data: [{ ...model, parent: null, max_model_len: 131_072 }] });
}

/** A piece with its number and the time it is sent, all of one length; nothing in it needs escaping in JSON. */
export function numberedPiece(number: number, sentAt: number): string {
  const digits = String(sentAt).padStart(16, '0');
  return `${PIECE_MARK}${String(number).padStart(7, '0')}@${digits} the sky glows in cool blue`;
}

const NUMBERED_PIECE = /\|(\d{7})@(\d{16})/g;

/** Finds numbered pieces in the bytes of an answer, however they are cut. */
export class NumberedPieceReader {
  #rest = '';

  /** @returns the pieces whose number and time are complete with these bytes, in their order */
  push(bytes: Buffer): { readonly number: number; readonly sentAt: number }[] {
    const text = this.#rest + bytes.toString('latin1');
    let end = 0;
    const pieces = Array.from(text.matchAll(NUMBERED_PIECE), ({ 0: whole, 1: number, 2: sentAt, index }) => {
      end = index + whole.length;
      return { number: Number(number), sentAt: Number(sentAt) };
    });
    this.#rest = text.slice(Math.max(end, text.length - NUMBER_LENGTH));
    return pieces;
  }
}

/** Characters of a piece's mark, number and time, less one. */
const NUMBER_LENGTH = 24;

/** Microseconds on a clock that all processes of this machine share. */
export function sharedMicroseconds(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1_000_000 + Math.floor(nanoseconds / 1000);
}
