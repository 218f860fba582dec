import { describe, expect, it } from 'vitest';
import { collectBody } from '../../../../src/backends/openai-compatible/answer/collect-body.ts';
import { LongAnswer } from '../../../../src/backends/openai-compatible/answer/long-answer.ts';
import { GatewayError } from '../../../../src/errors.ts';
import { ScriptedExchange } from '../../../upstream/scripted-exchange.ts';
import { COUNTS } from './chunks.ts';
import { TestSink, turn } from './test-sink.ts';

const LONG = JSON.stringify({
  id: '1',
  model: 'served',
  choices: [
    { index: 0, message: { content: '"model":"served" \\ größe '.repeat(5000) }, finish_reason: 'stop' },
  ],
  usage: COUNTS,
});

interface Flowing {
  readonly answer: LongAnswer;
  readonly sink: TestSink;
  readonly flow: Promise<void>;
  readonly overs: unknown[];
}

/** A long answer, its first bytes read already, that flows into a sink. */
function flowing(upstream: ScriptedExchange, head: string, hasRoom = true): Flowing {
  const overs: unknown[] = [];
  const answer = new LongAnswer(Buffer.from(head), upstream.body, {
    upstream: 'mine',
    asked: 'my "größe"',
    onOver: (failure) => {
      overs.push(failure);
    },
  });
  const sink = new TestSink();
  sink.hasRoom = hasRoom;
  const flow = answer.flow(sink);
  return { answer, sink, flow, overs };
}

describe('LongAnswer', () => {
  it('flows, with the name exchanged and the counts remembered', async () => {
    const upstream = await ScriptedExchange.open();
    const { answer, sink, flow, overs } = flowing(upstream, LONG.slice(0, 1000));
    expect(answer.format).toBe('json');
    expect(answer.usage()).toBeUndefined();
    for (let at = 1000; at < LONG.length; at += 7777) upstream.send(LONG.slice(at, at + 7777));
    upstream.end();
    await flow;
    expect(sink.text).toBe(LONG.replace('"model":"served"', String.raw`"model":"my \"größe\""`));
    expect(sink.isEnded).toBe(true);
    expect(answer.usage()).toEqual(COUNTS);
    expect(overs).toEqual([undefined]);
    expect(upstream.isAborted).toBe(false);
  });

  it('takes a body that has ended before it flows, and bytes one by one', async () => {
    const upstream = await ScriptedExchange.open();
    const short = `{"model":"served","usage":${JSON.stringify(COUNTS)}}\n`;
    upstream.send(...Array.from(short.slice(12))).end();
    const { sink, flow, answer } = flowing(upstream, short.slice(0, 12));
    await flow;
    expect(sink.text).toBe(short.replace('served', String.raw`my \"größe\"`));
    expect(answer.usage()).toEqual(COUNTS);
  });

  it('leaves the name where the client wrote none', async () => {
    const upstream = await ScriptedExchange.open();
    upstream.end();
    const answer = new LongAnswer(Buffer.from(LONG), upstream.body, {
      upstream: 'mine',
      asked: undefined,
      onOver: () => {},
    });
    const sink = new TestSink();
    await answer.flow(sink);
    expect(sink.text).toBe(LONG);
  });

  it.each([
    ['null', '{"usage":null}'],
    ['a number', '{"usage":1}'],
    ['nothing', '{}'],
    ['no JSON', '{"usage":{oops}}'],
    ['too long', `{"usage":"${'x'.repeat(100_000)}"}`],
  ])('has no counts where they are %s', async (_, text) => {
    const upstream = await ScriptedExchange.open();
    upstream.end();
    const { answer, flow } = flowing(upstream, text);
    await flow;
    expect(answer.usage()).toBeUndefined();
  });

  it('pauses the server while the client has no room', async () => {
    const upstream = await ScriptedExchange.open();
    const { sink, flow } = flowing(upstream, LONG.slice(0, 100), false);
    for (let at = 100; at < LONG.length; at += 10_000) upstream.send(LONG.slice(at, at + 10_000));
    upstream.end();
    await turn();
    // The head was written before anybody could know.
    expect(sink.writes).toHaveLength(1);
    expect(upstream.isPaused).toBe(true);
    expect(upstream.delivered).toBeLessThan(80_000);
    sink.makeRoom();
    await flow;
    expect(JSON.parse(sink.text)).toMatchObject({ model: 'my "größe"', usage: COUNTS });
    expect(sink.isEnded).toBe(true);
  });

  it('writes one piece each time there is room', async () => {
    const upstream = await ScriptedExchange.open();
    const { sink, flow } = flowing(upstream, '{"a":[', false);
    upstream.send('1,', '2,', '3]}').end();
    for (const written of [1, 2, 3]) {
      expect(sink.writes).toHaveLength(written);
      expect(sink.waiting).toBe(1);
      sink.makeRoom(false);
    }
    sink.makeRoom();
    await flow;
    expect(sink.writes).toEqual(['{"a":[', '1,', '2,', '3]}']);
  });

  it.each<{ name: string; over: (upstream: ScriptedExchange) => void; failure: object; told: object }>([
    {
      name: 'ends too early',
      over: (upstream) => upstream.send(LONG.slice(100, -1)).end(),
      failure: {
        code: 'upstream_disconnected',
        message: 'The upstream mine ended its answer before it was complete.',
      },
      told: { code: 'upstream_disconnected' },
    },
    {
      name: 'breaks',
      over: (upstream) => upstream.send(LONG.slice(100, 500)).break(),
      failure: { code: 'upstream_disconnected' },
      told: { name: 'TransportError', fault: 'reset' },
    },
  ])('that $name is broken, once', async ({ over, failure, told }) => {
    const upstream = await ScriptedExchange.open();
    const { sink, flow, overs } = flowing(upstream, LONG.slice(0, 100));
    over(upstream);
    await expect(flow).rejects.toMatchObject({ name: 'GatewayError', ...failure });
    expect(sink.isEnded).toBe(false);
    expect(overs).toEqual([expect.objectContaining(told)]);
  });

  it.each([true, false])('ends when the client leaves, with room: %s', async (hasRoom) => {
    const left = new AbortController();
    const upstream = await ScriptedExchange.open(left.signal);
    const { flow, overs } = flowing(upstream, LONG.slice(0, 100), hasRoom);
    upstream.send(LONG.slice(100, 500), LONG.slice(500, 600));
    const reason = new GatewayError('cancelled', 'left');
    left.abort(reason);
    await expect(flow).rejects.toBe(reason);
    expect(overs).toEqual([reason]);
    expect(upstream.isAborted).toBe(true);
  });

  it.each(['<html>Bad gateway</html>', '', '[]', '"x"', 'data: {}'])('is not made of %j', async (head) => {
    const upstream = await ScriptedExchange.open();
    expect(() => flowing(upstream, head)).toThrow(
      expect.objectContaining({
        code: 'bad_upstream_response',
        message: expect.stringContaining('something that is not a chat completion') as string,
      }) as Error,
    );
    expect(upstream.isAborted).toBe(true);
  });
});

describe('collectBody', () => {
  it.each([
    { name: 'nothing', sent: [], whole: '' },
    { name: 'one piece', sent: ['hello'], whole: 'hello' },
    { name: 'several', sent: ['he', 'll', 'o'], whole: 'hello' },
    { name: 'as much as the limit', sent: ['0123', '456789'], whole: '0123456789' },
  ])('$name', async ({ sent, whole }) => {
    const early = await ScriptedExchange.open();
    early.send(...sent).end();
    expect(await collectBody(early.body, 10)).toEqual({ bytes: Buffer.from(whole), isWhole: true });
    const late = await ScriptedExchange.open();
    const collected = collectBody(late.body, 10);
    late.send(...sent).end();
    expect(await collected).toEqual({ bytes: Buffer.from(whole), isWhole: true });
  });

  it('stops behind the limit, and leaves the rest to the next receiver', async () => {
    const upstream = await ScriptedExchange.open();
    upstream.send('01234', '567890', 'rest');
    const { bytes, isWhole } = await collectBody(upstream.body, 10);
    expect(bytes.toString()).toBe('01234567890');
    expect(isWhole).toBe(false);
    const next = collectBody(upstream.body, 10);
    upstream.send('!').end();
    expect(await next).toEqual({ bytes: Buffer.from('rest!'), isWhole: true });
  });

  it.each([true, false])('fails when it breaks off (at once: %s)', async (isEarly) => {
    const upstream = await ScriptedExchange.open();
    upstream.send('0');
    if (isEarly) upstream.break();
    const collected = collectBody(upstream.body, 10);
    if (!isEarly) upstream.break();
    await expect(collected).rejects.toMatchObject({ name: 'TransportError', fault: 'reset' });
  });

  it('fails with the signal', async () => {
    const left = new AbortController();
    const upstream = await ScriptedExchange.open(left.signal);
    const collected = collectBody(upstream.body, 10);
    const reason = new Error('left');
    left.abort(reason);
    await expect(collected).rejects.toBe(reason);
  });
});
