import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type SseEvent, SseParser, type SseRemainder } from '../../../src/wire/sse/parse.ts';
import { inPieces, piecesOf } from './pieces.ts';

interface Parsed extends SseRemainder {
  events: SseEvent[];
}

function parse(chunks: readonly Uint8Array[], maxEventBytes = 100_000): Parsed {
  const parser = new SseParser({ maxEventBytes });
  const events = chunks.flatMap((chunk) => parser.push(chunk));
  return { events, ...parser.end() };
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const data = (...values: string[]): SseEvent[] => values.map((value) => ({ data: value }));

const PRETTY_ERROR = '{\n  "error": {\n    "code": 499,\n    "status": "CANCELLED"\n  }\n}';

const STREAMS: [name: string, stream: string, parsed: Parsed][] = [
  [
    'CRLF, as Google sends',
    'data: {"a": 1}\r\n\r\ndata: 2\r\n\r\n',
    { events: data('{"a": 1}', '2'), loose: '' },
  ],
  ['LF', 'data: 1\n\ndata: 2\n\n', { events: data('1', '2'), loose: '' }],
  ['CR', 'data: 1\r\rdata: 2\r\r', { events: data('1', '2'), loose: '' }],
  ['mixed line ends', 'data: 1\r\ndata: 2\rdata: 3\n\r\n', { events: data('1\n2\n3'), loose: '' }],
  ['several data lines', 'data: {\ndata: }\n\n', { events: data('{\n}'), loose: '' }],
  ['one space is taken off, no more', 'data:a\n\ndata:  b\n\n', { events: data('a', ' b'), loose: '' }],
  ['data without a colon', 'data\n\n', { events: data(''), loose: '' }],
  ['a colon in the data', 'data: a: b\n\n', { events: data('a: b'), loose: '' }],
  ['comments', ': keep-alive\n\n:\ndata: 1\n: in between\n\n', { events: data('1'), loose: '' }],
  [
    'an event type',
    'event: error\ndata: 1\n\ndata: 2\n\n',
    { events: [{ event: 'error', data: '1' }, { data: '2' }], loose: '' },
  ],
  ['an event type without data', 'event: ping\n\ndata: 1\n\n', { events: data('1'), loose: '' }],
  ['id and retry', 'id: 7\nretry: 10\ndata: 1\n\n', { events: data('1'), loose: '' }],
  ['a byte order mark', '\uFEFFdata: 1\n\n', { events: data('1'), loose: '' }],
  ['a byte order mark alone on its line', '\uFEFF\ndata: 1\n\n', { events: data('1'), loose: '' }],
  ['a byte order mark later on is text', 'data: \uFEFF1\n\n', { events: data('\uFEFF1'), loose: '' }],
  ['characters of every length', 'data: aé€😀\u2028\r\n\r\n', { events: data('aé€😀\u2028'), loose: '' }],
  ['empty lines only', '\n\r\n\r\n', { events: [], loose: '' }],
  ['nothing', '', { events: [], loose: '' }],
  [
    'an event that no empty line ends',
    'data: 1\n\ndata: 2',
    { events: data('1'), event: { data: '2' }, loose: '' },
  ],
  ['the same with a line end', 'data: 1\r\n', { events: [], event: { data: '1' }, loose: '' }],
  ['a bare error instead of events', `${PRETTY_ERROR}\n`, { events: [], loose: PRETTY_ERROR }],
  [
    'a bare error after events',
    `data: 1\r\n\r\n${PRETTY_ERROR.replaceAll('\n', '\r\n')}`,
    { events: data('1'), loose: PRETTY_ERROR },
  ],
  [
    'a bare error between events',
    `data: 1\n\n${PRETTY_ERROR}\n\ndata: 2\n\n`,
    { events: data('1', '2'), loose: PRETTY_ERROR },
  ],
  ['an error in an array', '[{"error": {"code": 503}}]', { events: [], loose: '[{"error": {"code": 503}}]' }],
  ['a page of HTML', '<html>\n<b>502</b>', { events: [], loose: '<html>\n<b>502</b>' }],
];

describe('SseParser', () => {
  it.each(STREAMS)('%s', (_, stream, parsed) => {
    expect(parse([bytes(stream)])).toEqual(parsed);
  });

  it.each(STREAMS)('%s, cut into two at every byte, and into single bytes', (_, stream, parsed) => {
    const whole = bytes(stream);
    for (let at = 0; at <= whole.length; at++) {
      expect(parse([whole.subarray(0, at), whole.subarray(at)])).toEqual(parsed);
    }
    expect(parse(inPieces(whole, 1))).toEqual(parsed);
  });

  it('gives the same events for any division', () => {
    const line = fc.oneof(
      fc.constantFrom('', 'data: x', 'data:', ': c', 'event: e', '{"error": 1}', 'data: é😀'),
      fc.string({ maxLength: 6 }).map((text) => text.replaceAll(/[\r\n]/g, '')),
    );
    const stream = fc
      .array(fc.tuple(line, fc.constantFrom('\n', '\r\n', '\r')), { maxLength: 12 })
      .map((lines) => bytes(lines.flat().join('')));
    fc.assert(
      fc.property(stream, fc.array(fc.nat({ max: 60 })), (whole, cuts) => {
        expect(parse(piecesOf(whole, cuts))).toEqual(parse([whole]));
      }),
    );
  });

  it('does not keep a chunk that the caller may use again', () => {
    const parser = new SseParser({ maxEventBytes: 100 });
    const chunk = bytes('data: abc');
    parser.push(chunk);
    chunk.fill(0x78);
    expect(parser.push(bytes('\n\n'))).toEqual(data('abc'));
  });

  it('reads a long event in tiny chunks without starting over with each', () => {
    const text = 'x'.repeat(1_000_000);
    expect(parse(inPieces(bytes(`data: ${text}\n\n`), 16), 2_000_000).events).toEqual(data(text));
  });

  it.each([
    ['one long line that has not ended', 'data: ' + 'x'.repeat(100)],
    ['one long line', `data: ${'x'.repeat(100)}\n\n`],
    ['many lines of one event', 'data: xxxx\n'.repeat(10)],
    ['a long line behind others', `data: ${'x'.repeat(50)}\ndata: ${'x'.repeat(40)}`],
    ['loose text', 'no field\n'.repeat(20)],
  ])('refuses more than the limit: %s', (_, stream) => {
    const whole = bytes(stream);
    const error = expect.objectContaining({ code: 'bad_upstream_response' }) as Error;
    expect(() => parse([whole], 99)).toThrow(error);
    expect(() => parse(inPieces(whole, 7), 99)).toThrow(error);
  });

  it('counts the limit anew for each event', () => {
    const event = `data: ${'é'.repeat(40)}\n\n`;
    expect(parse([bytes(event.repeat(5))], 86).events).toHaveLength(5);
    expect(() => parse([bytes(event)], 85)).toThrow('more than 85 bytes');
  });
});
