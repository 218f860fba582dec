import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { endOfEvent, EventBlocks } from '../../../../src/backends/openai-compatible/answer/event-blocks.ts';
import { inPieces, piecesOf } from '../../../wire/sse/pieces.ts';

const MANY = 1_000_000;

/** What a stream becomes when it comes in these pieces: what is handed out each time, and what is left. */
function gather(
  pieces: readonly (string | Uint8Array)[],
  maxEventBytes = MANY,
): { blocks: string[]; rest: string } {
  const events = new EventBlocks({ maxEventBytes });
  const blocks = pieces.map((piece) => events.push(Buffer.from(piece)).toString('latin1'));
  return { blocks, rest: events.rest().toString('latin1') };
}

describe('EventBlocks', () => {
  it.each<{ name: string; pieces: string[]; blocks: string[]; rest: string }>([
    { name: 'one event', pieces: ['data: a\n\n'], blocks: ['data: a\n\n'], rest: '' },
    { name: 'several', pieces: ['data: a\n\ndata: b\n\n'], blocks: ['data: a\n\ndata: b\n\n'], rest: '' },
    { name: 'one and a half', pieces: ['data: a\n\ndat'], blocks: ['data: a\n\n'], rest: 'dat' },
    { name: 'a half', pieces: ['data: a'], blocks: [''], rest: 'data: a' },
    { name: 'one line end', pieces: ['data: a\n'], blocks: [''], rest: 'data: a\n' },
    { name: 'LF in two reads', pieces: ['data: a\n', '\n'], blocks: ['', 'data: a\n\n'], rest: '' },
    {
      name: 'CR LF in four reads',
      pieces: ['data: a\r', '\n', '\r', '\n'],
      blocks: ['', '', '', 'data: a\r\n\r\n'],
      rest: '',
    },
    {
      name: 'an end with the next event',
      pieces: ['data: a\n', '\ndata: b'],
      blocks: ['', 'data: a\n\n'],
      rest: 'data: b',
    },
    {
      name: 'an end of CR LF with the next event',
      pieces: ['data: a\r\n', '\r\ndata: b'],
      blocks: ['', 'data: a\r\n\r\n'],
      rest: 'data: b',
    },
    { name: 'a carriage return alone', pieces: ['a\r\rb\r\r'], blocks: [''], rest: 'a\r\rb\r\r' },
    { name: 'blank lines', pieces: ['\n\n\n', '\n'], blocks: ['\n\n\n', ''], rest: '\n' },
    { name: 'LF behind CR LF', pieces: ['a\r\n\nb'], blocks: ['a\r\n\n'], rest: 'b' },
    { name: 'CR LF behind LF', pieces: ['a\n\r\nb'], blocks: ['a\n\r\n'], rest: 'b' },
    {
      name: 'empty reads',
      pieces: ['', 'data', '', ': a\n\n', ''],
      blocks: ['', '', '', 'data: a\n\n', ''],
      rest: '',
    },
  ])('$name', ({ pieces, blocks, rest }) => {
    expect(gather(pieces)).toEqual({ blocks, rest });
  });

  it('gives bytes on as they are where they end an event', () => {
    const bytes = Buffer.from('data: a\n\ndata: b\r\n\r\n');
    expect(new EventBlocks({ maxEventBytes: 1 }).push(bytes)).toBe(bytes);
  });

  it('is the same wherever it is cut, and ends every block where an event ends', () => {
    const stream = fc.array(fc.constantFrom('\n', '\r\n', '\r', 'data: a', '\n\n', '\r\n\r\n', ':'), {
      maxLength: 20,
    });
    const property = fc.property(stream, fc.array(fc.nat(120), { maxLength: 8 }), (parts, cuts) => {
      const bytes = Buffer.from(parts.join(''));
      const { blocks, rest } = gather(piecesOf(bytes, cuts));
      expect(blocks.join('') + rest).toBe(bytes.toString());
      const whole = gather([bytes]);
      // Blank lines more than one may wait for the next event.
      expect(blocks.join('').trimEnd()).toBe(whole.blocks.join('').trimEnd());
      for (const block of blocks) expect(block === '' || /\n\r?\n$/.test(block)).toBe(true);
    });
    expect(() => fc.assert(property, { numRuns: 500 })).not.toThrow();
  });

  it('refuses an event over the limit, and not one that is as long', () => {
    const event = `data: ${'x'.repeat(94)}\n\n`;
    expect(gather(inPieces(Buffer.from(event.repeat(50)), 7), 101).blocks.join('')).toBe(event.repeat(50));
    const events = new EventBlocks({ maxEventBytes: 99 });
    events.push(Buffer.from('data: '));
    expect(() => events.push(Buffer.from('x'.repeat(94)))).toThrow(
      expect.objectContaining({
        code: 'bad_upstream_response',
        message: 'The upstream sent an event of more than 99 bytes.',
      }),
    );
  });
});

describe('EventBlocks, work', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('grows with the size of an event, not with the number of reads', () => {
    let copied = 0;
    const concat = Buffer.concat.bind(Buffer);
    vi.spyOn(Buffer, 'concat').mockImplementation((list, length) => {
      const joined = concat(list, length);
      copied += joined.length;
      return joined;
    });
    const size = 1024 * 1024;
    const events = new EventBlocks({ maxEventBytes: 2 * size });
    const chunk = Buffer.alloc(64, 'x');
    for (let sent = 0; sent < size; sent += chunk.length) events.push(chunk);
    const block = events.push(Buffer.from('\n\n'));
    expect(block).toHaveLength(size + 2);
    expect(copied).toBeLessThan(2.5 * size);
  });
});

describe('endOfEvent', () => {
  const CASES = [
    { block: 'a\n\nb\n\n', start: 0, end: 3 },
    { block: 'a\n\nb\n\n', start: 3, end: 6 },
    { block: 'a\r\n\r\nb\r\n\r\n', start: 0, end: 5 },
    { block: 'a\nb\n\nc', start: 0, end: 5 },
    { block: 'a\n\n\nb\n\n', start: 3, end: 7 },
    { block: '\n\na\n\n', start: 0, end: 2 },
    { block: 'abc', start: 1, end: 3 },
  ];
  it.each(CASES.map((entry) => [JSON.stringify(entry), entry] as const))('%s', (_, { block, start, end }) => {
    expect(endOfEvent(Buffer.from(block), start)).toBe(end);
  });
});
