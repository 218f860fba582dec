import { describe, expect, it } from 'vitest';
import { PlainRuns } from '../../../../src/backends/openai-compatible/answer/plain-runs.ts';

const PLAIN = 'data: {"a":1}\n\n';

describe('PlainRuns', () => {
  it.each<{ name: string; event: string }>([
    { name: 'a chunk', event: PLAIN },
    { name: 'a chunk without a space', event: 'data:{"a":1}\n\n' },
    { name: 'CR LF', event: 'data: {"a":1}\r\n\r\n' },
    { name: 'a comment', event: ': {x\n\n' },
    { name: 'a comment with a chunk', event: ': x\ndata: {"a":1}\n\n' },
    { name: 'a chunk with a comment', event: 'data: {"a":1}\n: x\n\n' },
    { name: 'blank lines', event: '\n\r\n\n' },
    { name: 'words inside of text', event: 'data: {"a":"\\"error\\" \\"tool_calls\\" reasoning."}\n\n' },
    { name: 'other words', event: 'data: {"errors":1,"reasoning_content":"","finish_reason":null}\n\n' },
  ])('$name is plain', ({ event }) => {
    const block = Buffer.from(PLAIN + event + event);
    const runs = new PlainRuns(block);
    expect(runs.endFrom(0)).toBe(block.length);
    expect(runs.endFrom(PLAIN.length)).toBe(block.length);
  });

  it.each<{ name: string; event: string }>([
    { name: '[DONE]', event: 'data: [DONE]\n\n' },
    { name: 'calls', event: 'data: {"tool_calls":[]}\n\n' },
    { name: 'reasoning', event: 'data: {"reasoning":""}\n\n' },
    { name: 'an error', event: 'data: {"error":1}\n\n' },
    { name: 'an error line', event: 'error: {"message":1}\n\n' },
    { name: 'an event name', event: 'event: x\ndata: {"a":1}\n\n' },
    { name: 'an id', event: 'data: {"a":1}\nid: 1\n\n' },
    { name: 'text', event: '{"a":1}\n\n' },
    { name: 'data that is no object', event: 'data: [1]\n\n' },
    { name: 'data that is cut', event: 'data: {"a":\n\n' },
    { name: 'data in two lines', event: 'data: {"a":\ndata: 1}\n\n' },
    { name: 'two objects', event: 'data: {"a":1}\ndata: {"a":1}\n\n' },
    { name: 'no data', event: 'data\n\n' },
    { name: 'another field', event: 'date: {"a":1}\n\n' },
  ])('$name ends a run', ({ event }) => {
    const block = Buffer.from(PLAIN + PLAIN + event + PLAIN + event);
    const at = 2 * PLAIN.length;
    const runs = new PlainRuns(block);
    expect(runs.endFrom(0)).toBe(at);
    expect(runs.endFrom(PLAIN.length)).toBe(at);
    expect(runs.endFrom(at)).toBe(at);
    expect(runs.endFrom(at + event.length)).toBe(at + event.length + PLAIN.length);
  });

  it('does not search again for what was not found', () => {
    const block = Buffer.from('data: {"reasoning":""}\n\n'.repeat(1000));
    let searched = 0;
    const indexOf = block.indexOf.bind(block);
    block.indexOf = (word: string | number | Uint8Array, from = 0, encoding?: BufferEncoding) => {
      const found = indexOf(word, Number(from), encoding);
      searched += (found === -1 ? block.length : found) - Number(from);
      return found;
    };
    const runs = new PlainRuns(block);
    for (let start = 0; start < block.length; start += 24) expect(runs.endFrom(start)).toBe(start);
    expect(searched).toBeLessThan(5 * block.length);
  });
});
