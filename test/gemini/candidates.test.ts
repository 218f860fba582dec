/** Several choices in one answer, where the model writes several and where it writes one. */
import { describe, expect, it } from 'vitest';
import { errorAnswer, HANG, streamedAnswer } from '../support/gemini-answers.ts';
import { message, stop } from '../translate/events/gemini-messages.ts';
import { chat, FORMS, readAnswer, saying, startPair, text, usageMetadata } from './fixture.ts';

describe('several choices from a model that writes one', () => {
  const oneOnly = errorAnswer({
    code: 400,
    status: 'INVALID_ARGUMENT',
    message: 'Multiple candidates is not enabled for this model',
  });

  it.each(FORMS)('are $form answers to parallel requests', async ({ stream }) => {
    let asked = 0;
    const { upstream, server } = await startPair({}, (request) => {
      if (request.body.generationConfig?.candidateCount !== undefined) return oneOnly;
      const number = asked++;
      return saying(text('Answer '), { ...message([{ text: String(number) }], stop), usageMetadata })(
        request,
      );
    });
    const answer = await readAnswer(
      await server.post(chat({ n: 3, stream, stream_options: { include_usage: true } })),
    );
    const contents = new Map<number, string>();
    const reasons = new Map<number, string | null>();
    for (const { index, message: whole, finish_reason: reason } of answer.completion.choices ?? []) {
      contents.set(index, whole.content ?? '');
      reasons.set(index, reason);
    }
    for (const { index, delta, finish_reason: reason } of answer.chunks.flatMap(({ choices }) => choices)) {
      contents.set(index, (contents.get(index) ?? '') + (delta.content ?? ''));
      reasons.set(index, reason);
    }
    expect(new Set(contents.keys())).toEqual(new Set([0, 1, 2]));
    expect([...contents.values()].toSorted()).toEqual(['Answer 0', 'Answer 1', 'Answer 2']);
    expect([...reasons.values()]).toEqual(['stop', 'stop', 'stop']);
    const usages = stream ? answer.chunks.flatMap(({ usage }) => usage ?? []) : [answer.completion.usage];
    expect(usages).toMatchObject([{ prompt_tokens: 18, completion_tokens: 12, total_tokens: 30 }]);
    expect(new Set(answer.chunks.map(({ id }) => id)).size).toBeLessThan(2);
    expect(upstream.requests).toHaveLength(4);
  });

  it.each(FORMS)('fail together when one fails, and the others are given up ($form)', async ({ stream }) => {
    const { upstream, server } = await startPair(
      { backend: { timeouts: { answerMs: 60_000, firstByteMs: 60_000, idleMs: 60_000 } } },
      ({ body }) => {
        if (body.generationConfig?.candidateCount !== undefined) return oneOnly;
        if (upstream.requests.length === 4)
          return errorAnswer({ code: 403, status: 'PERMISSION_DENIED', message: 'denied' });
        return upstream.requests.length === 3
          ? HANG
          : { ...streamedAnswer([]), steps: [...streamedAnswer([text('A')]).steps, 'hang'] };
      },
    );
    expect((await server.post(chat({ n: 3, stream }))).status).toBe(403);
    const [, ...candidates] = upstream.requests;
    expect(await Promise.all(candidates.map(({ over }) => over))).toEqual([false, false, true]);
  });

  it('fail together when one breaks off, and the others are given up', async () => {
    const { upstream, server } = await startPair(
      { backend: { timeouts: { answerMs: 60_000, firstByteMs: 60_000, idleMs: 60_000 } } },
      ({ body }) => {
        if (body.generationConfig?.candidateCount !== undefined) return oneOnly;
        const end = upstream.requests.length === 2 ? 'reset' : 'hang';
        return { ...streamedAnswer([]), steps: [...streamedAnswer([text('A')]).steps, end] };
      },
    );
    const { error, isDone } = await readAnswer(await server.post(chat({ n: 2, stream: true })));
    expect({ code: error?.code, isDone }).toEqual({ code: 'upstream_disconnected', isDone: false });
    expect(await upstream.last.over).toBe(false);
  });

  it('are refused as the model does it, where they must not be emulated', async () => {
    const { upstream, server } = await startPair({ backend: { emulateCandidates: false } }, () => oneOnly);
    const { status, error } = await readAnswer(await server.post(chat({ n: 2 })));
    expect(status).toBe(400);
    expect(error).toMatchObject({
      code: 'unsupported_parameter',
      message: 'Multiple candidates is not enabled for this model',
    });
    expect(upstream.requests).toHaveLength(1);
  });

  it('come in one answer from a model that can', async () => {
    const candidates = [0, 1].map((index) => ({
      index,
      content: { role: 'model', parts: [{ text: `${index}` }] },
      finishReason: 'STOP',
    }));
    const { upstream, server } = await startPair({}, saying({ candidates, usageMetadata }));
    const { completion } = await readAnswer(await server.post(chat({ n: 2 })));
    expect(completion.choices.map(({ index, message: { content } }) => [index, content])).toEqual([
      [0, '0'],
      [1, '1'],
    ]);
    expect(upstream.last.body.generationConfig?.candidateCount).toBe(2);
  });
});
