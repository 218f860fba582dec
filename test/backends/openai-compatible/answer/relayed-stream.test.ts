import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  RelayedStream,
  type RelayedStreamOptions,
} from '../../../../src/backends/openai-compatible/answer/relayed-stream.ts';
import { StreamEditor } from '../../../../src/backends/openai-compatible/answer/stream-editor.ts';
import { GatewayError } from '../../../../src/errors.ts';
import { ScriptedExchange } from '../../../upstream/scripted-exchange.ts';
import { COUNTS, DONE, event, FINISH, FIRST, HELLO, USAGE } from './chunks.ts';
import { TestSink, turn } from './test-sink.ts';

interface Begun {
  readonly stream: Promise<RelayedStream>;
  /** What `onOver` was told, each time. */
  readonly overs: unknown[];
  /** `pending`, the stream, or what it failed with. */
  readonly state: () => unknown;
}

function begin(
  upstream: ScriptedExchange,
  options: Partial<RelayedStreamOptions> & { firstByteMs?: number } = {},
): Begun {
  const overs: unknown[] = [];
  const stream = RelayedStream.begin(upstream.body, {
    upstream: 'mine',
    editor: new StreamEditor({ upstream: 'mine', asked: undefined }),
    explain: (failure) => failure,
    onOver: (failure) => {
      overs.push(failure);
    },
    firstByteMs: 10_000,
    ...options,
  });
  let state: unknown = 'pending';
  stream.then(
    (begun) => (state = begun),
    (error: unknown) => (state = error),
  );
  return { stream, overs, state: () => state };
}

/** A stream that flows into a sink. */
async function flowing(
  upstream: ScriptedExchange,
  options: Partial<RelayedStreamOptions> = {},
): Promise<{ sink: TestSink; flow: Promise<void>; outcome: () => unknown; overs: unknown[] }> {
  const { stream, overs } = begin(upstream, options);
  upstream.send(FIRST);
  const sink = new TestSink();
  const flow = (await stream).flow(sink);
  let outcome: unknown = 'pending';
  flow.then(
    () => (outcome = 'complete'),
    (error: unknown) => (outcome = error),
  );
  return { sink, flow, overs, outcome: () => outcome };
}

afterEach(() => {
  vi.useRealTimers();
});

describe('RelayedStream, the beginning', () => {
  it('waits for the first chunk, and not longer', async () => {
    const upstream = await ScriptedExchange.open();
    const { stream, state } = begin(upstream);
    for (const text of [': ping\n\n', '\n\n', FIRST.slice(0, 20), FIRST.slice(20, -1)]) {
      upstream.send(text);
      await turn();
      expect(state()).toBe('pending');
    }
    upstream.send('\n');
    await turn();
    expect(state()).toBe(await stream);
    expect((await stream).format).toBe('event-stream');
  });

  it.each<{ name: string; sent: string[]; isOver?: true; code: string }>([
    { name: 'an error', sent: [event({ error: { message: 'no', code: 429 } })], code: 'rate_limit_exceeded' },
    {
      name: 'an error right behind the first chunk',
      sent: [FIRST + event({ error: 'no' })],
      code: 'internal_error',
    },
    {
      name: 'an error behind the first chunk, in the same turn',
      sent: [FIRST, event({ error: 'no' })],
      code: 'internal_error',
    },
    { name: 'a page', sent: ['<html>no</html>\n\n'], code: 'bad_upstream_response' },
    { name: 'nothing but [DONE]', sent: [DONE], code: 'bad_upstream_response' },
    { name: 'nothing', sent: [], isOver: true, code: 'upstream_disconnected' },
    { name: 'nothing but comments', sent: [': a\n\n'], isOver: true, code: 'upstream_disconnected' },
    { name: 'half a chunk', sent: [FIRST.slice(0, 30)], isOver: true, code: 'upstream_disconnected' },
    {
      name: 'an error without an empty line',
      sent: ['{"error":"no"}'],
      isOver: true,
      code: 'internal_error',
    },
    {
      name: 'an end right behind the first chunk',
      sent: [FIRST],
      isOver: true,
      code: 'upstream_disconnected',
    },
  ])('fails for $name', async ({ sent, isOver = false, code }) => {
    const upstream = await ScriptedExchange.open();
    const { stream, overs } = begin(upstream);
    upstream.send(...sent);
    if (isOver) upstream.end();
    await expect(stream).rejects.toMatchObject({ name: 'GatewayError', code });
    expect(upstream.isAborted).toBe(!isOver);
    // The lease is still the caller's.
    expect(overs).toEqual([]);
  });

  it.each([
    { name: 'before anything', sent: [] },
    { name: 'within the first chunk', sent: [FIRST.slice(0, 30)] },
    { name: 'right behind it', sent: [FIRST] },
  ])('fails when the connection breaks $name', async ({ sent }) => {
    const upstream = await ScriptedExchange.open();
    const { stream } = begin(upstream);
    upstream.send(...sent).break();
    await expect(stream).rejects.toMatchObject({ name: 'TransportError', fault: 'reset' });
  });

  it('fails with the signal', async () => {
    const left = new AbortController();
    const upstream = await ScriptedExchange.open(left.signal);
    const { stream } = begin(upstream);
    const reason = new GatewayError('cancelled', 'left');
    left.abort(reason);
    await expect(stream).rejects.toBe(reason);
  });

  it('fails when nothing has come in time, whatever comments come', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const upstream = await ScriptedExchange.open();
    const { stream, state } = begin(upstream, { firstByteMs: 1500 });
    for (let passed = 0; passed < 1400; passed += 100) {
      upstream.send(': keep-alive\n\n');
      vi.advanceTimersByTime(100);
      await turn();
    }
    expect(state()).toBe('pending');
    vi.advanceTimersByTime(100);
    await expect(stream).rejects.toMatchObject({
      name: 'TransportError',
      fault: 'timeout',
      message: 'no event within 1.5 seconds',
    });
    expect(upstream.isAborted).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each([
    { name: 'begun', sent: FIRST },
    { name: 'failed', sent: event({ error: 'no' }) },
  ])('leaves no timer once it has $name', async ({ sent }) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const upstream = await ScriptedExchange.open();
    const { state } = begin(upstream);
    expect(vi.getTimerCount()).toBe(1);
    upstream.send(sent);
    await turn();
    expect(state()).not.toBe('pending');
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('RelayedStream, flowing', () => {
  it('hands over everything as it comes, [DONE] with the last bytes', async () => {
    const upstream = await ScriptedExchange.open();
    const { sink, flow, overs } = await flowing(upstream);
    expect(sink.writes).toEqual([FIRST]);
    upstream.send(HELLO);
    await turn();
    expect(sink.writes).toEqual([FIRST, HELLO]);
    upstream.send(FINISH + USAGE + DONE);
    await flow;
    expect(sink.writes).toEqual([FIRST, HELLO, FINISH + USAGE + DONE]);
    expect(sink.isEnded).toBe(true);
    expect(overs).toEqual([undefined]);
    upstream.end();
    expect(upstream.isAborted).toBe(false);
  });

  it('writes once what comes in one turn', async () => {
    const upstream = await ScriptedExchange.open();
    const { sink } = await flowing(upstream);
    upstream.send(HELLO, HELLO, FINISH.slice(0, 9));
    await turn();
    expect(sink.writes).toEqual([FIRST, HELLO + HELLO]);
  });

  it.each([
    { name: 'in one read', sent: [FIRST + HELLO + FINISH + USAGE + DONE] },
    { name: 'in one turn', sent: [FIRST, HELLO, FINISH, USAGE, DONE] },
    { name: 'without [DONE]', sent: [FIRST, HELLO, FINISH, USAGE] },
    { name: 'without the last empty line', sent: [FIRST + HELLO + FINISH + USAGE.trimEnd()] },
    { name: 'with one chunk, without an empty line', sent: [FINISH.trimEnd()] },
  ])('takes an answer that comes $name, ended at once', async ({ sent }) => {
    for (const isEarly of [true, false]) {
      const upstream = await ScriptedExchange.open();
      if (isEarly) upstream.send(...sent).end();
      const { stream, overs } = begin(upstream);
      if (!isEarly) upstream.send(...sent).end();
      const sink = new TestSink();
      await (await stream).flow(sink);
      const whole = sent.join('').replace(DONE, '').trimEnd();
      expect(sink.text).toBe(`${whole}\n\n${DONE}`);
      expect(sink.isEnded).toBe(true);
      expect(overs).toEqual([undefined]);
    }
  });

  it('takes what comes before it flows', async () => {
    const upstream = await ScriptedExchange.open();
    const { stream } = begin(upstream);
    upstream.send(FIRST);
    const begun = await stream;
    upstream.send(HELLO);
    await turn();
    upstream.send(FINISH);
    const sink = new TestSink();
    const flow = begun.flow(sink);
    await turn();
    upstream.send(DONE);
    await flow;
    expect(sink.text).toBe(FIRST + HELLO + FINISH + DONE);
  });

  it.each<{ name: string; over: (upstream: ScriptedExchange) => void; sent: string; outcome: unknown }>([
    { name: 'ended', over: (upstream) => upstream.end(), sent: FINISH, outcome: 'complete' },
    { name: 'broke behind its end', over: (upstream) => upstream.break(), sent: FINISH, outcome: 'complete' },
    {
      name: 'broke',
      over: (upstream) => upstream.break(),
      sent: HELLO,
      outcome: expect.objectContaining({ code: 'upstream_disconnected' }),
    },
    {
      name: 'failed',
      over: (upstream) => void upstream.send(event({ error: { message: 'no', code: 503 } })),
      sent: HELLO,
      outcome: expect.objectContaining({ code: 'overloaded' }),
    },
  ])('takes what comes before it flows, when it has $name by then', async ({ over, sent, outcome }) => {
    const upstream = await ScriptedExchange.open();
    const { stream, overs } = begin(upstream);
    upstream.send(FIRST);
    const begun = await stream;
    upstream.send(sent);
    await turn();
    over(upstream);
    await turn();
    const sink = new TestSink();
    const ended = await begun.flow(sink).then(
      () => 'complete',
      (error: unknown) => error,
    );
    expect(ended).toEqual(outcome);
    expect(sink.text).toBe(FIRST + sent + (outcome === 'complete' ? DONE : ''));
    expect(overs).toHaveLength(1);
  });

  it.each<{ name: string; over: (upstream: ScriptedExchange) => void; failure: object }>([
    {
      name: 'an error event',
      over: (upstream) => void upstream.send(event({ error: { message: 'no', code: 503 } })),
      failure: { code: 'overloaded', message: 'no' },
    },
    {
      name: 'an error in the same read',
      over: (upstream) => void upstream.send(HELLO + event({ error: { message: 'no', code: 503 } }) + HELLO),
      failure: { code: 'overloaded', message: 'no' },
    },
    {
      name: 'an event that is no JSON',
      over: (upstream) => void upstream.send('data: oops\n\n'),
      failure: { code: 'bad_upstream_response' },
    },
    { name: 'an early end', over: (upstream) => upstream.end(), failure: { code: 'upstream_disconnected' } },
    {
      name: 'an early end right behind a chunk',
      over: (upstream) => upstream.send(HELLO).end(),
      failure: { code: 'upstream_disconnected' },
    },
    {
      name: 'a broken connection',
      over: (upstream) => upstream.break(),
      failure: {
        code: 'upstream_disconnected',
        message: 'The upstream mine gave no complete answer: the connection broke (ECONNRESET).',
      },
    },
    {
      name: 'a broken connection right behind a chunk',
      over: (upstream) => upstream.send(HELLO).break(),
      failure: { code: 'upstream_disconnected' },
    },
    {
      name: 'silence',
      over: (upstream) => upstream.break(Object.assign(new Error('x'), { code: 'UND_ERR_BODY_TIMEOUT' })),
      failure: { code: 'timeout' },
    },
  ])('fails for $name, once, behind what came before', async ({ name, over, failure }) => {
    const upstream = await ScriptedExchange.open();
    const { sink, flow, overs } = await flowing(upstream);
    upstream.send(HELLO);
    await turn();
    over(upstream);
    await expect(flow).rejects.toMatchObject({ name: 'GatewayError', ...failure });
    const isWithChunk = /behind|same read/.test(name);
    expect(sink.text).toBe(FIRST + HELLO + (isWithChunk ? HELLO : ''));
    expect(sink.isEnded).toBe(false);
    expect(overs).toHaveLength(1);
    upstream.send(FINISH, DONE);
    await turn();
    expect(sink.text).toBe(FIRST + HELLO + (isWithChunk ? HELLO : ''));
  });

  it('tells what broke it before it becomes an error for clients', async () => {
    const upstream = await ScriptedExchange.open();
    const { flow, overs } = await flowing(upstream);
    upstream.break();
    await expect(flow).rejects.toMatchObject({ code: 'upstream_disconnected' });
    expect(overs).toEqual([expect.objectContaining({ name: 'TransportError', fault: 'reset' })]);
  });

  it('gives the server up when the answer is broken', async () => {
    const upstream = await ScriptedExchange.open();
    const { flow } = await flowing(upstream);
    upstream.send(event({ error: 'no' }));
    await expect(flow).rejects.toThrow('no');
    expect(upstream.isAborted).toBe(true);
  });

  it.each([
    { name: 'broken off', over: (upstream: ScriptedExchange) => upstream.break() },
    { name: 'ended', over: (upstream: ScriptedExchange) => upstream.end() },
  ])('is complete with its finish reason, $name without [DONE]', async ({ over }) => {
    for (const isLater of [true, false]) {
      const upstream = await ScriptedExchange.open();
      const { sink, flow, overs } = await flowing(upstream);
      upstream.send(HELLO, FINISH, USAGE.slice(0, 30));
      if (isLater) await turn();
      over(upstream);
      await flow;
      expect(sink.text).toBe(FIRST + HELLO + FINISH + DONE);
      expect(overs).toEqual([undefined]);
    }
  });

  it('is not complete when the client left, finish reason or not', async () => {
    const left = new AbortController();
    const upstream = await ScriptedExchange.open(left.signal);
    const { sink, flow, overs } = await flowing(upstream);
    upstream.send(FINISH);
    await turn();
    const reason = new GatewayError('cancelled', 'left');
    left.abort(reason);
    await expect(flow).rejects.toBe(reason);
    expect(sink.isEnded).toBe(false);
    expect(overs).toEqual([reason]);
  });

  it('gives up a server that goes on behind [DONE]', async () => {
    const upstream = await ScriptedExchange.open();
    const { flow, sink } = await flowing(upstream);
    upstream.send(FINISH + DONE);
    await flow;
    upstream.send(': still here\n\n');
    expect(upstream.isAborted).toBe(true);
    expect(sink.text).toBe(FIRST + FINISH + DONE);
  });

  it('gives up a server that goes on behind [DONE], also when that came first', async () => {
    const upstream = await ScriptedExchange.open();
    const { stream } = begin(upstream);
    upstream.send(FIRST + FINISH + DONE);
    const sink = new TestSink();
    await (await stream).flow(sink);
    upstream.send(': still here\n\n');
    expect(upstream.isAborted).toBe(true);
    expect(sink.text).toBe(FIRST + FINISH + DONE);
  });

  it('tells the token counts once they have passed', async () => {
    const upstream = await ScriptedExchange.open();
    const { stream } = begin(upstream);
    upstream.send(FIRST);
    const begun = await stream;
    expect(begun.usage()).toBeUndefined();
    const flow = begun.flow(new TestSink());
    upstream.send(FINISH, USAGE, DONE);
    await flow;
    expect(begun.usage()).toEqual(COUNTS);
  });
});

describe('RelayedStream, a client without room', () => {
  it('lets nothing more than one turn’s worth come, and goes on when there is room', async () => {
    const upstream = await ScriptedExchange.open();
    const { sink, flow } = await flowing(upstream);
    sink.hasRoom = false;
    upstream.send(HELLO);
    await turn();
    for (let count = 0; count < 5000; count++) {
      upstream.send(HELLO);
      if (count % 100 === 0) await turn();
    }
    await turn();
    expect(upstream.isPaused).toBe(true);
    // What Parlance holds is about what the exchange lets wait.
    expect(upstream.delivered).toBeLessThan(128 * 1024);
    expect(sink.text.length).toBeLessThan(64 * 1024);
    while (!sink.isEnded) {
      sink.makeRoom();
      await turn();
      if (upstream.delivered > 5000 * HELLO.length && !sink.isEnded) {
        upstream.send(FINISH + DONE);
        await turn();
      }
    }
    await flow;
    expect(sink.text).toBe(FIRST + HELLO.repeat(5001) + FINISH + DONE);
  });

  it('has none from the beginning', async () => {
    const upstream = await ScriptedExchange.open();
    const { stream } = begin(upstream);
    upstream.send(FIRST + HELLO);
    const sink = new TestSink();
    sink.hasRoom = false;
    const flow = (await stream).flow(sink);
    upstream.send(FINISH + DONE).end();
    await turn();
    expect(sink.writes).toEqual([FIRST + HELLO]);
    sink.makeRoom();
    await flow;
    expect(sink.text).toBe(FIRST + HELLO + FINISH + DONE);
  });

  it('that leaves ends it', async () => {
    const left = new AbortController();
    const upstream = await ScriptedExchange.open(left.signal);
    const { sink, flow, overs } = await flowing(upstream);
    sink.hasRoom = false;
    upstream.send(HELLO);
    await turn();
    upstream.send(HELLO, HELLO);
    await turn();
    const reason = new GatewayError('cancelled', 'left');
    left.abort(reason);
    await expect(flow).rejects.toBe(reason);
    expect(overs).toEqual([reason]);
    expect(upstream.isAborted).toBe(true);
  });

  it('does not keep the server’s connection when the answer is complete', async () => {
    const upstream = await ScriptedExchange.open();
    const { sink, flow } = await flowing(upstream);
    upstream.send(HELLO);
    await turn();
    sink.hasRoom = false;
    upstream.send(HELLO);
    await turn();
    upstream.send(FINISH + DONE);
    await flow;
    upstream.send(Buffer.alloc(200_000));
    expect(upstream.isPaused).toBe(false);
    expect(sink.isEnded).toBe(true);
  });
});

describe('RelayedStream, an answer that is checked', () => {
  it('is complete when the check has passed', async () => {
    const upstream = await ScriptedExchange.open();
    const check = Promise.withResolvers<void>();
    const { sink, flow, overs, outcome } = await flowing(upstream, { verify: () => check.promise });
    upstream.send(HELLO, FINISH, DONE);
    await turn();
    expect(sink.text).toBe(FIRST + HELLO + FINISH);
    expect(sink.isEnded).toBe(false);
    expect(outcome()).toBe('pending');
    expect(overs).toEqual([]);
    check.resolve();
    await flow;
    expect(sink.text).toBe(FIRST + HELLO + FINISH + DONE);
    expect(overs).toEqual([undefined]);
  });

  it('is not complete when it has not', async () => {
    const upstream = await ScriptedExchange.open();
    const failure = new GatewayError('schema_mismatch', 'no');
    const { sink, flow, overs } = await flowing(upstream, { verify: () => Promise.reject(failure) });
    upstream.send(HELLO, FINISH, DONE);
    await expect(flow).rejects.toBe(failure);
    expect(sink.text).toBe(FIRST + HELLO + FINISH);
    expect(sink.isEnded).toBe(false);
    expect(overs).toEqual([failure]);
  });

  it('is not checked when it has failed', async () => {
    const upstream = await ScriptedExchange.open();
    const verify = vi.fn<() => Promise<void>>(() => Promise.resolve());
    const { flow } = await flowing(upstream, { verify });
    upstream.break();
    await expect(flow).rejects.toMatchObject({ code: 'upstream_disconnected' });
    expect(verify).not.toHaveBeenCalled();
  });
});
