/** What a client is told when a model server fails, and that another one takes over. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FORMS, type ReadAnswer, readAnswer } from '../gemini/fixture.ts';
import { bodyAnswer, completion, errorAnswer, INVALID_UTF8, sseAnswer } from '../support/faulty-answers.ts';
import { type Fault, FAULTS } from './fault-table.ts';
import { answerFirst, chat, loadOf, nameOf, type RelayPlace, startPlace, totalLoadOf } from './fixture.ts';

const IN_A_BLINK = { first_byte_timeout_ms: 100, idle_timeout_ms: 100 };
const NO_CIRCUIT = { circuit: { failures: 1000 } };

const QUICK = FAULTS.filter(({ isSlow = false }) => !isSlow);
const SLOW = FAULTS.filter(({ isSlow = false }) => isSlow);

const codesOf = ({ code, streamCode }: Fault, stream: boolean): readonly string[] =>
  [(stream ? streamCode : undefined) ?? code].flat();

/** Places that many tests use, one after the other. */
let one: RelayPlace;
let two: RelayPlace;
const cleanUps: (() => Promise<void>)[] = [];

const onFinished = (cleanUp: () => Promise<void>): void => {
  cleanUps.push(cleanUp);
};

beforeAll(async () => {
  one = await startPlace({ upstream: { ...NO_CIRCUIT, retries: 0 }, onFinished });
  two = await startPlace({ replicas: 2, upstream: NO_CIRCUIT, onFinished });
});
afterAll(async () => {
  for (const cleanUp of cleanUps) await cleanUp();
});

/** Sends a request of which the first attempt fails. */
async function meet(
  { servers, relay }: RelayPlace,
  fault: Fault,
  stream: boolean,
): Promise<{ answer: ReadAnswer; asked: number[]; passedOver: string | null }> {
  const before = loadOf(servers);
  answerFirst(servers, fault.answer(stream));
  const answer = await readAnswer(await relay.post(chat({ stream })));
  return {
    answer,
    asked: loadOf(servers).map((load, index) => load - before[index]!),
    passedOver: answer.headers.get('x-parlance-passed-over'),
  };
}

describe.each(FORMS)('a $form answer', ({ stream }) => {
  const whatIsSaid = { status: 200, content: 'Hello there.', error: undefined, isDone: stream };

  it.each(QUICK)('that begins with $name fails, once all are asked', async (fault) => {
    const { answer, asked, passedOver } = await meet(one, fault, stream);
    expect(answer.status).toBe(fault.status);
    expect(codesOf(fault, stream)).toContain(answer.error?.code);
    expect(answer.error?.message).toMatch(fault.says ?? /./);
    expect(passedOver).toMatch(new RegExp(`^${nameOf(one.servers[0]!)} [^;]+$`));
    expect(asked).toEqual([1]);
  });

  it.each(QUICK)('comes from another replica after $name', async (fault) => {
    const { answer, asked, passedOver } = await meet(two, fault, stream);
    expect(answer).toMatchObject(whatIsSaid);
    const replica = answer.headers.get('x-parlance-replica');
    const failed = two.servers.find((server) => nameOf(server) !== replica);
    expect(passedOver).toMatch(new RegExp(`^${nameOf(failed!)} [^;]+$`));
    expect(asked).toEqual([1, 1]);
  });

  it.concurrent.for(SLOW)(
    'that begins with $name fails, once all are asked',
    async (fault, { onTestFinished }) => {
      const place = await startPlace({ upstream: { ...IN_A_BLINK, retries: 0 }, onFinished: onTestFinished });
      const { answer, asked } = await meet(place, fault, stream);
      expect([answer.status, answer.error?.code]).toEqual([fault.status, fault.code]);
      expect(asked).toEqual([1]);
    },
  );

  it.concurrent.for(SLOW)('comes from another replica after $name', async (fault, { onTestFinished }) => {
    const place = await startPlace({ replicas: 2, upstream: IN_A_BLINK, onFinished: onTestFinished });
    const { answer, asked } = await meet(place, fault, stream);
    expect(answer).toMatchObject(whatIsSaid);
    expect(asked).toEqual([1, 1]);
  });

  it('comes from another replica when one refuses connections', async () => {
    const { servers, relay } = await startPlace({ replicas: 2 });
    await servers[0]!.stop();
    const answers = await Promise.all(
      Array.from({ length: 10 }, async () => readAnswer(await relay.post(chat({ stream })))),
    );
    expect(answers.map(({ content }) => content)).toEqual(Array.from({ length: 10 }, () => 'Hello there.'));
    expect(new Set(answers.map(({ headers }) => headers.get('x-parlance-replica')))).toEqual(
      new Set([nameOf(servers[1]!)]),
    );
  });

  it.each([400, 401, 403, 404, 409, 413, 422, 501])(
    'is refused by one replica for all: %i',
    async (status) => {
      const { servers, relay } = two;
      const before = totalLoadOf(servers);
      for (const server of servers) server.respond = () => errorAnswer(status);
      const response = await relay.post(chat({ stream }));
      expect(response.status).toBe(status === 422 ? 400 : status);
      expect(response.headers.has('x-parlance-passed-over')).toBe(false);
      expect(totalLoadOf(servers)).toBe(before + 1);
    },
  );

  it('keeps characters whole where the server wrote bytes that are none', async () => {
    const { servers, relay } = one;
    const [before, after] = JSON.stringify(completion({ content: 'a#b' })).split('#');
    const body = Buffer.concat([Buffer.from(before!), INVALID_UTF8, Buffer.from(after!)]);
    const event = Buffer.concat([
      Buffer.from(`data: {"choices":[{"index":0,"delta":{"content":"a`),
      INVALID_UTF8,
      Buffer.from(`b"},"finish_reason":"stop"}]}\n\n`),
    ]);
    servers[0]!.queue(
      stream
        ? sseAnswer([event, '[DONE]'])
        : bodyAnswer(body, { headers: { 'content-type': 'application/json' } }),
    );
    const { content, isDone } = await readAnswer(await relay.post(chat({ stream })));
    expect({ content, isDone }).toEqual({ content: 'a\u{FFFD}(b', isDone: stream });
  });
});
