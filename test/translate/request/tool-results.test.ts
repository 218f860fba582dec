import { describe, expect, it } from 'vitest';
import { toResponseObject } from '../../../src/translate/request/tool-results.ts';
import type { Part } from '../../../src/wire/gemini/request.ts';
import { refusal, type TestTarget, translate, USER } from './translate.ts';

const call = (id: string, name: string): object => ({
  id,
  type: 'function',
  function: { name, arguments: '{}' },
});

/** The native parts of the results of one step. */
function resultsOf(calls: object[], results: object[], target?: TestTarget): Part[] {
  const messages = [USER, { role: 'assistant', tool_calls: calls }, ...results];
  return translate({ messages }, target)
    .body.contents.slice(2)
    .flatMap(({ parts }) => parts);
}

const one = (result: object, target?: TestTarget): Part[] =>
  resultsOf([call('1', 'f')], [{ role: 'tool', tool_call_id: '1', ...result }], target);

const NEW = { model: 'gemini-3-flash-preview' };

describe('the response object', () => {
  it.each<[text: string, response: object]>([
    ['{"temp":4}', { temp: 4 }],
    ['{}', {}],
    ['[1,"a"]', { output: [1, 'a'] }],
    ['21', { output: 21 }],
    ['"a"', { output: 'a' }],
    ['true', { output: true }],
    ['null', { output: null }],
    ['It rains.', { output: 'It rains.' }],
    ['', { output: '' }],
    ['{"broken"', { output: '{"broken"' }],
    ['12345678901234567890', { output: '12345678901234567890' }],
    ['1e999', { output: '1e999' }],
    ['0.1', { output: 0.1 }],
  ])('%s', (text, response) => {
    expect(toResponseObject(text)).toEqual(response);
  });

  it('keeps what nests too deeply to be sent as text', () => {
    const text = '['.repeat(100_000) + ']'.repeat(100_000);
    expect(toResponseObject(text)).toEqual({ output: text });
  });

  it('joins text parts before it reads them', () => {
    const content = [
      { type: 'text', text: '{"a":' },
      { type: 'text', text: '1}' },
    ];
    expect(one({ content })).toEqual([{ functionResponse: { name: 'f', response: { a: 1 } } }]);
  });
});

const named = (calls: object[], results: object[]): unknown[] =>
  resultsOf(calls, results).map(({ functionResponse }) => [
    functionResponse?.name,
    functionResponse?.response,
  ]);

const result = (id: string, content: string, more: object = {}): object => ({
  role: 'tool',
  tool_call_id: id,
  content,
  ...more,
});

describe('the name of a result (B8)', () => {
  it.each<[what: string, calls: object[], results: object[], expected: unknown[]]>([
    ['by id', [call('1', 'f')], [result('1', '{}')], [['f', {}]]],
    [
      'by the message’s own name',
      [call('1', 'f'), call('2', 'g')],
      [result('x', '{"n":2}', { name: 'g' }), result('1', '{"n":1}')],
      [
        ['f', { n: 1 }],
        ['g', { n: 2 }],
      ],
    ],
    ['as the only open call', [call('1', 'f')], [result('x', '{}')], [['f', {}]]],
    [
      'by order where ids are empty',
      [call('', 'f'), call('', 'g')],
      [result('', '{"n":1}'), result('', '{"n":2}')],
      [
        ['f', { n: 1 }],
        ['g', { n: 2 }],
      ],
    ],
  ])('is found %s', (_, calls, results, expected) => {
    expect(named(calls, results)).toEqual(expected);
  });
});

const ids = (target: TestTarget, id = 'call_1'): unknown[] => {
  const messages = [
    USER,
    { role: 'assistant', tool_calls: [call(id, 'f')] },
    { role: 'tool', tool_call_id: id, content: 'r' },
  ];
  const [, step, answer] = translate({ messages }, target).body.contents;
  return [step?.parts[0]?.functionCall?.id, answer?.parts[0]?.functionResponse?.id];
};

describe('ids', () => {
  it.each<[target: TestTarget, id: string | undefined]>([
    [{ upstream: 'vertex' }, undefined],
    [{ upstream: 'gemini' }, 'call_1'],
    [{ upstream: 'vertex', functionIds: 'auto' }, undefined],
    [{ upstream: 'vertex', functionIds: 'always' }, 'call_1'],
    [{ upstream: 'gemini', functionIds: 'never' }, undefined],
  ])('%j', (target, id) => {
    expect(ids(target)).toEqual([id, id]);
  });

  it('leaves out empty ones', () => {
    expect(ids({ upstream: 'gemini' }, '')).toEqual([undefined, undefined]);
  });

  it('are those of the calls, also where a result was found by name', () => {
    const [part] = resultsOf(
      [call('a', 'f')],
      [{ role: 'tool', tool_call_id: 'b', name: 'f', content: 'r' }],
      {
        upstream: 'gemini',
      },
    );
    expect(part?.functionResponse?.id).toBe('a');
  });
});

const google = (parts: object[]): object => ({
  content: '{"$ref":"a.png"}',
  extra_content: { google: { parts } },
});

describe('media of a result', () => {
  const picture = { type: 'image_url', image_url: 'data:image/png;base64,AAAA' };
  const content = [{ type: 'text', text: 'See.' }, picture];
  const inlineData = { mimeType: 'image/png', data: 'AAAA' };

  it('stands inside on Gemini 3', () => {
    expect(one({ content }, NEW)).toEqual([
      { functionResponse: { name: 'f', response: { output: 'See.' }, parts: [{ inlineData }] } },
    ]);
  });

  it('stands behind before', () => {
    expect(one({ content })).toEqual([
      { functionResponse: { name: 'f', response: { output: 'See.' } } },
      { inlineData },
    ]);
  });

  it('stands behind where it is a reference and the upstream takes none inside', () => {
    const reference = [{ type: 'image_url', image_url: 'files/abc' }];
    const [response, behind] = one({ content: reference }, { ...NEW, upstream: 'gemini' });
    expect(response?.functionResponse).not.toHaveProperty('parts');
    expect(behind?.fileData?.fileUri).toMatch(/files\/abc$/);
    const [inside] = one({ content: [{ type: 'image_url', image_url: 'gs://b/o.png' }] }, NEW);
    expect(inside?.functionResponse?.parts).toEqual([
      { fileData: { mimeType: 'image/png', fileUri: 'gs://b/o.png' } },
    ]);
  });

  it('cannot keep a resolution of its own inside', () => {
    const detailed = { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA', detail: 'low' } };
    const messages = [
      USER,
      { role: 'assistant', tool_calls: [call('1', 'f')] },
      { role: 'tool', tool_call_id: '1', content: [detailed] },
    ];
    expect(translate({ messages }, NEW).ignored).toEqual(['messages[2].content[0]']);
  });

  it('is read from extra_content.google.parts', () => {
    const fileData = { mimeType: 'image/png', displayName: 'a.png', fileUri: 'gs://b/a.png' };
    const parts = [
      { file_data: { mime_type: 'image/png', display_name: 'a.png', file_uri: 'gs://b/a.png' } },
    ];
    expect(one(google(parts), NEW)).toEqual([
      { functionResponse: { name: 'f', response: { $ref: 'a.png' }, parts: [{ fileData }] } },
    ]);
    expect(one(google(parts))).toEqual([
      { functionResponse: { name: 'f', response: { $ref: 'a.png' } } },
      { fileData },
    ]);
  });

  it.each<[parts: object[], upstream: 'vertex' | 'gemini', param: string, code: string]>([
    [
      [{ file_data: { mime_type: 'image/png', file_uri: 'gs://b/o' } }],
      'gemini',
      'parts[0].file_data',
      'unsupported_parameter',
    ],
    [
      [{ inline_data: { mime_type: 'image/png', data: '!' } }],
      'vertex',
      'parts[0].inline_data.data',
      'invalid_argument',
    ],
    [
      [{ inline_data: { mime_type: 'image/png', data: 'AAAA', name: 'x' } }],
      'vertex',
      'parts[0].inline_data.name',
      'unsupported_parameter',
    ],
    [[{ inline_data: {}, file_data: {} }], 'vertex', 'parts[0]', 'invalid_argument'],
  ])('refuses %j on %s', (parts, upstream, param, code) => {
    const messages = [
      USER,
      { role: 'assistant', tool_calls: [call('1', 'f')] },
      { role: 'tool', tool_call_id: '1', ...google(parts) },
    ];
    expect(refusal({ messages }, { ...NEW, upstream })).toMatchObject({
      param: `messages[2].extra_content.google.${param}`,
      code,
    });
  });
});
