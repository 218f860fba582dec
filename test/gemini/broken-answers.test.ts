/** Errors in every form Gemini and proxies give them, and answers that end too early. */
import { describe, expect, it } from 'vitest';
import {
  bodyAnswer,
  cutAfter,
  cutAtByte,
  steppedAnswer,
  streamedAnswer,
  wholeAnswer,
} from '../support/gemini-answers.ts';
import { call, message, stop } from '../translate/events/gemini-messages.ts';
import { chat, FORMS, last, readAnswer, saying, startPair, text, usageMetadata } from './fixture.ts';

const NO_RETRIES = { backend: { retry: { maxRetries: 0 } } };
const JSON_TYPE = { 'content-type': 'application/json' };
const EVENTS = { 'content-type': 'text/event-stream' };

const error = { code: 403, status: 'PERMISSION_DENIED', message: 'Not allowed here.' };
const pretty = JSON.stringify({ error }, undefined, 2);

describe.each(FORMS)('an error instead of a $form answer', ({ stream }) => {
  it.each([
    { name: 'as an object', answer: bodyAnswer(403, pretty, JSON_TYPE), message: error.message },
    { name: 'as a list of one', answer: bodyAnswer(403, `[${pretty}\n]`, JSON_TYPE), message: error.message },
    { name: 'as JSON under another type', answer: bodyAnswer(403, pretty, EVENTS), message: error.message },
    {
      name: 'as an event',
      answer: bodyAnswer(200, `data: ${JSON.stringify({ error })}\n\n`, EVENTS),
      message: error.message,
      streamOnly: true,
    },
    { name: 'with status 200', answer: bodyAnswer(200, pretty, JSON_TYPE), message: error.message },
    {
      name: 'with status 200, as a list of one',
      answer: bodyAnswer(200, `[${pretty}]`, JSON_TYPE),
      message: error.message,
    },
    {
      name: 'with status 200, bare among events',
      answer: bodyAnswer(200, pretty, EVENTS),
      message: error.message,
    },
    {
      name: 'without a message',
      answer: bodyAnswer(403, '{"error":{"code":403}}', JSON_TYPE),
      message: 'Gemini answered HTTP 403 and gave no reason.',
    },
    {
      name: 'as text',
      answer: bodyAnswer(403, 'RBAC: access denied'),
      message:
        'The upstream answered HTTP 403 with something that is not an answer of Gemini: RBAC: access denied',
    },
    {
      name: 'as a page',
      answer: bodyAnswer(403, '<!doctype html><title>Forbidden</title>'),
      message: 'The upstream answered HTTP 403 with something that is not an answer of Gemini: Forbidden',
    },
    {
      name: 'as nothing',
      answer: bodyAnswer(403, ''),
      message: 'The upstream answered HTTP 403 with something that is not an answer of Gemini.',
    },
  ])('$name is an error with its status', async ({ answer, message: expected, streamOnly = false }) => {
    const { server } = await startPair(NO_RETRIES, () => answer);
    const read = await readAnswer(await server.post(chat({ stream: stream || streamOnly })));
    expect(read.status).toBe(403);
    expect(read.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(read.error).toMatchObject({
      type: 'permission_error',
      code: 'permission_denied',
      message: expected,
    });
  });

  it.each([
    {
      name: 'a page with status 200',
      answer: bodyAnswer(200, '<html><body>Sign in</body></html>', { 'content-type': 'text/html' }),
      shown: 'HTTP 200 with something that is not an answer of Gemini: Sign in',
    },
    { name: 'a redirect', answer: bodyAnswer(302, '', { location: 'https://example.com/' }) },
    { name: 'JSON that is cut', answer: bodyAnswer(200, '{"candidates": [', JSON_TYPE) },
    { name: 'JSON of another kind', answer: bodyAnswer(200, '"hello"', JSON_TYPE) },
    { name: 'an object of another kind', answer: bodyAnswer(200, '{"choices":[]}', JSON_TYPE) },
    { name: 'an event that is no JSON', answer: bodyAnswer(200, 'data: hello\n\n', EVENTS) },
    { name: 'no content', answer: bodyAnswer(204, '') },
    { name: 'nothing', answer: bodyAnswer(200, '', EVENTS) },
    { name: 'a candidate with nothing in it', answer: wholeAnswer({ candidates: [{}] }) },
  ])('$name is a 502', async ({ answer, shown = '' }) => {
    const { server } = await startPair(NO_RETRIES, () => answer);
    const read = await readAnswer(await server.post(chat({ stream })));
    expect(read.status).toBe(502);
    expect(['bad_upstream_response', 'empty_response']).toContain(read.error?.code);
    expect(read.error?.message).toContain(shown);
  });
});

const twice = (headers: Readonly<Record<string, string>>): Record<string, string[]> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value, value]]));

describe.each(FORMS)('a $form answer with headers sent twice', ({ stream }) => {
  it('is one like others', async () => {
    const { server } = await startPair(NO_RETRIES, (request) => {
      const answer = saying(last('Oslo.'))(request);
      return { ...answer, headers: twice({ 'content-type': String(answer.headers['content-type']) }) };
    });
    expect(await readAnswer(await server.post(chat({ stream })))).toMatchObject({
      status: 200,
      content: 'Oslo.',
    });
  });

  it('is an error like others', async () => {
    const answer = bodyAnswer(429, '{}', twice({ ...JSON_TYPE, 'retry-after': '7' }));
    const { server } = await startPair(NO_RETRIES, () => answer);
    const read = await readAnswer(await server.post(chat({ stream })));
    expect(read).toMatchObject({ status: 429, error: { code: 'rate_limit_exceeded' } });
    expect(read.headers.get('retry-after')).toBe('7');
  });
});

it('a whole answer cut anywhere is a 502', async () => {
  const { upstream, server } = await startPair(NO_RETRIES);
  const answer = wholeAnswer(last('Grüße aus Oslo.'));
  for (let length = 0; length < Buffer.byteLength(JSON.stringify(last('Grüße aus Oslo.'))); length += 11) {
    upstream.answer(cutAtByte(answer, length));
    const { status, error: failure } = await readAnswer(await server.post(chat()));
    expect({ length, status, code: failure?.code }).toEqual({
      length,
      status: 502,
      code: 'upstream_disconnected',
    });
  }
});

describe('a stream', () => {
  const messages = [text('Grüße '), text('aus '), last('Oslo.')];
  const whole = messages.map((frame) => `data: ${JSON.stringify(frame)}\r\n\r\n`).join('');
  const lengths = messages.map((frame) => Buffer.byteLength(`data: ${JSON.stringify(frame)}\r\n\r\n`));

  it('cut anywhere tells all that came, and that something is missing', async () => {
    const { upstream, server } = await startPair(NO_RETRIES);
    const total = Buffer.byteLength(whole);
    const [first = 0] = lengths;
    for (let length = 0; length < total; length += 7) {
      upstream.answer(cutAtByte(streamedAnswer(messages), length));
      const {
        status,
        content,
        error: failure,
        isDone,
        finishReason,
      } = await readAnswer(await server.post(chat({ stream: true })));
      // Each frame takes effect with the end of its first line.
      const hasOutput = length >= first - 3;
      const isComplete = length >= total - 3;
      expect('Grüße aus Oslo.'.startsWith(content)).toBe(true);
      expect({ length, status, isDone, finishReason, code: failure?.code }).toEqual({
        length,
        status: hasOutput ? 200 : 502,
        isDone: isComplete,
        finishReason: isComplete ? 'stop' : hasOutput ? null : undefined,
        code: isComplete ? undefined : 'upstream_disconnected',
      });
    }
  });

  it.each([
    {
      name: 'bare, over several lines',
      bytes: `${JSON.stringify({ error: { code: 499, status: 'CANCELLED', message: 'cancelled' } }, undefined, 2)}\r\n`,
      code: 'cancelled',
    },
    {
      name: 'bare, in a list',
      bytes: '[{"error":{"code":503,"status":"UNAVAILABLE","message":"overloaded"}}]',
      code: 'overloaded',
    },
    {
      name: 'as an event',
      bytes: 'data: {"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"slow down"}}\n\n',
      code: 'rate_limit_exceeded',
    },
    { name: 'that is no JSON', bytes: 'data: oops\n\n', code: 'bad_upstream_response' },
  ])('with an error in its middle ends with an error and without [DONE]: $name', async ({ bytes, code }) => {
    const { upstream, server } = await startPair();
    upstream.answer(cutAfter(streamedAnswer(messages), 2, { bytes: Buffer.from(bytes) }));
    const {
      status,
      content,
      error: failure,
      isDone,
    } = await readAnswer(await server.post(chat({ stream: true })));
    expect({ status, content, isDone }).toEqual({ status: 200, content: 'Grüße aus ', isDone: false });
    expect(failure?.code).toBe(code);
    expect(upstream.requests).toHaveLength(1);
  });

  it('that ends without a finish reason, but as a whole, is complete', async () => {
    const { server } = await startPair({}, saying(text('Hel'), text('lo')));
    const { content, finishReason, isDone } = await readAnswer(await server.post(chat({ stream: true })));
    expect({ content, finishReason, isDone }).toEqual({
      content: 'Hello',
      finishReason: 'stop',
      isDone: true,
    });
  });

  it('goes on after an early finish reason', async () => {
    const { server } = await startPair(
      {},
      saying(message([{ text: 'One' }], stop), text(' two'), {
        ...message([{ text: ' three' }], stop),
        usageMetadata,
      }),
    );
    const { content, chunks, isDone } = await readAnswer(await server.post(chat({ stream: true })));
    expect({ content, isDone }).toEqual({ content: 'One two three', isDone: true });
    const reasons = chunks.flatMap(({ choices }) => choices[0]?.finish_reason ?? []);
    expect(reasons).toEqual(['stop']);
  });

  it('is passed on message by message', async () => {
    const { answer, next } = steppedAnswer(messages);
    const { server } = await startPair({}, () => answer);
    const response = await server.post(chat({ stream: true }));
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let received = '';
    for (const [word, hidden] of [
      ['Grüße ', 'aus '],
      ['aus ', 'Oslo.'],
    ] as const) {
      while (!received.includes(word)) received += (await reader.read()).value;
      expect(received).not.toContain(hidden);
      next();
    }
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) received += piece.value;
    expect(received).toMatch(/data: \[DONE\]\n\n$/);
  });

  it('that breaks in a call ends with an error, not with half a call that looks whole', async () => {
    const { upstream, server } = await startPair();
    const pieces = [
      message([call('weather', undefined, { willContinue: true })]),
      message([
        {
          functionCall: {
            partialArgs: [{ jsonPath: '$.city', stringValue: 'Os', willContinue: true }],
            willContinue: true,
          },
        },
      ]),
    ];
    upstream.answer(cutAfter(streamedAnswer(pieces), 2, 'reset'));
    const {
      chunks,
      error: failure,
      isDone,
    } = await readAnswer(
      await server.post(
        chat({
          stream: true,
          tools: [{ type: 'function', function: { name: 'weather' } }],
          extra_body: { google: { stream_function_call_arguments: true } },
        }),
      ),
    );
    expect(failure?.code).toBe('upstream_disconnected');
    expect(isDone).toBe(false);
    expect(chunks.flatMap(({ choices }) => choices.map((choice) => choice.finish_reason))).not.toContain(
      'tool_calls',
    );
  });
});
