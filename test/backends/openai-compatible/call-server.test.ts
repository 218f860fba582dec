import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LongAnswer } from '../../../src/backends/openai-compatible/answer/long-answer.ts';
import { callForStream, callForWhole } from '../../../src/backends/openai-compatible/call-server.ts';
import type { ByteSink, FlowingAnswer } from '../../../src/backends/relayed-answer.ts';
import { NO_MEDIA } from '../../../src/media/held-media.ts';
import { GatewayError } from '../../../src/errors.ts';
import { replicaAddresses } from '../../../src/upstream/replicas/replica-address.ts';
import type { Lease, Replica, ReplicaState } from '../../../src/upstream/replicas/replica.ts';
import {
  type Answer,
  chunks,
  completion,
  errorAnswer,
  head,
  jsonAnswer,
  sseAnswer,
} from '../../support/faulty-answers.ts';
import { FaultyServer } from '../../support/faulty-server.ts';
import { openConnection } from './open-connection.ts';

const connection = openConnection();

let server: FaultyServer;
let client: AbortController;

beforeEach(async () => {
  server = await FaultyServer.start();
  client = new AbortController();
});
afterEach(() => server.stop());

/** Writes down what is done with it. */
class NotedLease implements Lease {
  readonly notes: string[] = [];
  readonly replica: Replica;

  constructor(state: ReplicaState = 'up') {
    const [address] = replicaAddresses([`${server.url}/v1`]);
    this.replica = { ...address!, state, lastFailure: undefined, inFlight: 1 };
  }

  stir(): void {}

  succeed(): void {
    this.notes.push('succeed');
  }

  fail(reason: string, fault: string): void {
    this.notes.push(`fail ${fault}: ${reason}`);
  }

  release(): void {
    this.notes.push('release');
  }
}

/** Takes everything, unless it has no room. */
class Sink implements ByteSink {
  text = '';
  isEnded = false;
  readonly #hasRoom: boolean;

  constructor({ hasRoom }: { hasRoom: boolean } = { hasRoom: true }) {
    this.#hasRoom = hasRoom;
  }

  write(bytes: Buffer): boolean {
    this.text += bytes.toString();
    return this.#hasRoom;
  }

  onRoom(): void {}

  end(bytes: Buffer): void {
    this.text += bytes.toString();
    this.isEnded = true;
  }
}

const call = () => ({
  connection,
  upstream: 'up',
  body: '{}',
  media: NO_MEDIA,
  requestId: 'req-1',
  clientCredential: undefined,
  signal: client.signal,
  asked: 'mine',
  firstByteMs: 5000,
  isChecked: false,
});

/** What is thrown; `undefined` when nothing is. */
const failureOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

async function stream(answer: Answer, lease: Lease): Promise<FlowingAnswer> {
  server.queue(answer);
  return (await callForStream(call(), lease)).answer;
}

async function longAnswer(answer: Answer, lease: Lease): Promise<FlowingAnswer> {
  server.queue(answer);
  const whole = await callForWhole(call(), lease);
  if (!(whole instanceof LongAnswer)) throw new Error('the answer is not long');
  return whole;
}

const LONG = { ...completion({ content: 'x'.repeat(1_500_000) }) };

describe('a call for a whole answer', () => {
  it('gives the lease back with the answer', async () => {
    const lease = new NotedLease();
    server.queue(jsonAnswer(completion()));
    expect(await callForWhole(call(), lease)).toMatchObject({ value: completion() });
    expect(lease.notes).toEqual(['succeed', 'release']);
  });

  it.each<[name: string, answer: Answer]>([
    ['an error', errorAnswer(500)],
    ['a broken connection', ['reset']],
    ['no completion', jsonAnswer({})],
    ['a stream', sseAnswer(chunks())],
  ])('leaves the lease to its caller after %s', async (_, answer) => {
    const lease = new NotedLease();
    server.queue(answer);
    expect(await failureOf(callForWhole(call(), lease))).toBeInstanceOf(Error);
    expect(lease.notes).toEqual([]);
  });

  it('refuses a long answer that is to be checked', async () => {
    const lease = new NotedLease();
    server.queue(jsonAnswer(completion({ content: 'x'.repeat(9_000_000) })));
    const failure = await failureOf(callForWhole({ ...call(), isChecked: true }, lease));
    expect(failure).toMatchObject({ code: 'schema_mismatch', param: 'response_format', shouldRetry: false });
    await server.last.closed;
    expect(lease.notes).toEqual([]);
  });
});

describe.each([
  {
    form: 'a stream',
    start: stream,
    good: () => sseAnswer(chunks()),
    cut: () => sseAnswer([chunks()[0]!], { ending: 'reset' }),
  },
  {
    form: 'a long answer',
    start: longAnswer,
    good: () => jsonAnswer(LONG),
    cut: () => [
      ...jsonAnswer(LONG, { headers: { 'content-length': '9000000' } }),
      { wait: 30 },
      'reset' as const,
    ],
  },
])('a call for $form', ({ start, good, cut }) => {
  it('gives the lease back at its end', async () => {
    const lease = new NotedLease();
    const answer = await start(good(), lease);
    expect(lease.notes).toEqual([]);
    const sink = new Sink();
    await answer.flow(sink);
    expect(sink.isEnded).toBe(true);
    expect(lease.notes).toEqual(['succeed', 'release']);
  });

  it('says at once that a replica which was down is back', async () => {
    const lease = new NotedLease('down');
    const answer = await start(good(), lease);
    expect(lease.notes).toEqual(['succeed']);
    await answer.flow(new Sink());
    expect(lease.notes).toEqual(['succeed', 'succeed', 'release']);
  });

  it('tells of an answer that breaks off', async () => {
    const lease = new NotedLease();
    const answer = await start(cut(), lease);
    const sink = new Sink();
    expect(await failureOf(answer.flow(sink))).toMatchObject({ code: 'upstream_disconnected' });
    expect(sink.isEnded).toBe(false);
    expect(lease.notes).toEqual([expect.stringMatching(/^fail failed: the connection broke/), 'release']);
  });

  it('gives the lease back when the client leaves, and says nothing of the replica', async () => {
    const lease = new NotedLease();
    const answer = await start(cut().slice(0, -1), lease);
    const flowing = failureOf(answer.flow(new Sink()));
    const gone = new GatewayError('cancelled', 'The client left.');
    client.abort(gone);
    expect(await flowing).toBe(gone);
    expect(lease.notes[0]).toBe('release');
    await server.last.closed;
  });

  it.each([
    { name: 'before the end', answer: () => cut().slice(0, -1) },
    { name: 'when all has come', answer: () => good() },
    { name: 'when the connection has broken', answer: () => cut() },
  ])('gives the lease back when a client without room leaves $name', async ({ answer }) => {
    const lease = new NotedLease();
    const flowing = await start(answer(), lease);
    void failureOf(flowing.flow(new Sink({ hasRoom: false })));
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
    client.abort(new GatewayError('cancelled', 'The client left.'));
    await expect.poll(() => lease.notes.at(-1)).toBe('release');
  });
});

const error = (code: number): string => JSON.stringify({ error: { message: 'it died', code } });

describe('a call for a stream', () => {
  const [first = ''] = chunks();

  it.each<[name: string, answer: Answer, note: string]>([
    ['an end that comes too early', sseAnswer([first]), 'fail failed: 502 upstream_disconnected'],
    ['an error of the server', sseAnswer([first, error(500)]), 'fail failed: 500 internal_error'],
    ['an error that is a refusal', sseAnswer([first, error(400)]), 'succeed'],
    ['nonsense', sseAnswer([first, '{"id":']), 'fail failed: 502 bad_upstream_response'],
  ])('that breaks off with %s says so of the replica', async (_, answer, note) => {
    const lease = new NotedLease();
    const flowing = await stream(answer, lease);
    expect(await failureOf(flowing.flow(new Sink()))).toBeInstanceOf(GatewayError);
    expect(lease.notes).toEqual([note, 'release']);
  });

  it('whose answer does not match its schema says nothing against the replica', async () => {
    const lease = new NotedLease();
    const mismatch = new GatewayError('schema_mismatch', 'It does not match.');
    server.queue(sseAnswer(chunks()));
    const { answer } = await callForStream({ ...call(), verify: () => Promise.reject(mismatch) }, lease);
    expect(await failureOf(answer.flow(new Sink()))).toBe(mismatch);
    expect(lease.notes).toEqual(['succeed', 'release']);
  });

  it.each<[name: string, answer: Answer]>([
    ['an error', errorAnswer(500)],
    ['an error as the first event', sseAnswer([error(500)])],
    ['an end before the first event', sseAnswer([])],
    ['a broken connection', sseAnswer([], { ending: 'reset' })],
    ['one object', jsonAnswer(completion())],
  ])('leaves the lease to its caller after %s', async (_, answer) => {
    const lease = new NotedLease();
    server.queue(answer);
    expect(await failureOf(callForStream(call(), lease))).toBeInstanceOf(Error);
    expect(lease.notes).toEqual([]);
  });

  it('waits for the first event no longer than for the beginning', async () => {
    server.queue(sseAnswer([], { ending: 'hang' }));
    expect(await failureOf(callForStream({ ...call(), firstByteMs: 100 }, new NotedLease()))).toMatchObject({
      fault: 'timeout',
      message: expect.stringMatching(/^no event within/),
    });
  });

  it('says which model answers', async () => {
    server.queue(sseAnswer(chunks({ model: 'served' })));
    const { answer, model } = await callForStream(call(), new NotedLease());
    const sink = new Sink();
    await answer.flow(sink);
    expect(model).toBe('served');
    expect(sink.text).toContain('"model":"mine"');
    expect(sink.text).not.toContain('served');
  });

  it('takes no answer for a stream that is compressed', async () => {
    server.queue([
      head(200, { 'content-type': 'text/event-stream', 'content-encoding': 'br', 'content-length': '0' }),
    ]);
    expect(await failureOf(callForStream(call(), new NotedLease()))).toMatchObject({
      code: 'bad_upstream_response',
      message: 'The upstream up compressed its answer (br), which nobody asked for.',
    });
  });
});
