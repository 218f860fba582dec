import { describe, expect, it } from 'vitest';
import type { Part } from '../../../src/wire/gemini/request.ts';
import { modelParts, refusal, type TestTarget, translate, USER } from './translate.ts';

const NEW = { model: 'gemini-3-pro-preview' };
const OLD = { model: 'gemini-2.5-pro' };
const DUMMY = 'skip_thought_signature_validator';

const signed = (signature: string): object => ({
  extra_content: { google: { thought_signature: signature } },
});

const call = (id: string, more: object = {}): object => ({
  id,
  type: 'function',
  function: { name: 'f', arguments: '{}' },
  ...more,
});

/** An assistant message with calls, and their results. */
const step = (calls: { id?: string }[], more: object = {}): object[] => [
  { role: 'assistant', tool_calls: calls, ...more },
  ...calls.map(({ id }) => ({ role: 'tool', tool_call_id: id, content: 'r' })),
];

interface Signed {
  readonly signatures: (string | undefined)[];
  readonly source: string;
}

/** The signatures of all calls in order, and what the translation says of them. */
function signaturesOf(messages: object[], target: TestTarget): Signed {
  const { body, signatures: source } = translate({ messages }, target);
  const parts = body.contents.flatMap((content) => content.parts);
  const calls = parts.filter(({ functionCall }) => functionCall !== undefined);
  return { signatures: calls.map(({ thoughtSignature }) => thoughtSignature), source };
}

const findSignature = (): string => 'QQ==';

describe('where a call’s signature comes from, first hit wins', () => {
  const vault = { findSignature: (id: string) => (id === 'kept' ? 'VkFVTFQ=' : undefined) };

  it.each<[what: string, calls: object[], more: object, signatures: (string | undefined)[], source: string]>([
    [
      'its own extra_content',
      [call('kept', { ...signed('QQ=='), thought_signature: 'Qg==' })],
      signed('Qw=='),
      ['QQ=='],
      'client',
    ],
    [
      'extra_content.vertex (B10)',
      [call('1', { extra_content: { vertex: { thought_signature: 'QQ==' } } })],
      {},
      ['QQ=='],
      'client',
    ],
    ['the call itself', [call('kept', { thought_signature: 'Qg==' })], signed('Qw=='), ['Qg=='], 'client'],
    [
      'its function',
      [call('1', { function: { name: 'f', arguments: '{}', thought_signature: 'Qg==' } })],
      {},
      ['Qg=='],
      'client',
    ],
    [
      'the message, for the first call',
      [call('kept'), call('2')],
      signed('Qw=='),
      ['Qw==', undefined],
      'client',
    ],
    [
      'the message as Google wrote it in 2025',
      [call('1')],
      { thought_signature: 'Qw==' },
      ['Qw=='],
      'client',
    ],
    ['the vault (B7)', [call('kept')], {}, ['VkFVTFQ='], 'vault'],
    [
      'the vault, for later calls too',
      [call('1', signed('QQ==')), call('kept')],
      {},
      ['QQ==', 'VkFVTFQ='],
      'vault',
    ],
    ['the dummy', [call('1'), call('2')], {}, [DUMMY, undefined], 'dummy'],
    [
      'no dummy beside a signed call',
      [call('1'), call('2', signed('QQ=='))],
      {},
      [undefined, 'QQ=='],
      'client',
    ],
    ['no dummy beside the vault', [call('1'), call('kept')], {}, [undefined, 'VkFVTFQ='], 'vault'],
    ['empty strings are no signatures', [call('1', signed(''))], signed(''), [DUMMY], 'dummy'],
  ])('%s', (_, calls, more, signatures, source) => {
    expect(signaturesOf([USER, ...step(calls, more)], { ...NEW, ...vault })).toEqual({ signatures, source });
  });

  it('is asked of the vault on earlier models too, but never made up', () => {
    expect(signaturesOf([USER, ...step([call('kept')])], { ...OLD, ...vault }).source).toBe('vault');
    expect(signaturesOf([USER, ...step([call('1')])], { ...OLD, ...vault })).toEqual({
      signatures: [undefined],
      source: 'none',
    });
  });

  it('is not asked of the vault for calls without an id', () => {
    expect(signaturesOf([USER, ...step([call('')])], { ...OLD, findSignature }).source).toBe('none');
  });
});

describe('the dummy', () => {
  it('stands on the first call of every step of the current turn, and on none before', () => {
    const messages = [
      USER,
      ...step([call('1')]),
      USER,
      ...step([call('2')]),
      ...step([call('3'), call('4')]),
    ];
    expect(signaturesOf(messages, NEW).signatures).toEqual([undefined, DUMMY, DUMMY, undefined]);
  });

  it.each<[what: string, messages: object[]]>([
    ['a tool message starts no turn', [USER, ...step([call('1')])]],
    ['a conversation without a user message is one turn', step([call('1')])],
  ])('%s', (_, messages) => {
    expect(signaturesOf(messages, NEW).source).toBe('dummy');
  });

  it.each(['gemini-3-flash-preview', 'gemini-3.5-flash', 'gemini-4-pro', 'gemini-flash-latest'])(
    'is for %s',
    (model) => {
      expect(signaturesOf([USER, ...step([call('1')])], { model }).source).toBe('dummy');
    },
  );

  it.each(['gemini-2.5-pro', 'gemini-2.0-flash', 'gemma-3-27b-it', '1234567890'])(
    'is not for %s',
    (model) => {
      expect(signaturesOf([USER, ...step([call('1')])], { model }).source).toBe('none');
    },
  );

  it('is for deprecated function calls too', () => {
    const messages = [
      USER,
      { role: 'assistant', function_call: { name: 'f', arguments: '{}' } },
      { role: 'function', name: 'f', content: 'r' },
    ];
    expect(signaturesOf(messages, NEW)).toEqual({ signatures: [DUMMY], source: 'dummy' });
  });
});

const placed = (message: object, target: TestTarget): (string | undefined)[] =>
  modelParts(message, target).map((part: Part) => part.thoughtSignature);

describe('the signature of a text', () => {
  const texts = [
    { type: 'text', text: 'a' },
    { type: 'text', text: 'b' },
  ];

  it('stands on the last part that is no thought on Gemini 3, on the first before', () => {
    const message = { content: texts, reasoning_content: 't', ...signed('QQ==') };
    expect(placed(message, NEW)).toEqual([undefined, undefined, 'QQ==']);
    expect(placed(message, OLD)).toEqual([undefined, 'QQ==', undefined]);
  });

  it('of a part stays on the part, though its text be empty', () => {
    const content = [
      { type: 'text', text: 'a' },
      { type: 'text', text: '', ...signed('QQ==') },
    ];
    expect(modelParts({ content }, NEW)).toEqual([{ text: 'a' }, { text: '', thoughtSignature: 'QQ==' }]);
  });

  it('stays on the text when the call has its own', () => {
    const messages = [USER, ...step([call('1', signed('QQ=='))], { content: 'Look.', ...signed('Qg==') })];
    expect(translate({ messages }, NEW).body.contents[1]?.parts).toEqual([
      { text: 'Look.', thoughtSignature: 'Qg==' },
      { functionCall: { name: 'f', args: {} }, thoughtSignature: 'QQ==' },
    ]);
  });
});

describe('a signature', () => {
  it.each(['QUJD', 'QUI', '-_-_', 'c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I='])(
    'goes on verbatim: %s',
    (signature) => {
      expect(signaturesOf([USER, ...step([call('1', signed(signature))])], NEW).signatures).toEqual([
        signature,
      ]);
    },
  );

  it.each<[signature: unknown, more: object, param: string]>([
    ['not base64', signed('not base64'), 'extra_content.google.thought_signature'],
    [5, { thought_signature: 5 }, 'thought_signature'],
  ])('that Google could not read is refused: %s', (_, more, param) => {
    expect(refusal({ messages: [USER, ...step([call('1', more)])] }, NEW)).toMatchObject({
      param: `messages[1].tool_calls[0].${param}`,
      code: 'invalid_argument',
    });
  });

  it('leaves a call flagged as thought', () => {
    const flagged = call('1', { extra_content: { google: { thought: true, thought_signature: 'QQ==' } } });
    const [, content] = translate({ messages: [USER, ...step([flagged])] }, NEW).body.contents;
    expect(content?.parts[0]).toMatchObject({ thought: true, thoughtSignature: 'QQ==' });
  });
});
