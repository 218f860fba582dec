import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import {
  OutputParser,
  type OutputParserOptions,
} from '../../../../src/backends/embedded/output/output-parser.ts';
import type { ChatEvent } from '../../../../src/translate/events/chat-event.ts';
import type { TokenLogprob } from '../../../../src/wire/openai/response.ts';

const THOUGHTS = { startTag: '<think>', endTag: '</think>', isOpen: false };
const OPEN = { ...THOUGHTS, isOpen: true };
const TOOLS = new Set(['get_weather', 'add']);

function logprobOf(token: string): TokenLogprob {
  return { token, logprob: -1, bytes: [...new TextEncoder().encode(token)], top_logprobs: [] };
}

/** What an answer says, however it was divided. */
interface Reading {
  parts: ({ text: string; tokens: string[] } | { thought: string } | { name: string; arguments: unknown })[];
}

function read(pieces: readonly string[], options: Omit<OutputParserOptions, 'choice'>): Reading {
  const parser = new OutputParser({ choice: 2, ...options });
  const events = [...pieces.flatMap((piece) => parser.push(piece, logprobOf(piece))), ...parser.end()];
  return { parts: join(events) };
}

function join(events: readonly ChatEvent[]): Reading['parts'] {
  const parts: Reading['parts'] = [];
  const calls = new Map<number, { name: string; json: string }>();
  for (const event of events) {
    if ('choice' in event) expect(event.choice).toBe(2);
    const last = parts.at(-1);
    switch (event.type) {
      case 'text-delta': {
        const tokens = (event.logprobs ?? []).map(({ token }) => token);
        if (last !== undefined && 'text' in last) {
          last.text += event.text;
          last.tokens.push(...tokens);
        } else parts.push({ text: event.text, tokens });
        break;
      }
      case 'thought-delta':
        if (last !== undefined && 'thought' in last) last.thought += event.text;
        else parts.push({ thought: event.text });
        break;
      case 'tool-call-start':
        calls.set(event.call, { name: event.name, json: '' });
        break;
      case 'tool-arguments-delta': {
        const call = calls.get(event.call);
        if (call !== undefined) call.json += event.delta;
        break;
      }
      case 'tool-call-end': {
        const call = calls.get(event.call);
        expect(call).toBeDefined();
        expect([...calls.keys()].indexOf(event.call)).toBe(calls.size - 1);
        parts.push({ name: call?.name ?? '', arguments: JSON.parse(call?.json ?? '') });
        break;
      }
      default:
        throw new Error(`unexpected ${event.type}`);
    }
  }
  return parts;
}

const withoutTokens = (parts: Reading['parts']): unknown[] =>
  parts.map((part) => ('text' in part ? part.text : part));

const CALL = '<tool_call>\n{"name": "add", "arguments": {"a": 1}}\n</tool_call>';
const ADD = { name: 'add', arguments: { a: 1 } };

describe('OutputParser', () => {
  it.each<[name: string, options: Omit<OutputParserOptions, 'choice'>, text: string, parts: unknown[]]>([
    ['plain text', {}, ' Hello there. \n', [' Hello there. \n']],
    ['nothing', {}, '', []],
    ['tags nobody asked about', {}, `<think>a</think>${CALL}`, [`<think>a</think>${CALL}`]],
    [
      'a thought the prompt has opened',
      { thoughts: OPEN },
      '\nHm.\n</think>\n\nYes.',
      [{ thought: 'Hm.' }, 'Yes.'],
    ],
    [
      'a thought the model opens',
      { thoughts: THOUGHTS },
      '<think>\nHm.\n</think>\n\nYes.',
      [{ thought: 'Hm.' }, 'Yes.'],
    ],
    ['an empty thought', { thoughts: OPEN }, '\n\n</think>\n\nYes.', ['Yes.']],
    ['a thought that never ends', { thoughts: OPEN }, 'Hm. Hm', [{ thought: 'Hm. Hm' }]],
    ['a thought cut in its closing tag', { thoughts: OPEN }, 'Hm.</thi', [{ thought: 'Hm.</thi' }]],
    [
      'two thoughts',
      { thoughts: OPEN },
      'a</think>b<think>c</think>d',
      [{ thought: 'a' }, 'b', { thought: 'c' }, 'd'],
    ],
    ['a closing tag without a thought', { thoughts: THOUGHTS }, 'a</think>b', ['a</think>b']],
    [
      'what only begins like a tag',
      { thoughts: THOUGHTS, toolNames: TOOLS },
      'a <thing> b <tool> c',
      ['a <thing> b <tool> c'],
    ],
    ['a call', { toolNames: TOOLS }, CALL, [ADD]],
    ['text around a call', { toolNames: TOOLS }, `I add.\n\n${CALL}\n\nDone.`, ['I add.', ADD, 'Done.']],
    ['two calls', { toolNames: TOOLS }, `${CALL}\n${CALL}`, [ADD, ADD]],
    [
      'a call after a thought',
      { thoughts: OPEN, toolNames: TOOLS },
      `Hm.\n</think>\n\n${CALL}`,
      [{ thought: 'Hm.' }, ADD],
    ],
    [
      'a call the model only thinks of',
      { thoughts: OPEN, toolNames: TOOLS },
      `${CALL}</think>No.`,
      [{ thought: CALL }, 'No.'],
    ],
    [
      'a call without arguments',
      { toolNames: TOOLS },
      '<tool_call>{"name": "add"}</tool_call>',
      [{ name: 'add', arguments: {} }],
    ],
    [
      'a call of an unknown tool',
      { toolNames: TOOLS },
      'So: <tool_call>{"name": "rm", "arguments": {}}</tool_call> ok',
      ['So: <tool_call>{"name": "rm", "arguments": {}}</tool_call> ok'],
    ],
    [
      'a name every object inherits',
      { toolNames: TOOLS },
      '<tool_call>{"name": "toString", "arguments": {}}</tool_call>',
      ['<tool_call>{"name": "toString", "arguments": {}}</tool_call>'],
    ],
    [
      'a call of broken JSON',
      { toolNames: TOOLS },
      '<tool_call>{"name": "add", "arguments": {</tool_call> x',
      ['<tool_call>{"name": "add", "arguments": {</tool_call> x'],
    ],
    [
      'a call with a quote too many',
      { toolNames: TOOLS },
      `<tool_call>{"name": "add}</tool_call>\n${CALL}`,
      ['<tool_call>{"name": "add}</tool_call>', ADD],
    ],
    [
      'arguments that are no object',
      { toolNames: TOOLS },
      '<tool_call>{"name": "add", "arguments": [1]}</tool_call>',
      ['<tool_call>{"name": "add", "arguments": [1]}</tool_call>'],
    ],
    [
      'a closing tag inside an argument',
      { toolNames: TOOLS },
      '<tool_call>{"name": "add", "arguments": {"a": "</tool_call>"}}</tool_call>',
      [{ name: 'add', arguments: { a: '</tool_call>' } }],
    ],
    [
      'a thought tag inside an argument',
      { thoughts: THOUGHTS, toolNames: TOOLS },
      '<tool_call>{"name": "add", "arguments": {"a": "<think>"}}</tool_call>',
      [{ name: 'add', arguments: { a: '<think>' } }],
    ],
    ['an unfinished call', { toolNames: TOOLS }, 'Wait. <tool_call>{"name": "add", "argu', ['Wait.']],
    ['an opening tag that is cut', { toolNames: TOOLS }, 'Wait. <tool_ca', ['Wait. <tool_ca']],
  ])('reads %s, whatever the pieces', (_, options, text, parts) => {
    expect(withoutTokens(read([text], options).parts)).toEqual(parts);
    expect(withoutTokens(read(text.split(''), options).parts)).toEqual(parts);
    for (let at = 0; at <= text.length; at++) {
      expect(withoutTokens(read([text.slice(0, at), text.slice(at)], options).parts)).toEqual(parts);
    }
  });

  it('reads any text the same in any division', () => {
    const part = fc.constantFrom(
      '<think>',
      '</think>',
      '<tool_call>',
      '</tool_call>',
      '{"name": "add", "arguments": {"a": "',
      '"}}',
      CALL,
      ' ',
      '\n',
      'x',
      '<',
      '"',
    );
    fc.assert(
      fc.property(
        fc.array(part, { maxLength: 10 }),
        fc.array(fc.nat(200), { maxLength: 10 }),
        fc.boolean(),
        (parts, cuts, isOpen) => {
          const text = parts.join('');
          const options = { thoughts: isOpen ? OPEN : THOUGHTS, toolNames: TOOLS };
          const ends = [...cuts.map((cut) => cut % (text.length + 1)), text.length].toSorted((a, b) => a - b);
          const pieces = ends.map((end, index) => text.slice(ends[index - 1] ?? 0, end));
          expect(withoutTokens(read(pieces, options).parts)).toEqual(
            withoutTokens(read([text], options).parts),
          );
        },
      ),
    );
  });

  it('holds back no more than what may become a tag', () => {
    const parser = new OutputParser({ choice: 0, toolNames: TOOLS });
    expect(parser.push('abc <tool')).toEqual([{ type: 'text-delta', choice: 0, text: 'abc' }]);
    expect(parser.push('s>')).toEqual([{ type: 'text-delta', choice: 0, text: ' <tools>' }]);
    expect(parser.push(' end')).toEqual([{ type: 'text-delta', choice: 0, text: ' end' }]);
  });

  it('numbers calls from 0 and writes their arguments compactly', () => {
    const parser = new OutputParser({ choice: 1, toolNames: TOOLS });
    const first = parser.push('<tool_call>{"name": "add", "arguments": { "b" : [ 1 ] }}</tool_call>');
    const second = parser.push(CALL);
    expect(first).toEqual([
      { type: 'tool-call-start', choice: 1, call: 0, name: 'add' },
      { type: 'tool-arguments-delta', choice: 1, call: 0, delta: '{"b":[1]}' },
      { type: 'tool-call-end', choice: 1, call: 0 },
    ]);
    expect(second[0]).toEqual({ type: 'tool-call-start', choice: 1, call: 1, name: 'add' });
  });

  describe('log probabilities', () => {
    it.each<[name: string, options: Omit<OutputParserOptions, 'choice'>, pieces: string[], tokens: string[]]>(
      [
        ['all of plain text', {}, ['Hel', 'lo'], ['Hel', 'lo']],
        ['none of a thought', { thoughts: OPEN }, ['Hm', '</think>', '\n', 'Yes'], ['Yes']],
        [
          'the token that closes the thought and goes on',
          { thoughts: OPEN },
          ['Hm</', 'think>Yes', '.'],
          ['think>Yes', '.'],
        ],
        ['a token whose leading space is dropped', { thoughts: OPEN }, ['a</think>', ' ', ' Yes'], [' Yes']],
        [
          'none of a call',
          { toolNames: TOOLS },
          ['I', ' ', '<tool', '_call>', '{"name": "add"}', '</tool_call>', ' ok'],
          ['I', ' ok'],
        ],
        [
          'text that only began like a tag',
          { toolNames: TOOLS },
          ['a ', '<tool', 's>'],
          ['a ', '<tool', 's>'],
        ],
        [
          'all of what turned out to be no call',
          { toolNames: TOOLS },
          ['a ', '<tool_call>', '{}', '</tool_call>'],
          ['a ', '<tool_call>', '{}', '</tool_call>'],
        ],
        ['bytes of a character along with it', {}, ['', '', '🙂'], ['', '', '🙂']],
      ],
    )('belong to what is shown: %s', (_, options, pieces, tokens) => {
      const { parts } = read(pieces, options);
      expect(parts.flatMap((part) => ('text' in part ? part.tokens : []))).toEqual(tokens);
    });

    it('are left out where there are none', () => {
      expect(new OutputParser({ choice: 0 }).push('a')).toEqual([
        { type: 'text-delta', choice: 0, text: 'a' },
      ]);
    });
  });
});
