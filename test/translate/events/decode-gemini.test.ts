import { describe, expect, it } from 'vitest';
import { GeminiDecoder } from '../../../src/translate/events/decode-gemini.ts';
import { BLOCKED_COMPLETION, BLOCKED_PROMPT } from './blocked-prompt.ts';
import { call, choiceOf, decoded, message, stop } from './gemini-messages.ts';
import { foldOf, renderOptions, streamOf } from './render-fixture.ts';

describe('finish reasons (contract 9.3)', () => {
  const text = { text: 'So far' };
  it.each([
    ['STOP', 'stop'],
    ['MAX_TOKENS', 'length'],
    ['SAFETY', 'content_filter'],
    ['RECITATION', 'content_filter'],
    ['BLOCKLIST', 'content_filter'],
    ['PROHIBITED_CONTENT', 'content_filter'],
    ['SPII', 'content_filter'],
    ['MODEL_ARMOR', 'content_filter'],
    ['IMAGE_SAFETY', 'content_filter'],
    ['IMAGE_PROHIBITED_CONTENT', 'content_filter'],
    ['IMAGE_RECITATION', 'content_filter'],
    ['LANGUAGE', 'stop'],
    ['OTHER', 'stop'],
    ['IMAGE_OTHER', 'stop'],
    ['NO_IMAGE', 'stop'],
    ['FINISH_REASON_UNSPECIFIED', 'stop'],
    ['A_FUTURE_REASON', 'stop'],
    ['MALFORMED_FUNCTION_CALL', 'stop'],
    ['UNEXPECTED_TOOL_CALL', 'stop'],
    ['TOO_MANY_TOOL_CALLS', 'stop'],
    ['MALFORMED_RESPONSE', 'stop'],
    ['MISSING_THOUGHT_SIGNATURE', 'stop'],
  ])('%s beside text is %s, a plain enum value (B3)', (finishReason, finish) => {
    const {
      finish_reason: reason,
      message: answer,
      extra_content: extra,
    } = choiceOf([message([text], { finishReason, finishMessage: 'Because.' })]);
    const isBlocked = finish === 'content_filter';
    expect(reason).toBe(finish);
    expect(answer).toEqual({
      role: 'assistant',
      content: 'So far',
      refusal: isBlocked ? `Response blocked: ${finishReason}. Because.` : null,
    });
    const isPlain = finishReason === 'STOP' || finishReason === 'MAX_TOKENS';
    expect(extra?.google).toEqual({
      ...(isPlain ? {} : { finish_reason: finishReason }),
      finish_message: 'Because.',
    });
  });

  it('absent at the end is stop', () => {
    expect(choiceOf([message([text])]).finish_reason).toBe('stop');
  });

  it('an early STOP is not the end', () => {
    const { batches, decoder } = decoded([
      message([{ text: 'One ' }], stop),
      message([{ text: 'two.' }], stop),
    ]);
    expect(foldOf(batches, renderOptions()).choices[0]?.message.content).toBe('One two.');
    expect(batches.flat().filter(({ type }) => type === 'choice-finish')).toHaveLength(1);
    expect(decoder.sawFinish).toBe(true);
  });

  it('calls in a stream end with tool_calls (B2)', () => {
    const chunks = streamOf(decoded([message([call('f')], stop)]).batches, renderOptions());
    expect(chunks.map(({ choices: [choice] }) => choice?.finish_reason)).toEqual([null, null, 'tool_calls']);
  });

  it.each([
    'MALFORMED_FUNCTION_CALL',
    'UNEXPECTED_TOOL_CALL',
    'TOO_MANY_TOOL_CALLS',
    'MALFORMED_RESPONSE',
    'MISSING_THOUGHT_SIGNATURE',
  ])('%s without text is malformed, and its call is not passed on', (finishReason) => {
    const parts = [{ text: 'Hm', thought: true }, call('undeclared')];
    for (const content of [[], parts]) {
      const { outcome, decoder, batches } = decoded([
        message(content, { finishReason, finishMessage: 'Why' }),
      ]);
      expect(outcome).toEqual({ kind: 'malformed', finishReason, finishMessage: 'Why' });
      expect(decoder.hasOutput).toBe(content.length > 0);
      expect(batches.flat().some(({ type }) => type === 'tool-call-start')).toBe(false);
    }
  });

  it('one malformed candidate among good ones is no failure', () => {
    const { outcome, batches } = decoded([
      {
        candidates: [
          { index: 0, finishReason: 'MALFORMED_FUNCTION_CALL' },
          { index: 1, content: { parts: [{ text: 'ok' }] }, ...stop },
        ],
      },
    ]);
    expect(outcome).toEqual({ kind: 'complete' });
    expect(
      foldOf(batches, renderOptions()).choices.map((choice) => [
        choice.finish_reason,
        choice.message.content,
      ]),
    ).toEqual([
      ['stop', ''],
      ['stop', 'ok'],
    ]);
  });
});

describe('blocked prompts (contract 9.4, B4)', () => {
  it.each([
    'SAFETY',
    'OTHER',
    'BLOCKLIST',
    'PROHIBITED_CONTENT',
    'IMAGE_SAFETY',
    'MODEL_ARMOR',
    'JAILBREAK',
    'BLOCK_REASON_UNSPECIFIED',
    'NEW',
  ])('%s is a whole choice with a refusal', (blockReason) => {
    for (const candidates of [undefined, []]) {
      const { batches, outcome, decoder } = decoded([{ candidates, promptFeedback: { blockReason } }]);
      const { choices, usage } = foldOf(batches, renderOptions());
      expect(choices).toEqual([
        {
          index: 0,
          finish_reason: 'content_filter',
          logprobs: null,
          message: { role: 'assistant', content: null, refusal: `Prompt blocked: ${blockReason}` },
          extra_content: { google: { block_reason: blockReason } },
        },
      ]);
      expect(usage.completion_tokens).toBe(0);
      expect(outcome).toEqual({ kind: 'complete' });
      expect(decoder.sawFinish).toBe(true);
    }
  });

  it('contract 17.5', () => {
    const { batches } = decoded([BLOCKED_PROMPT]);
    expect(foldOf(batches, renderOptions())).toEqual(BLOCKED_COMPLETION);
  });

  it('the reason Google gives is shown, and its ratings are kept', () => {
    const promptFeedback = {
      blockReason: 'SAFETY',
      blockReasonMessage: 'Too hot.',
      safetyRatings: [{ category: 'X' }],
    };
    const { message: answer, extra_content: extra } = choiceOf([{ promptFeedback }]);
    expect(answer.refusal).toBe('Prompt blocked: SAFETY. Too hot.');
    expect(extra?.google).toEqual({
      block_reason: 'SAFETY',
      block_reason_message: 'Too hot.',
      safety_ratings: [{ category: 'X' }],
    });
  });

  it('a block in the middle of an answer keeps what was said', () => {
    const { message: answer, finish_reason: reason } = choiceOf([
      message([{ text: 'Once' }]),
      { promptFeedback: { blockReason: 'OTHER' } },
    ]);
    expect([answer.content, answer.refusal, reason]).toEqual([
      'Once',
      'Prompt blocked: OTHER',
      'content_filter',
    ]);
  });

  it.each<[string, object]>([
    ['a candidate without content', { finishReason: 'SAFETY' }],
    ['content without parts', { content: { role: 'model' }, finishReason: 'SAFETY' }],
    ['empty content', { content: {}, finishReason: 'SAFETY' }],
  ])('a blocked answer: %s', (_, candidate) => {
    const { message: answer, finish_reason: reason } = choiceOf([{ candidates: [candidate] }]);
    expect(reason).toBe('content_filter');
    expect(answer).toEqual({ role: 'assistant', content: null, refusal: 'Response blocked: SAFETY' });
  });
});

describe('outcome', () => {
  const text = message([{ text: 'a' }]);
  it.each<[string, unknown[], boolean, string]>([
    ['nothing', [], true, 'empty'],
    ['an empty object', [{}], true, 'empty'],
    ['usage only', [{ usageMetadata: { promptTokenCount: 1 } }], true, 'empty'],
    ['ratings of the prompt only', [{ promptFeedback: { safetyRatings: [] } }], true, 'empty'],
    ['a candidate without anything', [{ candidates: [{}] }], true, 'empty'],
    ['a candidate with an empty text', [message([{ text: '' }])], true, 'empty'],
    ['a finish without text', [message([], stop)], true, 'complete'],
    [
      'the limit reached while thinking (B11)',
      [message([], { finishReason: 'MAX_TOKENS' })],
      true,
      'complete',
    ],
    ['text and a finish', [text, message([], stop)], true, 'complete'],
    ['text without a finish, ended cleanly', [text], true, 'complete'],
    ['text without a finish, cut off', [text], false, 'disconnected'],
    ['nothing, cut off', [], false, 'disconnected'],
    ['cut off behind the finish', [text, message([], stop)], false, 'complete'],
    [
      'cut off while one of two candidates runs',
      [
        {
          candidates: [
            { index: 0, ...stop },
            { index: 1, content: { parts: [{ text: 'b' }] } },
          ],
        },
      ],
      false,
      'disconnected',
    ],
    ['a blocked prompt, cut off', [{ promptFeedback: { blockReason: 'SAFETY' } }], false, 'complete'],
  ])('%s: %s %s %s', (_, messages, cleanly, kind) => {
    expect(decoded(messages, {}, cleanly).outcome?.kind).toBe(kind);
  });

  it('is unknown before the end', () => {
    expect(new GeminiDecoder().outcome).toBeUndefined();
  });

  it('there is output with the first thing a client sees', () => {
    const decoder = new GeminiDecoder();
    decoder.push({ usageMetadata: { promptTokenCount: 3 } });
    decoder.push(message([{ text: '' }, { thoughtSignature: 's' }]));
    expect(decoder.hasOutput).toBe(false);
    expect(decoder.sawFinish).toBe(false);
    decoder.push(message([{ text: 'Hm', thought: true }]));
    expect(decoder.hasOutput).toBe(true);
  });
});

describe('response start', () => {
  it('takes id and time from the first message and keeps them', () => {
    const { batches, decoder } = decoded([
      {
        responseId: 'r1',
        createTime: '2026-08-15T10:00:00.999999Z',
        modelVersion: 'gemini-2.5-flash',
        ...message([{ text: 'a' }]),
      },
      {
        responseId: 'r2',
        createTime: '2026-08-15T10:00:05Z',
        modelVersion: 'other',
        ...message([{ text: 'b' }], stop),
      },
    ]);
    expect(batches.flat().filter(({ type }) => type === 'response-start')).toEqual([
      { type: 'response-start', id: 'r1', created: 1_786_788_000 },
    ]);
    expect(decoder.modelVersion).toBe('gemini-2.5-flash');
  });

  it.each([
    ['a time that is none', 'yesterday'],
    ['a number', 5],
  ])('passes over %s', (_, createTime) => {
    expect(decoded([{ createTime }]).batches[0]).toEqual([{ type: 'response-start' }]);
  });
});

describe('candidates', () => {
  it('are told apart by index, else by position', () => {
    const one = {
      candidates: [
        { content: { parts: [{ text: 'a' }] } },
        { index: 1, content: { parts: [{ text: 'b' }] } },
      ],
    };
    const two = { candidates: [{ index: 1, content: { parts: [{ text: 'd' }] }, ...stop }] };
    const three = { candidates: [{ content: { parts: [{ text: 'c' }] }, ...stop }] };
    const { choices } = foldOf(decoded([one, two, three]).batches, renderOptions());
    expect(choices.map(({ index, message: { content } }) => [index, content])).toEqual([
      [0, 'ac'],
      [1, 'bd'],
    ]);
  });
});
