/** Ways in which a model server fails before anything of its answer was sent on. */
import {
  type Answer,
  bodyAnswer,
  brokenChunks,
  chunks,
  completion,
  cutAfter,
  errorAnswer,
  head,
  htmlAnswer,
  inChunk,
  jsonAnswer,
  sseAnswer,
} from '../support/faulty-answers.ts';
import { bytesOf, good } from './fixture.ts';

export interface Fault {
  readonly name: string;
  readonly answer: (stream: boolean) => Answer;
  readonly status: number;
  readonly code: string;
  /** Of a stream, where it is another one. */
  readonly streamCode?: string | readonly string[];
  /** What the message says. */
  readonly says?: RegExp;
  /** It takes about a second, the grain of the connection pool's clock. */
  readonly isSlow?: boolean;
}

export const FAULTS: readonly Fault[] = [
  { name: 'a reset without an answer', answer: () => ['reset'], status: 502, code: 'upstream_disconnected' },
  { name: 'an end without an answer', answer: () => ['end'], status: 502, code: 'upstream_disconnected' },
  {
    name: 'a reset in the head',
    answer: (stream) => cutAfter(good(stream), 20, 'reset'),
    status: 502,
    code: 'upstream_disconnected',
  },
  {
    name: 'a reset before the first byte of the body',
    answer: (stream) => [good(stream)[0]!, 'reset'],
    status: 502,
    code: 'upstream_disconnected',
  },
  {
    name: 'a reset in the middle of the first event',
    answer: (stream) => cutAfter(good(stream), bytesOf([good(stream)[0]!]).length + 40, 'reset'),
    status: 502,
    code: 'upstream_disconnected',
  },
  {
    name: 'half a chunk',
    answer: (stream) =>
      stream
        ? [good(true)[0]!, { write: '200\r\ndata: {"choices"' }, 'end']
        : [
            head(200, { 'content-type': 'application/json', 'transfer-encoding': 'chunked' }),
            { write: inChunk('{"choices":[').subarray(0, 9) },
            'end',
          ],
    status: 502,
    code: 'upstream_disconnected',
  },
  {
    name: 'a chunk without a size',
    answer: (stream) =>
      stream
        ? [good(true)[0]!, { write: 'no size\r\n' }]
        : brokenChunks(JSON.stringify(completion()).slice(0, 50)),
    status: 502,
    code: 'upstream_disconnected',
  },
  {
    name: 'an answer shorter than its content-length',
    answer: (stream) =>
      stream
        ? [
            head(200, { 'content-type': 'text/event-stream', 'content-length': '10000' }),
            { write: 'data: {"id"' },
            'end',
          ]
        : [...jsonAnswer(completion(), { headers: { 'content-length': '10000' } }), 'end'],
    status: 502,
    code: 'upstream_disconnected',
  },
  {
    name: 'an answer longer than its content-length',
    answer: (stream) =>
      stream
        ? [
            head(200, { 'content-type': 'text/event-stream', 'content-length': '20' }),
            { write: `data: ${chunks()[0]!}\n\n` },
            'end',
          ]
        : [...jsonAnswer(completion(), { headers: { 'content-length': '20' } }), 'end'],
    status: 502,
    code: 'bad_upstream_response',
    // Whether the bytes that are too many come in the same read is left to chance.
    streamCode: ['bad_upstream_response', 'upstream_disconnected'],
  },
  {
    name: 'silence',
    answer: () => ['hang'],
    status: 504,
    code: 'timeout',
    isSlow: true,
  },
  {
    name: 'silence after the head',
    answer: (stream) => [good(stream)[0]!, 'hang'],
    status: 504,
    code: 'timeout',
    isSlow: true,
  },
  {
    name: 'silence within the first event',
    answer: (stream) => cutAfter(good(stream), bytesOf([good(stream)[0]!]).length + 40, 'hang'),
    status: 504,
    code: 'timeout',
    isSlow: true,
  },
  { name: '500', answer: () => errorAnswer(500), status: 500, code: 'internal_error', says: /says 500/ },
  { name: '503', answer: () => errorAnswer(503), status: 503, code: 'overloaded', says: /says 503/ },
  { name: '429', answer: () => errorAnswer(429), status: 429, code: 'rate_limit_exceeded', says: /says 429/ },
  { name: '408', answer: () => errorAnswer(408), status: 408, code: 'request_timeout' },
  { name: '504', answer: () => errorAnswer(504), status: 504, code: 'timeout' },
  {
    name: 'the page of a proxy, 502',
    answer: () => htmlAnswer(502),
    status: 502,
    code: 'bad_upstream_response',
    says: /servers answered HTTP 502/,
  },
  {
    name: 'a page in place of an answer',
    answer: () => htmlAnswer(200),
    status: 502,
    code: 'bad_upstream_response',
    says: /not a chat completion/,
  },
  {
    name: '200 and nothing',
    answer: () => bodyAnswer(''),
    status: 502,
    code: 'bad_upstream_response',
    says: /nothing/,
  },
  {
    name: 'an answer of the right type that is empty',
    answer: (stream) =>
      stream ? sseAnswer([]) : bodyAnswer('', { headers: { 'content-type': 'application/json' } }),
    status: 502,
    code: 'bad_upstream_response',
    streamCode: 'upstream_disconnected',
  },
  {
    name: '200 and no JSON',
    answer: (stream) => (stream ? sseAnswer(['{"choices":[']) : bodyAnswer('{"choices":[')),
    status: 502,
    code: 'bad_upstream_response',
  },
  {
    name: '200 and JSON that is no completion',
    answer: () => jsonAnswer({ status: 'ok' }),
    status: 502,
    code: 'bad_upstream_response',
  },
  {
    name: '200 and an error',
    answer: (stream) => {
      const error = { error: { message: 'CUDA out of memory', code: 500 } };
      return stream ? sseAnswer([JSON.stringify(error)]) : jsonAnswer(error);
    },
    status: 500,
    code: 'internal_error',
    says: /CUDA out of memory/,
  },
  {
    name: 'the other form',
    answer: (stream) => good(!stream),
    status: 502,
    code: 'bad_upstream_response',
    says: /servers answered/,
  },
  {
    name: 'compression that nobody asked for',
    answer: (stream) => [
      head(200, {
        'content-type': stream ? 'text/event-stream' : 'application/json',
        'content-encoding': 'gzip',
        'content-length': '4',
      }),
      { write: 'abcd' },
    ],
    status: 502,
    code: 'bad_upstream_response',
    says: /gzip/,
  },
];
