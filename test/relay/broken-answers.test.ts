/** Answers that break off: what of it a client sees depends on whether something has been sent already. */
import { describe, expect, it } from 'vitest';
import { FORMS, readAnswer } from '../gemini/fixture.ts';
import {
  chunks,
  completion,
  cutAfter,
  errorAnswer,
  jsonAnswer,
  sseAnswer,
} from '../support/faulty-answers.ts';
import { answerFirst, bytesOf, chat, good, sortedLoadOf, startPlace } from './fixture.ts';

const CHAT = 'google/asked-model';
const IN_A_BLINK = { first_byte_timeout_ms: 100, idle_timeout_ms: 100 };
const NO_CIRCUIT = { circuit: { failures: 1000 } };

describe.each(FORMS)('a $form answer with headers sent twice', ({ stream }) => {
  it('is one like others', async () => {
    const { servers, relay } = await startPlace();
    const type = stream ? 'text/event-stream' : 'application/json';
    const headers = {
      'content-type': `${type}\r\ncontent-type: ${type}; charset=utf-8`,
      'content-encoding': 'identity',
    };
    servers[0]!.queue(stream ? sseAnswer(chunks(), { headers }) : jsonAnswer(completion(), { headers }));
    const { status, content } = await readAnswer(await relay.post(chat({ stream })));
    expect({ status, content }).toEqual({ status: 200, content: 'Hello there.' });
  });

  it('is an error like others', async () => {
    const { servers, relay } = await startPlace({ upstream: { retries: 0 } });
    servers[0]!.queue(
      errorAnswer(429, {
        'content-type': 'application/json\r\ncontent-type: text/html',
        'retry-after': '7\r\nretry-after: 9',
      }),
    );
    const { status, error, headers } = await readAnswer(await relay.post(chat({ stream })));
    expect({ status, code: error?.code }).toEqual({ status: 429, code: 'rate_limit_exceeded' });
    expect(headers.get('retry-after')).toBe('7');
  });

  it('is refused when one of them says that it is compressed', async () => {
    const { servers, relay } = await startPlace({ upstream: { retries: 0 } });
    const headers = { 'content-encoding': 'identity\r\ncontent-encoding: gzip' };
    servers[0]!.queue(jsonAnswer(completion(), { headers }));
    const { status, error } = await readAnswer(await relay.post(chat({ stream })));
    expect(status).toBe(502);
    expect(error?.message).toContain('compressed its answer (identity, gzip), which nobody asked for');
  });
});

describe('a whole answer cut at any byte', () => {
  it('is asked for again, so that no client sees a part of one', async () => {
    const { servers, relay } = await startPlace({ upstream: { ...NO_CIRCUIT, retries: 0 } });
    const answer = good(false);
    const { length } = bytesOf(answer);
    const statuses = new Set<number>();
    for (let cut = 1; cut < length; cut += 17) {
      servers[0]!.queue(cutAfter(answer, cut, 'reset'));
      const { status, error } = await readAnswer(await relay.post(chat()));
      statuses.add(status);
      expect(error?.code).toBe('upstream_disconnected');
    }
    expect(statuses).toEqual(new Set([502]));
  });
});

describe('a stream cut at any byte', () => {
  it('is asked for again before its first event, then broken with an error, and complete after its finish reason', async () => {
    const { servers, relay } = await startPlace({ upstream: { ...NO_CIRCUIT, retries: 0 } });
    const answer = good(true);
    const all = bytesOf(answer);
    const firstEvent = all.indexOf('\n\n') + 2;
    const finish = all.indexOf('\n\n', all.indexOf('"finish_reason":"stop"')) + 2;
    const ends: string[] = [];
    const expected: string[] = [];
    for (let cut = 1; cut < all.length; cut += 17) {
      servers[0]!.queue(cutAfter(answer, cut, 'reset'));
      const {
        status,
        error,
        isDone,
        chunks: events,
      } = await readAnswer(await relay.post(chat({ stream: true })));
      ends.push(`${cut}: ${status} ${error?.code} ${isDone} ${events.length > 0}`);
      if (cut < firstEvent) expected.push(`${cut}: 502 upstream_disconnected false false`);
      else if (cut < finish) expected.push(`${cut}: 200 upstream_disconnected false true`);
      else expected.push(`${cut}: 200 undefined true true`);
    }
    expect(ends).toEqual(expected);
    expect(new Set(expected.map((end) => end.split(': ')[1])).size).toBe(3);
  });

  it('is never asked for again after its first event', async () => {
    const { servers, relay } = await startPlace({ replicas: 3 });
    const [first] = chunks();
    for (const server of servers) {
      server.respond = ({ method }) =>
        method === 'POST' ? sseAnswer([first!], { ending: 'reset' }) : undefined;
    }
    const { status, error, isDone } = await readAnswer(await relay.post(chat({ stream: true })));
    expect({ status, code: error?.code, isDone }).toEqual({
      status: 200,
      code: 'upstream_disconnected',
      isDone: false,
    });
    expect(sortedLoadOf(servers)).toEqual([0, 0, 1]);
  });
});

describe('a stream that has begun', () => {
  const [start = '', word = '', ...rest] = chunks();
  const error = JSON.stringify({ error: { message: 'the engine died', type: 'server_error', code: 500 } });

  it.concurrent.for([
    { name: 'an error', answer: sseAnswer([start, word, error]), code: 'internal_error' },
    {
      name: 'an error, and [DONE] after it',
      answer: sseAnswer([start, word, error, '[DONE]']),
      code: 'internal_error',
    },
    {
      name: 'an event that is no JSON',
      answer: sseAnswer([start, word, '{"id":']),
      code: 'bad_upstream_response',
    },
    { name: 'its end', answer: sseAnswer([start, word]), code: 'upstream_disconnected' },
    {
      name: 'half an event',
      answer: sseAnswer([start, word], { partial: 'data: {"id":"chatcmpl-1","cho', ending: 'end' }),
      code: 'upstream_disconnected',
    },
    { name: 'silence', answer: sseAnswer([start, word], { ending: 'hang' }), code: 'timeout' },
    {
      name: 'a chunk without a size',
      answer: sseAnswer([start, word], { ending: { write: 'no size\r\n' } }),
      code: 'upstream_disconnected',
    },
  ])(
    'and goes on with $name ends with an error',
    async ({ answer, code }, { onTestFinished: onFinished }) => {
      const { servers, relay } = await startPlace({ replicas: 2, upstream: IN_A_BLINK, onFinished });
      answerFirst(servers, answer);
      const response = await relay.post(chat({ stream: true, model: CHAT }));
      const { status, error: told, isDone, chunks: events } = await readAnswer(response);
      expect({ status, code: told?.code, isDone }).toEqual({ status: 200, code, isDone: false });
      expect(events.map(({ model }) => model)).toEqual([CHAT, CHAT]);
      expect(sortedLoadOf(servers)).toEqual([0, 1]);
    },
  );

  it.each([
    { name: 'without [DONE]', answer: sseAnswer([start, word, ...rest.slice(0, -1)]) },
    { name: 'with its connection', answer: sseAnswer([start, word, ...rest], { untilClose: true }) },
    {
      name: 'with its connection, without [DONE]',
      answer: sseAnswer([start, word, ...rest.slice(0, -1)], { untilClose: true }),
    },
    { name: 'and its server never ends', answer: sseAnswer([start, word, ...rest], { ending: 'hang' }) },
  ])('and ends $name is complete', async ({ answer }) => {
    const { servers, relay } = await startPlace({ upstream: { ...NO_CIRCUIT, retries: 0 } });
    servers[0]!.queue(answer);
    const {
      status,
      error: told,
      isDone,
      finishReason,
    } = await readAnswer(await relay.post(chat({ stream: true })));
    expect({ status, told, isDone, finishReason }).toEqual({
      status: 200,
      told: undefined,
      isDone: true,
      finishReason: 'stop',
    });
  });
});
