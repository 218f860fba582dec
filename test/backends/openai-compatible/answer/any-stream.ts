import fc from 'fast-check';
import type { JsonObject } from '../../../../src/wire/validation/structure-checks.ts';

/** A chat stream of some server, as it is on the wire and as a client is to see it. */
export interface AnyStream {
  /** With `[DONE]`. */
  readonly wire: string;
  /** Its chunks by value, named as the client did. */
  readonly expected: readonly JsonObject[];
  /** Whether nothing but the model's name has to change. */
  readonly isOrdinary: boolean;
}

/** How a server writes JSON; line feeds only between tokens. */
const SPELLINGS: readonly ((value: unknown) => string)[] = [
  (value) => JSON.stringify(value),
  // As Python's json does.
  (value) =>
    JSON.stringify(value, undefined, 1)
      .replaceAll(/\n\s*/g, ' ')
      .replaceAll(/[\u0080-\uFFFF]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`),
  (value) => JSON.stringify(value, undefined, 2),
  (value) => ` ${JSON.stringify(value, undefined, '\t')}\t`,
];

interface Framing {
  readonly spell: (value: unknown) => string;
  readonly field: string;
  /** Stands before each event. */
  readonly before: string;
}

const framing: fc.Arbitrary<Framing> = fc.record({
  spell: fc.constantFrom(...SPELLINGS),
  field: fc.constantFrom('data: ', 'data:'),
  before: fc.constantFrom('', '', '', ': ping\n\n', ': "model":"served"\n', 'id: 1\n', '\n'),
});

/** Text of a model, now and then such as might be taken for something else. */
const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.constantFrom(
    '',
    'model',
    '"model":"served"',
    '[DONE]',
    'data: [DONE]\n\n',
    '"error"',
    '"tool_calls"',
    '\\',
    '\\"',
  ),
);

const names = fc.constantFrom('served', 'org/served', 'größe "x"\\', 'model', 's');

const plainDelta = fc.oneof(
  text.map((content) => ({ content })),
  text.map((content) => ({ role: 'assistant', content, tool_calls: null })),
  fc.constant({}),
  fc.record({ content: fc.constant(null), reasoning_content: text }),
);

const reasoningDelta = fc.record({
  content: fc.constantFrom('', null),
  reasoning: text,
});

/** The deltas of calls one after the other, and which call each is about. */
const callDeltas = fc.array(fc.tuple(text, fc.array(text, { maxLength: 3 })), { maxLength: 3 }).map((calls) =>
  calls.flatMap(([name, pieces], index) => [
    {
      index,
      call: { id: `call_${index}`, type: 'function', function: { name: `f${name}`, arguments: '' } },
    },
    ...pieces.map((piece) => ({ index, call: { function: { arguments: piece } } })),
  ]),
);

interface Piece {
  readonly sent: object;
  readonly shown: object;
}

const pieces: fc.Arbitrary<Piece[]> = fc
  .record({
    plain: fc.array(plainDelta, { minLength: 1, maxLength: 6 }),
    reasoning: fc.array(reasoningDelta, { maxLength: 3 }),
    calls: callDeltas,
    isNumbered: fc.boolean(),
  })
  .map(({ plain, reasoning, calls, isNumbered }) =>
    [
      reasoning.map((delta) => ({
        sent: delta,
        shown: Object.assign({ reasoning_content: delta.reasoning }, delta),
      })),
      plain.map((delta) => ({ sent: delta, shown: delta })),
      calls.map(({ index, call }) => ({
        sent: { tool_calls: [isNumbered ? { index, ...call } : call] },
        shown: { tool_calls: [{ index, ...call }] },
      })),
    ].flat(),
  );

const usage = fc.record({ prompt_tokens: fc.nat(), completion_tokens: fc.nat(), total_tokens: fc.nat() });

interface StreamParts {
  readonly deltas: readonly Piece[];
  /** The server's names for the model, one after the other. */
  readonly models: readonly string[];
  readonly isNameLast: boolean;
  readonly counts: object | undefined;
  readonly framings: readonly Framing[];
  readonly lineEnd: string;
}

/** Random streams. @param asked the model as the client wrote it */
export function anyStream(asked: string): fc.Arbitrary<AnyStream> {
  return fc
    .record({
      deltas: pieces,
      models: fc.array(names, { minLength: 1, maxLength: 3 }),
      isNameLast: fc.boolean(),
      counts: fc.option(usage, { nil: undefined }),
      framings: fc.array(framing, { minLength: 1, maxLength: 3 }),
      lineEnd: fc.constantFrom('\n', '\r\n'),
    })
    .map((parts) => streamOf(parts, asked));
}

function streamOf(parts: StreamParts, asked: string): AnyStream {
  const { deltas, models, isNameLast, counts, framings, lineEnd } = parts;
  const chunkOf = (model: string, body: object): JsonObject => ({
    id: 'chatcmpl-1',
    ...(isNameLast ? {} : { model }),
    ...body,
    ...(isNameLast ? { model } : {}),
  });
  const last = choices({}, 'stop');
  const usageBody = { choices: [], usage: counts };
  const bodies: Piece[] = [
    ...deltas.map(({ sent, shown }) => ({ sent: choices(sent, null), shown: choices(shown, null) })),
    { sent: last, shown: last },
    ...(counts === undefined ? [] : [{ sent: usageBody, shown: usageBody }]),
  ];
  const wire = bodies.map(({ sent }, at) =>
    frame(chunkOf(models[at % models.length]!, sent), framings[at % framings.length]!),
  );
  return {
    wire: `${wire.join('')}data: [DONE]\n\n`.replaceAll('\n', lineEnd),
    expected: bodies.map(({ shown }) => chunkOf(asked, shown)),
    isOrdinary: bodies.every(({ sent, shown }) => JSON.stringify(sent) === JSON.stringify(shown)),
  };
}

function choices(delta: object, reason: string | null): object {
  return { choices: [{ index: 0, delta, finish_reason: reason }] };
}

function frame(value: unknown, { spell, field, before }: Framing): string {
  const lines = spell(value)
    .split('\n')
    .map((line) => field + line);
  return `${before}${lines.join('\n')}\n\n`;
}

/** Where to cut a stream. */
export const cuts = fc.array(fc.nat({ max: 4000 }), { maxLength: 12 });
