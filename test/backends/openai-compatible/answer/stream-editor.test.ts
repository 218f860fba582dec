import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../../src/wire/validation/structure-checks.ts';
import { chunk, COUNTS, DONE, event, everyCut, FINISH, FIRST, HELLO, renamed, USAGE } from './chunks.ts';
import { chunksOf } from './reference-edits.ts';
import { relay } from './relay.ts';

const STREAM = FIRST + HELLO + FINISH + USAGE + DONE;
const CRLF = STREAM.replaceAll('\n', '\r\n');

/** As some servers write when they are asked to be verbose. */
const HUGE = event(chunk({}, { choices: [], usage: COUNTS, __verbose: { prompt: 'x'.repeat(20_000) } }));

/** Text whose bytes must not be taken for anything but text. */
const TRICKY = [
  '"model":"served"',
  '{"model":"served"}',
  '[DONE]',
  'data: [DONE]',
  '\n\ndata: [DONE]\n\n',
  '"error"',
  '{"error":{"message":"no"}}',
  'error: {"message":"no"}',
  '"finish_reason":"stop"',
  '"usage":{"prompt_tokens":1}',
  '\\"model":"served"\\',
  '"tool_calls"',
  '"reasoning":"',
  '\u2028\u2029\u0085',
  'größe €🙂 \ud83d',
];

/** A name made of a text. JSON.parse of Node.js 24 confuses names with backslashes with others. */
function nameOf(text: string): string {
  return text.replaceAll('\\', '/');
}

function withDelta(delta: string): string {
  return `data: {"model":"served","choices":[{"index":0,"delta":${delta},"finish_reason":null}]}\n\n`;
}

describe('StreamEditor, framing', () => {
  const FRAMINGS: Record<string, string> = {
    LF: STREAM,
    'CR LF': CRLF,
    'no space behind data:': STREAM.replaceAll('data: ', 'data:'),
    'no space, CR LF': CRLF.replaceAll('data: ', 'data:'),
    'two spaces behind data:': STREAM.replaceAll('data: ', 'data:  '),
    'spaces at the end of lines': STREAM.replaceAll('}\n\n', '} \t\n\n'),
    'blank lines at the beginning': `\n\n\n${STREAM}`,
    'a blank line more behind each event': STREAM.replaceAll('\n\n', '\n\n\n'),
    'CR LF with a blank line more': CRLF.replaceAll('\r\n\r\n', '\r\n\r\n\r\n'),
    'a comment before the first chunk': `: ping\n\n${STREAM}`,
    'keep-alives before the first chunk': `:\n\n: keep-alive\n\n:\r\n\r\n${STREAM}`,
    'comments between chunks': STREAM.replaceAll('data: {', ': OPENROUTER PROCESSING\n\ndata: {'),
    'a comment within each event': STREAM.replaceAll('data: {', ': "model":"served" }}\ndata: {'),
    'event and id': STREAM.replaceAll('data: {', 'event: message\nid: 7\nretry: 10\ndata: {'),
    'fields behind the data': STREAM.replaceAll('}\n\n', '}\nid: 7\nevent\n\n'),
    'fields behind the data, CR LF': CRLF.replaceAll('}\r\n\r\n', '}\r\nid: 7\r\n\r\n'),
    'data in several lines': STREAM.replaceAll(',"model"', ',\ndata: "model"').replaceAll(
      ',"choices"',
      '\ndata:,"choices"',
    ),
    'data in several lines, CR LF': CRLF.replaceAll(',"model"', ',\r\ndata: "model"'),
    'unknown fields': STREAM.replaceAll('data: {', 'foo: bar\ndatum: 1\ndata: {'),
    'white space between tokens': STREAM.replaceAll('":', '" : ').replaceAll(',"', ' , "'),
  };

  it.each(Object.entries(FRAMINGS))('%s: only the name changes', (_, stream) => {
    const { text, failure, editor } = relay(stream, { asked: 'asked' });
    expect(failure).toBeUndefined();
    expect(editor).toMatchObject({ isDone: true, model: 'served' });
    const whole = renamed(stream, 'asked').replaceAll(': "model":"asked" }}', ': "model":"served" }}');
    expect(text).toBe(
      whole.slice(0, whole.indexOf('data: [DONE]')).replace(/data:(?: {2})?\[DONE\][^]*$/, ''),
    );
    expect(editor.usage()).toEqual(COUNTS);
  });

  it.each(Object.entries(FRAMINGS))('%s: with the server’s name nothing changes', (_, stream) => {
    const { text } = relay(stream, { asked: 'served' });
    expect(stream.startsWith(text)).toBe(true);
    expect(stream.slice(text.length)).toMatch(/^(?:[^\n]*\n){0,4}?data: *\[DONE\]\s+$/);
  });

  it.each(Object.entries(FRAMINGS))('%s: cut anywhere, it is the same', (_, stream) => {
    const whole = relay(stream, { asked: 'asked' }).text;
    const isSame = (pieces: Uint8Array[]): boolean => {
      const { text, parts, failure } = relay(pieces, { asked: 'asked' });
      return failure === undefined && text === whole && parts.every((part) => /^$|(?:^|\n)\r?\n$/.test(part));
    };
    expect(everyCut(stream).findIndex((pieces) => !isSame(pieces))).toBe(-1);
    expect(isSame(Array.from(Buffer.from(stream), (byte) => Uint8Array.of(byte)))).toBe(true);
  });

  it('takes off a byte order mark', () => {
    const { text } = relay(`\uFEFF${STREAM}`, { asked: 'asked' });
    expect(text).toBe(renamed(STREAM, 'asked').replace(DONE, ''));
  });

  it('hands over each event as soon as it is complete', () => {
    const { parts } = relay([FIRST, HELLO.slice(0, 20), HELLO.slice(20), FINISH + USAGE, DONE]);
    expect(parts).toEqual([FIRST, '', HELLO, FINISH + USAGE, '', '']);
  });

  it('gives bytes on as they are where nothing has to change', () => {
    const { editor } = relay([]);
    editor.push(Buffer.from(FIRST));
    const bytes = Buffer.from(HELLO + HELLO + HELLO);
    expect(editor.push(bytes)).toBe(bytes);
  });

  it('writes bytes that are no characters as replacement characters', () => {
    const broken = Buffer.from(HELLO.replace('Hello', 'H\0llo').replace('\0', '\xff'), 'latin1');
    for (const asked of ['served', 'asked']) {
      const { text, failure } = relay([FIRST, broken, FINISH, DONE], { asked });
      expect(failure).toBeUndefined();
      expect(chunksOf(text)[1]).toMatchObject({ choices: [{ delta: { content: 'H\uFFFDllo' } }] });
    }
    const first = relay([broken, FINISH, DONE], { asked: 'served' });
    expect(chunksOf(first.text)[0]).toMatchObject({ choices: [{ delta: { content: 'H\uFFFDllo' } }] });
  });
});

describe('StreamEditor, the model’s name', () => {
  const choices = '"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}]';
  const of = (model: string): string => `data: {"id":"1",${model},${choices}}\n\n`;

  it.each<{ name: string; members: string[]; expected: string[] }>([
    {
      name: 'white space around it',
      members: ['"model" :\t"served"', '"model" :\t"served"'],
      expected: ['"model" :\t"asked"', '"model" :\t"asked"'],
    },
    {
      name: 'white space that differs between chunks',
      members: ['"model":"served"', '"model": "served"', '"model":"served"'],
      expected: ['"model":"asked"', '"model": "asked"', '"model":"asked"'],
    },
    {
      name: 'escapes in it',
      members: [String.raw`"model":"org\/ser\u0076ed"`, String.raw`"model":"org\/ser\u0076ed"`],
      expected: ['"model":"asked"', '"model":"asked"'],
    },
    {
      name: 'escapes in the name of the member',
      members: [String.raw`"m\u006fdel":"served"`, String.raw`"m\u006fdel":"served"`],
      expected: [String.raw`"m\u006fdel":"asked"`, String.raw`"m\u006fdel":"asked"`],
    },
    {
      name: 'several names',
      members: ['"model":"served"', '"model":"served-1"', '"model":"other"', '"model":"served"'],
      expected: ['"model":"asked"', '"model":"asked"', '"model":"asked"', '"model":"asked"'],
    },
    {
      name: 'a name that begins like another',
      members: ['"model":"served"', '"model":"served-1"', '"model":"served"'],
      expected: ['"model":"asked"', '"model":"asked"', '"model":"asked"'],
    },
    {
      name: 'no name at first',
      members: ['"a":1', '"model":"served"', '"model":"served"'],
      expected: ['"a":1', '"model":"asked"', '"model":"asked"'],
    },
    {
      name: 'an empty name at first',
      members: ['"model":""', '"model":"served"', '"model":"served"'],
      expected: ['"model":"asked"', '"model":"asked"', '"model":"asked"'],
    },
    {
      name: 'null at first',
      members: ['"model":null', '"model":"served"'],
      expected: ['"model":"asked"', '"model":"asked"'],
    },
    {
      name: 'no name later',
      members: ['"model":"served"', '"a":1', '"model":"served"'],
      expected: ['"model":"asked"', '"a":1', '"model":"asked"'],
    },
    { name: 'no name at all', members: ['"a":1', '"a":2'], expected: ['"a":1', '"a":2'] },
    {
      name: 'a number',
      members: ['"model":7', '"model":7', '"model":77'],
      expected: ['"model":"asked"', '"model":"asked"', '"model":"asked"'],
    },
    {
      name: 'two names in one chunk',
      members: ['"model":"served","model":"served"', '"model":"served","model":"served"'],
      expected: ['"model":"asked","model":"asked"', '"model":"asked","model":"asked"'],
    },
    {
      name: 'the same member in an object before it',
      members: ['"model":"served"', '"x":{"model":"served"},"model":"served"', '"x":[{"model":"served"}]'],
      expected: ['"model":"asked"', '"x":{"model":"served"},"model":"asked"', '"x":[{"model":"served"}]'],
    },
    {
      name: 'the same member in an object behind it',
      members: ['"model":"served","x":{"model":"served"}', '"model":"served","x":{"model":"served"}'],
      expected: ['"model":"asked","x":{"model":"served"}', '"model":"asked","x":{"model":"served"}'],
    },
  ])('$name', ({ members, expected }) => {
    const stream = members.map(of);
    const wanted = expected.map(of).join('');
    expect(relay([...stream, DONE], { asked: 'asked' })).toMatchObject({ text: wanted, failure: undefined });
    expect(relay(stream.join('') + DONE, { asked: 'asked' }).text).toBe(wanted);
    expect(relay([...stream, DONE], { asked: 'asked', watch: () => {} }).text).toBe(wanted);
    expect(relay([...stream, DONE]).text).toBe(stream.join(''));
  });

  it.each(['"\n\\', 'größe/€', '[DONE]', '$& $1', 'x'.repeat(2000)])('asked for as %j', (asked) => {
    const { text } = relay([FIRST, HELLO, FINISH, DONE], { asked });
    expect(chunksOf(text).map(({ model }) => model)).toEqual([asked, asked, asked]);
  });

  it('stands anywhere in the chunk', () => {
    const late = [FIRST, HELLO, event(chunk({ content: 'a'.repeat(300) })), FINISH].map((text) => {
      const { model, ...others } = chunksOf(text)[0] as JsonObject;
      return event({ ...others, model, usage: null });
    });
    expect(relay([...late, DONE], { asked: 'asked' }).text).toBe(renamed(late.join(''), 'asked'));
  });

  it('is taken to stay as asked for where it is so at first', () => {
    const stream = ['"model":"served"', '"model":"served"', '"model":"served"'].map(of);
    const bytes = Buffer.from(stream.join(''));
    const { editor } = relay([of('"model":"served"')], { asked: 'served' });
    expect(editor.isDone).toBe(true);
    const other = relay([], { asked: 'served' }).editor;
    other.push(Buffer.from(of('"model":"served"')));
    // Not even looked at, event by event.
    expect(other.push(bytes)).toBe(bytes);
  });

  it('tells the first that is one', () => {
    const stream = ['"model":""', '"model":"served"', '"model":"other"'].map(of);
    expect(relay([...stream, DONE], { asked: 'asked' }).editor.model).toBe('served');
    expect(relay([of('"model":7'), DONE]).editor.model).toBeUndefined();
  });
});

describe('StreamEditor, texts that look like something else', () => {
  it.each(TRICKY)('%j', (content) => {
    const texts = [FIRST, event(chunk({ content })), event(chunk({ [nameOf(content)]: content })), FINISH];
    for (const asked of ['asked', 'served', undefined]) {
      for (const stream of [[...texts, DONE], [texts.join('') + DONE]]) {
        const { text, failure, editor } = relay(stream, { asked });
        expect(failure).toBeUndefined();
        expect(editor.isDone).toBe(true);
        expect(text).toBe(
          texts
            .map((part) => part.replace(/"model":"served"(?=,"choices")/, `"model":"${asked ?? 'served'}"`))
            .join(''),
        );
      }
    }
    // None of them ends the answer.
    const cut = relay([FIRST, event(chunk({ content })), event(chunk({ [nameOf(content)]: content }))]);
    expect(cut.failure).toMatchObject({ code: 'upstream_disconnected' });
    expect(cut.editor.usage()).toBeUndefined();
  });
});

describe('StreamEditor, the end', () => {
  it.each<{ name: string; stream: string; expected: string }>([
    { name: '[DONE]', stream: `${FIRST}${FINISH}${DONE}`, expected: FIRST + FINISH },
    { name: '[DONE] without a space', stream: `${FIRST}${FINISH}data:[DONE]\n\n`, expected: FIRST + FINISH },
    { name: '[DONE] with spaces', stream: `${FIRST}${FINISH}data:  [DONE] \n\n`, expected: FIRST + FINISH },
    { name: '[DONE] in CR LF', stream: `${FIRST}${FINISH}data: [DONE]\r\n\r\n`, expected: FIRST + FINISH },
    { name: '[DONE] without a line end', stream: `${FIRST}${FINISH}data: [DONE]`, expected: FIRST + FINISH },
    { name: '[DONE] with one line end', stream: `${FIRST}${FINISH}data: [DONE]\n`, expected: FIRST + FINISH },
    {
      name: '[DONE] with a comment behind it',
      stream: `${FIRST}${FINISH}${DONE}: bye\n\n`,
      expected: FIRST + FINISH,
    },
    {
      name: '[DONE] with a comment in the same event',
      stream: `${FIRST}${FINISH}data: [DONE]\n: bye\n\n`,
      expected: FIRST + FINISH,
    },
    {
      name: '[DONE] with an event name',
      stream: `${FIRST}${FINISH}event: done\ndata: [DONE]\n\n`,
      expected: FIRST + FINISH,
    },
    {
      name: 'chunks behind [DONE]',
      stream: `${FIRST}${FINISH}${DONE}${HELLO}`,
      expected: FIRST + FINISH,
    },
    { name: 'a finish reason', stream: `${FIRST}${FINISH}`, expected: FIRST + FINISH },
    { name: 'token counts', stream: `${FIRST}${FINISH}${USAGE}`, expected: FIRST + FINISH + USAGE },
    {
      name: 'a finish reason without an empty line',
      stream: `${FIRST}${FINISH.trimEnd()}`,
      expected: FIRST + FINISH,
    },
    {
      name: 'a finish reason with one line end',
      stream: `${FIRST}${FINISH.trimEnd()}\n`,
      expected: FIRST + FINISH,
    },
    {
      name: 'a finish reason in the only chunk, without an empty line',
      stream: FINISH.trimEnd(),
      expected: FINISH,
    },
    {
      name: 'comments behind the finish reason',
      stream: `${FIRST}${FINISH}${': ping\n\n'.repeat(50)}`,
      expected: `${FIRST}${FINISH}${': ping\n\n'.repeat(50)}`,
    },
    {
      name: 'a huge chunk behind the finish reason',
      stream: FIRST + FINISH + HUGE,
      expected: FIRST + FINISH + HUGE,
    },
    {
      name: 'a huge chunk behind the finish reason, and [DONE]',
      stream: FIRST + FINISH + HUGE + DONE,
      expected: FIRST + FINISH + HUGE,
    },
    {
      name: 'half a chunk behind it',
      stream: `${FIRST}${FINISH}${USAGE.slice(0, 60)}`,
      expected: FIRST + FINISH,
    },
    { name: 'half a line behind it', stream: `${FIRST}${FINISH}dat`, expected: FIRST + FINISH },
    { name: 'half a comment behind it', stream: `${FIRST}${FINISH}: pi`, expected: FIRST + FINISH },
    { name: 'half a [DONE]', stream: `${FIRST}${FINISH}data: [DO`, expected: FIRST + FINISH },
  ])('$name', ({ stream, expected }) => {
    const cuts = [[stream], stream.split(/(?<=\n\n)/), Array.from(stream)];
    for (const pieces of cuts) {
      const { text, failure, editor } = relay(pieces);
      expect({ text, failure }).toEqual({ text: expected, failure: undefined });
      expect(editor.isDone).toBe(true);
      expect(editor.push(Buffer.from(HELLO))).toHaveLength(0);
      expect(editor.end()).toHaveLength(0);
      expect(relay(pieces, { asked: 'asked' }).text).toBe(renamed(expected, 'asked'));
    }
  });

  it.each<{ name: string; stream: string; sent: string }>([
    { name: 'nothing', stream: '', sent: '' },
    { name: 'comments', stream: ': a\n\n: b\n\n', sent: ': a\n\n: b\n\n' },
    { name: 'chunks without a finish reason', stream: FIRST + HELLO, sent: FIRST + HELLO },
    { name: 'half a chunk', stream: FIRST + HELLO.slice(0, 50), sent: FIRST },
    { name: 'half of the first chunk', stream: FIRST.slice(0, 50), sent: '' },
    { name: 'half of the chunk with the finish reason', stream: FIRST + FINISH.slice(0, -20), sent: FIRST },
    {
      name: 'a finish reason that is null',
      stream: FIRST + event(chunk({}, { finish_reason: null })),
      sent: FIRST + event(chunk({}, { finish_reason: null })),
    },
    {
      name: 'one of two choices',
      stream: FIRST + event(chunk({ content: 'b' }, { index: 1 })) + FINISH,
      sent: FIRST + event(chunk({ content: 'b' }, { index: 1 })) + FINISH,
    },
    {
      name: 'one of two choices, the other one behind it',
      stream: FIRST + FINISH + event(chunk({ content: 'b' }, { index: 1 })),
      sent: FIRST + FINISH + event(chunk({ content: 'b' }, { index: 1 })),
    },
  ])('$name is not the end', ({ stream, sent }) => {
    for (const pieces of [[stream], Array.from(stream)]) {
      const { parts, failure, editor } = relay(pieces);
      expect(failure).toMatchObject({
        code: 'upstream_disconnected',
        message: 'The upstream mine ended its stream before the answer was complete.',
      });
      expect(parts.join('')).toBe(sent);
      expect(editor.isDone).toBe(false);
    }
  });

  it('has come for both of two choices', () => {
    const stream = [
      event(chunk({ content: 'a' })),
      event(chunk({ content: 'b' }, { index: 1 })),
      FINISH,
      event(chunk({ content: 'b' }, { index: 1 })),
      event(chunk({}, { index: 1, finish_reason: 'length' })),
      USAGE,
    ].join('');
    expect(relay(stream)).toMatchObject({ text: stream, failure: undefined });
    // The first has finished long ago.
    const late = [
      FIRST,
      FINISH,
      ...Array.from({ length: 200 }, () => event(chunk({ content: 'b' }, { index: 1 }))),
    ];
    late.push(event(chunk({}, { index: 1, finish_reason: 'stop' })));
    expect(relay(late)).toMatchObject({ text: late.join(''), failure: undefined });
  });

  it.each<{ name: string; stream: string[]; reason: string }>([
    {
      name: 'calls',
      stream: [
        FIRST,
        event(chunk({ tool_calls: [{ index: 0, id: 'a', function: { name: 'f', arguments: '{}' } }] })),
      ],
      reason: 'tool_calls',
    },
    {
      name: 'calls with a last empty text',
      stream: [
        event(chunk({ tool_calls: [{ index: 0, id: 'a', function: { name: 'f', arguments: '{}' } }] })),
        event(chunk({ content: '' })),
      ],
      reason: 'tool_calls',
    },
    { name: 'text', stream: [FIRST, HELLO], reason: 'stop' },
    { name: 'text and counts', stream: [FIRST, HELLO, USAGE], reason: 'stop' },
  ])('[DONE] after $name without a finish reason: it is added', ({ stream, reason }) => {
    for (const pieces of [[...stream, DONE], [stream.join('') + DONE]]) {
      const { text, failure } = relay(pieces, { asked: 'asked' });
      expect(failure).toBeUndefined();
      const added = event(chunk({}, { finish_reason: reason }));
      expect(text).toBe(renamed(stream.join('') + added, 'asked'));
    }
  });

  it('[DONE] without a finish reason of several choices: nothing is added', () => {
    const stream = FIRST + event(chunk({ content: 'b' }, { index: 1 }));
    expect(relay(stream + DONE)).toMatchObject({ text: stream, failure: undefined });
  });
});

describe('StreamEditor, token counts', () => {
  it.each<{ name: string; stream: string[]; expected: object | undefined }>([
    { name: 'in a chunk of their own', stream: [FIRST, HELLO, FINISH, USAGE, DONE], expected: COUNTS },
    {
      name: 'with the finish reason',
      stream: [FIRST, event(chunk({}, { finish_reason: 'stop', usage: COUNTS })), DONE],
      expected: COUNTS,
    },
    { name: 'nowhere', stream: [FIRST, FINISH, DONE], expected: undefined },
    {
      name: 'null at first',
      stream: [event(chunk({}, { usage: null })), FINISH, USAGE, DONE],
      expected: COUNTS,
    },
    {
      name: 'null at the end',
      stream: [
        event(chunk({}, { finish_reason: 'stop', usage: COUNTS })),
        event(chunk({}, { usage: null })),
        DONE,
      ],
      expected: COUNTS,
    },
    {
      name: 'in every chunk',
      stream: [
        event(chunk({ content: 'a' }, { usage: { ...COUNTS, completion_tokens: 1 } })),
        event(chunk({}, { finish_reason: 'stop', usage: COUNTS })),
        DONE,
      ],
      expected: COUNTS,
    },
    {
      name: 'without a sum',
      stream: [
        event(chunk({}, { finish_reason: 'stop', usage: { prompt_tokens: 1, completion_tokens: 2 } })),
        DONE,
      ],
      expected: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
    },
    {
      name: 'not as numbers',
      stream: [event(chunk({}, { finish_reason: 'stop', usage: { prompt_tokens: '1' } })), DONE],
      expected: undefined,
    },
    {
      name: 'in an object of their own',
      stream: [event(chunk({}, { finish_reason: 'stop', x_groq: { usage: COUNTS } })), DONE],
      expected: undefined,
    },
    {
      name: 'with comments behind them',
      stream: [FIRST, FINISH, USAGE, ...Array.from({ length: 50 }, () => ': ping\n\n'), DONE],
      expected: COUNTS,
    },
    { name: 'with CR LF', stream: [FIRST, FINISH, USAGE.replaceAll('\n', '\r\n'), DONE], expected: COUNTS },
    { name: 'without an empty line', stream: [FIRST, FINISH, USAGE.trimEnd()], expected: COUNTS },
  ])('$name', ({ stream, expected }) => {
    expect(relay(stream).editor.usage()).toEqual(expected);
    expect(relay(stream.join('')).editor.usage()).toEqual(expected);
    expect(relay(Array.from(stream.join(''))).editor.usage()).toEqual(expected);
  });
});

describe('StreamEditor, reasoning', () => {
  it.each<{ name: string; written: string; expected: string }>([
    {
      name: 'vLLM’s and Ollama’s word',
      written: '{"content":"","reasoning":"Add \\"1\\"."}',
      expected: '{"content":"","reasoning":"Add \\"1\\".","reasoning_content":"Add \\"1\\"."}',
    },
    {
      name: 'with white space',
      written: '{ "reasoning" : "a\\u00e9" , "content" : null }',
      expected: '{ "reasoning" : "a\\u00e9" , "content" : null,"reasoning_content":"a\\u00e9" }',
    },
    {
      name: 'beside null',
      written: '{"reasoning":"a","reasoning_content":null}',
      expected: '{"reasoning":"a","reasoning_content":"a"}',
    },
    { name: 'both', written: '{"reasoning":"a","reasoning_content":"b"}', expected: '' },
    { name: 'both, one empty', written: '{"reasoning":"a","reasoning_content":""}', expected: '' },
    { name: 'null', written: '{"reasoning":null,"content":"a"}', expected: '' },
    { name: 'an object', written: '{"reasoning":{"text":"a"}}', expected: '' },
    { name: 'the usual word', written: '{"reasoning_content":"a"}', expected: '' },
    { name: 'empty', written: '{"reasoning":""}', expected: '{"reasoning":"","reasoning_content":""}' },
  ])('$name', ({ written, expected }) => {
    const of = withDelta;
    const wanted = FIRST + of(expected === '' ? written : expected) + FINISH;
    expect(relay([FIRST, of(written), FINISH, DONE])).toMatchObject({ text: wanted, failure: undefined });
    expect(relay(FIRST + of(written) + FINISH + DONE, { asked: 'asked' }).text).toBe(
      renamed(wanted, 'asked'),
    );
    const first = of(expected === '' ? written : expected);
    expect(relay([of(written), FINISH, DONE], { asked: 'asked' }).text).toBe(
      renamed(first + FINISH, 'asked'),
    );
  });
});

describe('StreamEditor, token counts that nobody asked for', () => {
  const HIDDEN = FIRST + HELLO + FINISH;
  const NULLS = [FIRST, HELLO, FINISH].map((text) => text.replace(/}\n\n$/, ',"usage":null}\n\n')).join('');
  const SPACED = USAGE.replaceAll(':', ' : ').replace('data : ', 'data: ').replaceAll(',', ' , ');

  it.each<[name: string, stream: string, expected: string]>([
    ['a chunk of their own', HIDDEN + USAGE + DONE, HIDDEN],
    ['with CR LF', CRLF, HIDDEN.replaceAll('\n', '\r\n')],
    ['written with spaces', HIDDEN + SPACED + DONE, HIDDEN],
    ['beside null in the others', NULLS + USAGE + DONE, NULLS],
    ['a chunk that says more', HIDDEN + HUGE + DONE, HIDDEN],
  ])('are kept from the client and known: %s', (_, stream, expected) => {
    for (const asked of [undefined, 'served', 'mine']) {
      for (const pieces of everyCut(stream).filter((_cut, at) => at % 7 === 0)) {
        const { text, editor, failure } = relay(pieces, { asked, hidesUsage: true });
        expect(failure).toBeUndefined();
        expect(text).toBe(asked === 'mine' ? renamed(expected, asked) : expected);
        expect(editor.usage()).toEqual(COUNTS);
      }
    }
  });

  it('stay where a chunk says something besides', () => {
    const finish = event(chunk({}, { finish_reason: 'stop', usage: COUNTS }));
    const { text, editor } = relay(FIRST + HELLO + finish + DONE, { hidesUsage: true });
    expect(text).toBe(FIRST + HELLO + finish);
    expect(editor.usage()).toEqual(COUNTS);
  });
});
