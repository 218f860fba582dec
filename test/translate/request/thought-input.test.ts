import { describe, expect, it } from 'vitest';
import type { Part } from '../../../src/wire/gemini/request.ts';
import { modelParts, type TestTarget, translate, USER } from './translate.ts';

const thought = (text: string): Part => ({ text, thought: true });
const said = (text: string): Part => ({ text });
const flagged = (google: object): object => ({ extra_content: { google } });

/** The parts of an assistant message in a request with `thought_tag_marker`. */
function marked(message: object, marker = 'think', target: TestTarget = {}): Part[] {
  const { contents } = translate(
    { messages: [USER, { role: 'assistant', ...message }, USER], google: { thought_tag_marker: marker } },
    target,
  ).body;
  return contents.filter(({ role }) => role === 'model').flatMap(({ parts }) => parts);
}

describe('with a marker', () => {
  it.each<[content: string, parts: Part[]]>([
    ['<think>a</think>b', [thought('a'), said('b')]],
    ['<think>a</think> b', [thought('a'), said(' b')]],
    ['x<think>a</think>y<think>b</think>z', [said('x'), thought('a'), said('y'), thought('b'), said('z')]],
    ['<think>a', [thought('a')]],
    ['x<think>a', [said('x<think>a')]],
    ['<think></think>b', [said('b')]],
    ['<thought>a</thought>b', [said('<thought>a</thought>b')]],
    ['plain', [said('plain')]],
    ['a</think>b', [said('a</think>b')]],
  ])('reads %s', (content, parts) => {
    expect(marked({ content })).toEqual(parts);
  });

  it('reads text parts too, and the marker may wear its brackets', () => {
    const content = [
      { type: 'text', text: '<t:1>a</t:1>b' },
      { type: 'text', text: 'c' },
    ];
    expect(marked({ content }, '<t:1>')).toEqual([thought('a'), said('b'), said('c')]);
  });

  it('leaves other roles alone', () => {
    const { body } = translate({
      messages: [{ role: 'user', content: '<think>a</think>b' }],
      google: { thought_tag_marker: 'think' },
    });
    expect(body.contents[0]?.parts).toEqual([said('<think>a</think>b')]);
  });

  it('gives way to the flag', () => {
    expect(marked({ content: '<think>a</think>b', ...flagged({ thought: false }) })).toEqual([
      said('<think>a</think>b'),
    ]);
    expect(marked({ content: 'a', ...flagged({ thought: true }) })).toEqual([thought('a')]);
    expect(
      marked({
        content: [
          { type: 'text', text: 'a', ...flagged({ thought: true }) },
          { type: 'text', text: 'b' },
        ],
      }),
    ).toEqual([thought('a'), said('b')]);
  });

  it('takes time in proportion to the text', () => {
    const content = '<think>'.repeat(200_000);
    expect(marked({ content })).toEqual([thought(content.slice('<think>'.length))]);
  });
});

describe('without a marker', () => {
  it.each<[message: object, parts: Part[]]>([
    [{ content: '<thought>a</thought>b' }, [said('<thought>a</thought>b')]],
    [{ content: '<thought>a</thought>b', ...flagged({ thought: true }) }, [thought('a'), said('b')]],
    [{ content: 'a', ...flagged({ thought: true }) }, [thought('a')]],
    [{ content: 'a', extra_content: { vertex: { thought: true } } }, [thought('a')]],
    [
      { content: 'a', ...flagged({ thought: true, thought_signature: 'QUJD' }) },
      [{ text: 'a', thoughtSignature: 'QUJD' }],
    ],
    [
      { content: '<thought>a</thought>b', ...flagged({ thought: true, thought_signature: 'QUJD' }) },
      [thought('a'), { text: 'b', thoughtSignature: 'QUJD' }],
    ],
    [{ content: [{ type: 'text', text: 'a', ...flagged({ thought: true }) }] }, [thought('a')]],
    [{ content: [{ type: 'text', text: 'a' }], ...flagged({ thought: true }) }, [said('a')]],
  ])('reads %j', (message, parts) => {
    expect(modelParts(message)).toEqual(parts);
  });
});

describe('reasoning_content', () => {
  it.each(['reasoning_content', 'reasoning'])('%s becomes the first part', (field) => {
    expect(modelParts({ content: 'b', [field]: 'a' })).toEqual([thought('a'), said('b')]);
  });

  it('says nothing when it is empty', () => {
    expect(modelParts({ content: 'b', reasoning_content: '' })).toEqual([said('b')]);
  });
});

describe('replayThoughts: false', () => {
  it('drops thoughts of every spelling', () => {
    const target = { replayThoughts: false };
    expect(modelParts({ content: 'b', reasoning_content: 'a' }, target)).toEqual([said('b')]);
    expect(marked({ content: '<think>a</think>b' }, 'think', target)).toEqual([said('b')]);
    expect(modelParts({ content: 'a', ...flagged({ thought: true }) }, target)).toEqual([]);
  });
});
