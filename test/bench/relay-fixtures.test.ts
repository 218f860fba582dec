import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkCompletion, checkStream } from '../../bench/check-answer.ts';
import {
  ANSWER_TOKENS,
  GATEWAY_PIECES,
  gatewayRequest,
  PROMPT_TOKENS,
} from '../../bench/gateway-fixtures.ts';
import {
  type AnswerOrder,
  completionText,
  modelListText,
  numberedPiece,
  NumberedPieceReader,
  orderText,
  pieceEvents,
  readOrder,
  SERVED_MODEL,
  sharedMicroseconds,
} from '../../bench/relay-fixtures.ts';

const EXPECTED = {
  pieces: GATEWAY_PIECES,
  promptTokens: PROMPT_TOKENS,
  answerTokens: ANSWER_TOKENS,
  model: SERVED_MODEL,
};

describe('the answers', () => {
  it('are complete as a stream', () => {
    const body = Buffer.from(pieceEvents().join(''));
    expect(pieceEvents()).toHaveLength(GATEWAY_PIECES.length);
    expect(checkStream({ status: 200, body }, EXPECTED)).toBeUndefined();
  });

  it('are complete as one body', () => {
    const body = Buffer.from(completionText());
    expect(checkCompletion({ status: 200, body }, EXPECTED)).toBeUndefined();
  });

  it('name the model in the list', () => {
    const { data } = JSON.parse(modelListText()) as { data: { id: string }[] };
    expect(data.map(({ id }) => id)).toEqual([SERVED_MODEL]);
  });
});

describe('orders', () => {
  it.each<AnswerOrder>([
    { kind: 'paced', pieces: 200, everyMs: 20 },
    { kind: 'large', bytes: 50_000_000 },
  ])('travel in a request: %j', (order) => {
    expect(readOrder(gatewayRequest({ stream: true, user: orderText(order) }))).toEqual(order);
  });

  it('are absent from the usual request', () => {
    expect(readOrder(gatewayRequest({ stream: true }))).toBeUndefined();
  });
});

describe('numbered pieces', () => {
  it('are found once and in order, however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(2 ** 40), { maxLength: 6 }),
        fc.array(fc.nat(400), { maxLength: 12 }),
        (times, cuts) => {
          const text = times
            .map((sentAt, at) => `data: {"content":"${numberedPiece(at, sentAt)}"}\n\n`)
            .join('');
          const bytes = Buffer.from(text);
          const reader = new NumberedPieceReader();
          const ends = [...cuts, bytes.length].toSorted((left, right) => left - right);
          const found = ends.flatMap((end, at) => reader.push(bytes.subarray(ends[at - 1] ?? 0, end)));
          expect(found).toEqual(times.map((sentAt, number) => ({ number, sentAt })));
        },
      ),
    );
  });

  it('are all of one length and need no escaping', () => {
    const pieces = [numberedPiece(0, 0), numberedPiece(9_999_999, sharedMicroseconds())];
    expect(new Set(pieces.map((piece) => piece.length)).size).toBe(1);
    for (const piece of pieces) expect(JSON.stringify(piece)).toBe(`"${piece}"`);
  });
});
