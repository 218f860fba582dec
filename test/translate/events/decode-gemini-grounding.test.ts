import { describe, expect, it } from 'vitest';
import type { RenderOptions } from '../../../src/translate/events/render-options.ts';
import type { Annotation } from '../../../src/wire/openai/response.ts';
import { choiceOf, decoded, message, stop } from './gemini-messages.ts';
import { framesOf, RECORDINGS } from './gemini-recordings.ts';
import { renderOptions, streamOf } from './render-fixture.ts';

interface Support {
  segment: { text: string };
  groundingChunkIndices: number[];
}

interface Grounding {
  groundingChunks?: { web?: { uri?: string } }[];
  groundingSupports?: Support[];
}

const chunk = (uri: string, title = ''): object => ({ web: { uri, title } });
const support = (segment: object, ...groundingChunkIndices: number[]): object => ({
  segment,
  groundingChunkIndices,
});

/** The words each annotation points at. */
function quotes(
  messages: readonly unknown[],
  options: Partial<RenderOptions> = {},
): [url: string, words: string][] {
  const { message: answer } = choiceOf(messages, options);
  return (answer.annotations ?? []).map(({ url_citation: { url, start_index: start, end_index: end } }) => [
    url,
    (answer.content ?? '').slice(start, end),
  ]);
}

const inContent = { inContent: true, inReasoningContent: false, tag: 'think' };

describe('annotations (contract 9.7, B20)', () => {
  it('names the source and its place in UTF-16 code units', () => {
    // é takes two bytes and one code unit, the emoji four bytes and two.
    const grounded = message([{ text: 'Café 😀 is open. Bye.' }], {
      ...stop,
      groundingMetadata: {
        groundingChunks: [chunk('https://a.example', 'A')],
        groundingSupports: [support({ startIndex: 6, endIndex: 19, text: '😀 is open' }, 0)],
      },
    });
    expect(choiceOf([grounded]).message.annotations).toEqual([
      {
        type: 'url_citation',
        url_citation: { url: 'https://a.example', title: 'A', start_index: 5, end_index: 15 },
      },
    ] satisfies Annotation[]);
  });

  it.each<[string, object[], object, string]>([
    [
      'within its part',
      [{ text: 'One. ' }, { text: 'Two.' }],
      { partIndex: 1, endIndex: 4, text: 'Two.' },
      'Two.',
    ],
    [
      'within its part, without words',
      [{ text: 'One. ' }, { text: 'Two.' }],
      { partIndex: 1, endIndex: 3 },
      'Two',
    ],
    [
      'within the whole text',
      [{ text: 'One. ' }, { text: 'Two.' }],
      { startIndex: 5, endIndex: 9, text: 'Two.' },
      'Two.',
    ],
    [
      'behind a thought that counts as a part',
      [{ text: 'Hm.', thought: true }, { text: 'One.' }],
      { partIndex: 1, endIndex: 4, text: 'One.' },
      'One.',
    ],
    [
      'behind a thought that does not count',
      [{ text: 'Hm.', thought: true }, { text: 'One.' }],
      { endIndex: 4, text: 'One.' },
      'One.',
    ],
    [
      'where its words are, when the offsets are wrong',
      [{ text: 'One. Two.' }],
      { startIndex: 1, endIndex: 2, text: 'Two.' },
      'Two.',
    ],
    [
      'by its offsets, when the words are not there',
      [{ text: 'One. Two.' }],
      { startIndex: 5, endIndex: 99, text: '2.' },
      'Two.',
    ],
    ['nowhere, when the part is unknown and there are no words', [{ text: 'One.' }], { partIndex: 7 }, ''],
  ])('a segment is placed %s', (_, parts, segment, words) => {
    const groundingMetadata = { groundingChunks: [chunk('u')], groundingSupports: [support(segment, 0)] };
    for (const thoughts of [inContent, renderOptions().thoughts]) {
      expect(quotes([message(parts, { ...stop, groundingMetadata })], { thoughts })).toEqual([['u', words]]);
    }
  });

  it('words that occur twice are told apart by their offsets', () => {
    const parts = [{ text: 'Hi. ' }, { text: 'Hi.' }];
    const starts = [
      { endIndex: 3, text: 'Hi.' },
      { partIndex: 1, endIndex: 3, text: 'Hi.' },
      { partIndex: 1, startIndex: 4, endIndex: 7, text: 'Hi.' },
    ].map((segment) => {
      const groundingMetadata = { groundingChunks: [chunk('u')], groundingSupports: [support(segment, 0)] };
      const { annotations } = choiceOf([message(parts, { ...stop, groundingMetadata })]).message;
      return annotations?.[0]?.url_citation.start_index;
    });
    expect(starts).toEqual([0, 4, 4]);
  });

  it('chunk indices count over the whole stream', () => {
    const stream = [
      message([{ text: 'One. ' }], { groundingMetadata: { groundingChunks: [chunk('a'), chunk('b')] } }),
      message([{ text: 'Two. ' }], {
        groundingMetadata: {
          groundingChunks: [chunk('c')],
          groundingSupports: [support({ endIndex: 4, text: 'One.' }, 1)],
        },
      }),
      message([{ text: 'Three.' }], {
        ...stop,
        groundingMetadata: {
          groundingSupports: [support({ startIndex: 5, endIndex: 9, text: 'Two.' }, 2, 0)],
        },
      }),
    ];
    expect(quotes(stream)).toEqual([
      ['b', 'One.'],
      ['c', 'Two.'],
      ['a', 'Two.'],
    ]);
  });

  it('what stands before the text is counted: thoughts, tags and blocks of code', () => {
    const stream = [
      message([{ text: 'Hm. ', thought: true }]),
      message([{ text: 'One. ' }, { executableCode: { language: 'PYTHON', code: 'x' } }]),
      message([{ text: 'Again.', thought: true }, { text: 'Two. Three.' }], {
        ...stop,
        groundingMetadata: {
          groundingChunks: [chunk('a')],
          groundingSupports: [
            support({ startIndex: 5, endIndex: 9, text: 'Two.' }, 0),
            support({ startIndex: 10, endIndex: 16, text: 'Three.' }, 0),
          ],
        },
      }),
    ];
    const expected = [
      ['a', 'Two.'],
      ['a', 'Three.'],
    ];
    expect(quotes(stream)).toEqual(expected);
    expect(quotes(stream, { thoughts: inContent })).toEqual(expected);
    expect(quotes(stream, { thoughts: { inContent: true, inReasoningContent: true } })).toEqual(expected);
  });

  it('a JSON fence that is taken off is not counted', () => {
    const grounded = message([{ text: '```json\n{"a": "b"}\n```' }], {
      ...stop,
      groundingMetadata: {
        groundingChunks: [chunk('a')],
        groundingSupports: [
          support({ startIndex: 14, endIndex: 17, text: '"b"' }, 0),
          support({ startIndex: 8, endIndex: 22 }, 0),
        ],
      },
    });
    expect(quotes([grounded], { jsonOutput: true })).toEqual([
      ['a', '{"a": "b"}'],
      ['a', '"b"'],
    ]);
  });

  it('text held back as a possible fence is counted', () => {
    const groundingMetadata = {
      groundingChunks: [chunk('a')],
      groundingSupports: [support({ endIndex: 2, text: '``' }, 0)],
    };
    const grounded = message([{ text: '``' }], { ...stop, groundingMetadata });
    expect(quotes([grounded], { jsonOutput: true })).toEqual([['a', '``']]);
  });

  it.each<[string, object, [string, string][]]>([
    ['a source nobody refers to stands at the end', { groundingChunks: [chunk('a')] }, [['a', '']]],
    [
      'other kinds of sources',
      { groundingChunks: [{ retrievedContext: { uri: 'r', title: 'R' } }, { maps: { uri: 'm' } }] },
      [
        ['r', ''],
        ['m', ''],
      ],
    ],
    [
      'sources without an address',
      { groundingChunks: [{ web: { title: 'x' } }, { retrievedContext: { text: 'y' } }, {}, null] },
      [],
    ],
    [
      'the same twice',
      {
        groundingChunks: [chunk('a'), chunk('a')],
        groundingSupports: [support({ endIndex: 4 }, 0, 1), support({ endIndex: 4 }, 0)],
      },
      [['a', 'One.']],
    ],
    [
      'an index without a source',
      { groundingChunks: [chunk('a')], groundingSupports: [support({ endIndex: 4 }, 5, -1)] },
      [['a', '']],
    ],
    [
      'a support without a segment',
      { groundingChunks: [chunk('a')], groundingSupports: [{ groundingChunkIndices: [0] }] },
      [['a', '']],
    ],
    ['nothing', {}, []],
  ])('%s', (_, groundingMetadata, expected) => {
    expect(quotes([message([{ text: 'One.' }], { ...stop, groundingMetadata })])).toEqual(expected);
  });

  it.each([
    ['citations', 'Vertex AI'],
    ['citationSources', 'the Developer API'],
  ])('%s of %s', (member) => {
    const stream = [
      message([{ text: 'Zwölf. ' }], {
        citationMetadata: {
          [member]: [
            { endIndex: 7, uri: 'a', title: 'A' },
            { endIndex: 3, uri: '' },
          ],
        },
      }),
      message([{ text: 'Drei.' }], {
        ...stop,
        citationMetadata: { [member]: [{ startIndex: 8, endIndex: 13, uri: 'b' }] },
      }),
    ];
    expect(quotes(stream)).toEqual([
      ['a', 'Zwölf.'],
      ['b', 'Drei.'],
    ]);
  });

  it('come in one delta, just before the finish', () => {
    const groundingMetadata = { groundingChunks: [chunk('a'), chunk('b')] };
    const { batches } = decoded([
      message([{ text: 'x' }], { groundingMetadata }),
      message([{ text: 'y' }], stop),
    ]);
    const chunks = streamOf(batches, renderOptions());
    const carrying = chunks.map(({ choices }) => choices[0]?.delta.annotations?.length ?? 0);
    expect(carrying).toEqual([0, 0, 0, 2, 0]);
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('stop');
  });
});

describe('recorded grounding', () => {
  const grounded = RECORDINGS.flatMap((recording) => {
    if (recording.status !== 200) return [];
    const messages = framesOf(recording) as { candidates?: { groundingMetadata?: Grounding }[] }[];
    const groundings = messages.flatMap(
      ({ candidates: [candidate] = [] }) => candidate?.groundingMetadata ?? [],
    );
    const supports = groundings.flatMap(({ groundingSupports = [] }) => groundingSupports);
    const sources = groundings.flatMap(({ groundingChunks = [] }) => groundingChunks);
    const cited = supports.filter(({ groundingChunkIndices }) =>
      groundingChunkIndices.some((index) => sources[index]?.web?.uri !== undefined),
    );
    return cited.length === 0
      ? []
      : [{ name: recording.name, messages, segments: cited.map(({ segment }) => segment.text) }];
  });

  it('is here', () => {
    expect(grounded.length).toBeGreaterThanOrEqual(5);
  });

  it.each(grounded)('$name: annotations quote the recorded segments', ({ messages, segments }) => {
    for (const thoughts of [inContent, renderOptions().thoughts]) {
      const words = quotes(messages, { thoughts }).map(([, quoted]) => quoted);
      expect(new Set(words.filter((quoted) => quoted !== ''))).toEqual(new Set(segments));
    }
  });
});
