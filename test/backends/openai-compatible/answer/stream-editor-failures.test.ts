import { describe, expect, it } from 'vitest';
import { chunk, DONE, event, FINISH, FIRST, HELLO, renamed } from './chunks.ts';
import { relay } from './relay.ts';

const PRETTY = `{
  "error": {
    "code": 499,
    "message": "The operation was cancelled.",
    "status": "CANCELLED"
  }
}`;

/** Errors as servers write them into a stream, with the code and the message a client gets. */
const ERRORS: { name: string; written: string; code: string; message: string }[] = [
  {
    name: 'OpenAI’s error in data',
    written: event({ error: { message: 'too bad', type: 'BadRequestError', param: null, code: 400 } }),
    code: 'invalid_argument',
    message: 'too bad',
  },
  {
    name: 'a text in data',
    written: event({ error: 'too bad' }),
    code: 'internal_error',
    message: 'too bad',
  },
  {
    name: 'TGI’s error in data',
    written: event({ error: 'too bad', error_type: 'overloaded' }),
    code: 'overloaded',
    message: 'too bad',
  },
  {
    name: 'TGI’s error with an event name',
    written: `event: error\n${event({ error: 'too bad', error_type: 'validation' })}`,
    code: 'invalid_argument',
    message: 'too bad',
  },
  {
    name: 'the error of an older vLLM in data',
    written: event({ object: 'error', message: 'too bad', type: 'BadRequestError', param: null, code: 400 }),
    code: 'invalid_argument',
    message: 'too bad',
  },
  {
    name: 'an array in data',
    written: `data: [{"error":{"code":400,"message":"too bad"}}]\n\n`,
    code: 'invalid_argument',
    message: 'too bad',
  },
  {
    name: 'data in several lines',
    written: `${PRETTY.replaceAll(/^/gm, 'data: ')}\n\n`,
    code: 'cancelled',
    message: 'The operation was cancelled.',
  },
  {
    name: 'an error beside other members',
    written: event(chunk({ content: 'no' }, { error: { message: 'too bad', code: 503 } })),
    code: 'overloaded',
    message: 'too bad',
  },
  {
    name: 'an event error whose data is the error itself',
    written: `event: error\n${event({ message: 'too bad', code: 400 })}`,
    code: 'invalid_argument',
    message: 'too bad',
  },
  {
    name: 'an event error whose data is text',
    written: 'event: error\ndata: too bad\n\n',
    code: 'internal_error',
    message: 'too bad',
  },
  {
    name: 'the line of an older llama.cpp',
    written: 'error: {"code":400,"message":"too bad","type":"invalid_request_error"}\n\n',
    code: 'invalid_argument',
    message: 'too bad',
  },
  {
    name: 'such a line with an object of its own',
    written: 'error: {"error":{"code":400,"message":"too bad"}}\n\n',
    code: 'invalid_argument',
    message: 'too bad',
  },
  {
    name: 'such a line with text',
    written: 'error: too bad\n\n',
    code: 'internal_error',
    message: 'too bad',
  },
  {
    name: 'JSON outside of events',
    written: '{"error":{"code":400,"message":"too bad"}}\n\n',
    code: 'invalid_argument',
    message: 'too bad',
  },
  {
    name: 'JSON in several lines outside of events',
    written: `${PRETTY}\n\n`,
    code: 'cancelled',
    message: 'The operation was cancelled.',
  },
  {
    name: 'an array in several lines outside of events',
    written: `[${PRETTY}\n]\n\n`,
    code: 'cancelled',
    message: 'The operation was cancelled.',
  },
];

const FRAMINGS = {
  LF: (text: string) => text,
  'CR LF': (text: string) => text.replaceAll('\n', '\r\n'),
  'without an empty line': (text: string) => text.trimEnd(),
} as const;

const CASES = ERRORS.flatMap((error) =>
  Object.entries(FRAMINGS).map(([framing, frame]) => ({
    name: error.name,
    code: error.code,
    message: error.message,
    framing,
    written: frame(error.written),
    rest: framing === 'without an empty line' ? '' : FINISH + DONE,
  })),
);

describe('StreamEditor, an error', () => {
  it.each(CASES)('$name, $framing, in place of the first chunk', ({ written, rest, code, message }) => {
    for (const pieces of [[written, rest], [written + rest], Array.from(written + rest)]) {
      const { failure, text, editor } = relay(pieces, { asked: 'asked' });
      expect(failure).toMatchObject({ code, message });
      expect(editor).toMatchObject({ hasBegun: false, isDone: false });
      expect(text).toBe('');
    }
  });

  it.each(CASES)('$name, $framing, in the middle', ({ written, rest, code, message }) => {
    const stream = FIRST + HELLO + written + rest;
    for (const pieces of [
      [FIRST, HELLO, written, rest],
      [FIRST, HELLO + written + rest],
      [stream],
      Array.from(stream),
    ]) {
      for (const asked of ['asked', 'served', undefined]) {
        const { failure, text, editor } = relay(pieces, { asked });
        expect(failure).toMatchObject({ code, message });
        expect(editor.isDone).toBe(false);
        // What came before it arrives.
        expect(text).toBe(renamed(FIRST + HELLO, asked ?? 'served'));
      }
    }
  });

  it('ends the stream', () => {
    const { editor, failure } = relay([FIRST, event({ error: 'no' })]);
    expect(editor.push(Buffer.from(FINISH + DONE))).toHaveLength(0);
    expect(editor.failure).toBe(failure);
    expect(editor.isDone).toBe(false);
    expect(editor.isComplete()).toBe(false);
    expect(() => editor.end()).toThrow('no');
  });

  it('behind the finish reason counts', () => {
    const { failure, text } = relay([FIRST, FINISH, event({ error: 'no' }), DONE]);
    expect(failure).toMatchObject({ message: 'no' });
    expect(text).toBe(FIRST + FINISH);
  });

  it.each([null, {}, '', ' ', []])('that says %j is none', (error) => {
    const stream = FIRST + event(chunk({ content: 'a' }, { error })) + FINISH;
    expect(relay(stream + DONE)).toMatchObject({ text: stream, failure: undefined });
  });

  it('takes the status from the event, and tells it', () => {
    const { failure } = relay(event({ error: { message: 'busy', type: 'x', code: 429 } }));
    expect(failure).toMatchObject({
      code: 'rate_limit_exceeded',
      upstream: { status: 429, type: 'x', code: 429 },
    });
  });
});

describe('StreamEditor, what is no answer', () => {
  it.each<{ name: string; stream: string; message: string }>([
    {
      name: 'a page',
      stream: '<html>\n<body>Bad gateway</body>\n</html>\n\n',
      message:
        'The upstream mine answered HTTP 200 with something that is not a chat completion: Bad gateway',
    },
    {
      name: 'a page in data',
      stream: 'data: <html>Bad gateway</html>\n\n',
      message:
        'The upstream mine answered HTTP 200 with something that is not a chat completion: Bad gateway',
    },
    {
      name: 'null',
      stream: 'data: null\n\n',
      message: expect.stringContaining('completion: null') as string,
    },
    {
      name: 'a string',
      stream: 'data: "hi"\n\n',
      message: expect.stringContaining('completion: "hi"') as string,
    },
    {
      name: 'an array',
      stream: 'data: []\n\n',
      message: expect.stringContaining('completion: []') as string,
    },
    { name: 'a message', stream: event({ message: 'no' }), message: 'no' },
    { name: 'FastAPI’s detail', stream: event({ detail: 'Not Found' }), message: 'Not Found' },
    {
      name: 'nothing but [DONE]',
      stream: DONE,
      message: 'The upstream mine ended its stream without an answer.',
    },
    {
      name: 'comments and [DONE]',
      stream: `: a\n\n: b\n\n${DONE}`,
      message: 'The upstream mine ended its stream without an answer.',
    },
    {
      name: 'another API’s events',
      stream: event({ type: 'ping' }) + event({ type: 'message_start', message: {} }) + DONE,
      message: 'The upstream mine ended its stream without an answer.',
    },
  ])('$name', ({ stream, message }) => {
    for (const pieces of [[stream], Array.from(stream)]) {
      const { failure, editor } = relay(pieces);
      expect(failure).toMatchObject({ name: 'GatewayError', message });
      expect(editor).toMatchObject({ hasBegun: false, isDone: false });
    }
  });

  it('begins with the first chunk', () => {
    const ping = event({ type: 'ping' });
    const { editor } = relay([]);
    expect(editor.push(Buffer.from(`: a\n\n${ping}`)).toString()).toBe(`: a\n\n${ping}`);
    expect(editor.hasBegun).toBe(false);
    editor.push(Buffer.from(FIRST));
    expect(editor.hasBegun).toBe(true);
    const filters = relay([]).editor;
    filters.push(Buffer.from(event({ choices: [], prompt_filter_results: [] })));
    expect(filters.hasBegun).toBe(true);
  });

  it.each([
    'data: <html>oops</html>\n\n',
    'data: {"a":\n\n',
    'data: "hi"\n\n',
    'data: [1]\n\n',
    'data: 1\n\n',
  ])('in the middle: %j', (written) => {
    for (const asked of ['asked', 'served', undefined]) {
      for (const pieces of [
        [FIRST, HELLO, written, FINISH, DONE],
        [FIRST + HELLO + written + FINISH + DONE],
      ]) {
        const { failure, text } = relay(pieces, { asked });
        expect(failure).toMatchObject({
          code: 'bad_upstream_response',
          message: 'The upstream mine sent an event that is not a JSON object.',
        });
        expect(text).toBe(renamed(FIRST + HELLO, asked ?? 'served'));
      }
    }
  });

  it('text between chunks that is no error passes', () => {
    const stream = `${FIRST}INFO: still here\n\n${HELLO}{"a":1}\n\n${FINISH}`;
    for (const pieces of [[stream], Array.from(stream), [FIRST, stream.slice(FIRST.length)]]) {
      expect(relay(pieces)).toMatchObject({ text: stream, failure: undefined });
    }
  });

  it('an event over the limit', () => {
    const { editor } = relay([]);
    const huge = Buffer.alloc(8 * 1024 * 1024, 'a');
    editor.push(Buffer.from(`${FIRST}data: {"choices":[{"delta":{"content":"`));
    for (let count = 0; count < 5 && editor.failure === undefined; count++) {
      expect(editor.push(huge)).toHaveLength(0);
    }
    expect(editor.failure).toMatchObject({
      code: 'bad_upstream_response',
      message: 'The upstream sent an event of more than 33554432 bytes.',
    });
  });
});
