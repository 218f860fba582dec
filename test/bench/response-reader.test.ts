import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type RawResponse, ResponseReader } from '../../bench/response-reader.ts';

const FIXED = 'HTTP/1.1 404 Not Found\r\nContent-Length: 7\r\nx-a: b\r\n\r\nnowhere';
const CHUNKED =
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nb\r\n, w\r\norld 🌍'.replace(
    'b\r\n, w',
    `${Buffer.byteLength(', w\r\norld 🌍').toString(16)}\r\n, w`,
  );
const EMPTY = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n';

function readInPieces(bytes: Buffer, cuts: readonly number[]): RawResponse[] {
  const reader = new ResponseReader();
  const responses: RawResponse[] = [];
  let start = 0;
  for (const cut of [...cuts.toSorted((left, right) => left - right), bytes.length]) {
    const response = reader.push(bytes.subarray(start, cut));
    if (response !== undefined) responses.push(response);
    start = cut;
  }
  return responses;
}

const RESPONSES = [
  { name: 'a body of fixed length', text: FIXED, status: 404, body: 'nowhere' },
  { name: 'a chunked body', text: `${CHUNKED}\r\n0\r\n\r\n`, status: 200, body: 'hello, w\r\norld 🌍' },
  { name: 'no body', text: EMPTY, status: 200, body: '' },
];

describe('ResponseReader', () => {
  it.each(RESPONSES)('reads $name, cut at every byte', ({ text, status, body }) => {
    const bytes = Buffer.from(text);
    for (let cut = 0; cut < bytes.length; cut++) {
      const [response, ...more] = readInPieces(bytes, [cut]);
      expect(more).toEqual([]);
      expect(response?.status).toBe(status);
      expect(response?.body.toString()).toBe(body);
    }
  });

  it('tells of each piece of a chunked body', () => {
    const pieces: string[] = [];
    const reader = new ResponseReader((bytes) => {
      pieces.push(bytes.toString());
    });
    reader.push(Buffer.from(FIXED));
    for (const byte of Buffer.from(`${CHUNKED}\r\n0\r\n\r\n`)) reader.push(Buffer.of(byte));
    expect(pieces).toEqual(['hello', ', w\r\norld 🌍']);
  });

  it('reads response after response, however the bytes arrive', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...RESPONSES), { maxLength: 5 }),
        fc.array(fc.nat(200), { maxLength: 10 }),
        (sequence, cuts) => {
          const reader = new ResponseReader();
          const bodies = sequence.map(({ text }) => {
            const bytes = Buffer.from(text);
            let start = 0;
            let response: RawResponse | undefined;
            for (const cut of [...cuts.filter((at) => at < bytes.length), bytes.length].toSorted(
              (a, b) => a - b,
            )) {
              expect(response).toBeUndefined();
              if (cut === start && cut !== bytes.length) continue;
              response = reader.push(bytes.subarray(start, cut));
              start = cut;
            }
            return response?.body.toString();
          });
          expect(bodies).toEqual(sequence.map(({ body }) => body));
        },
      ),
    );
  });

  it.each([
    { text: 'SSH-2.0-OpenSSH_9\r\n\r\n', problem: 'not a response' },
    { text: 'HTTP/1.1 200 OK\r\nx: y\r\n\r\n', problem: 'without content-length' },
    { text: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', problem: 'without a size' },
  ])('refuses a stream that is $problem', ({ text, problem }) => {
    expect(() => new ResponseReader().push(Buffer.from(text))).toThrow(problem);
  });
});
