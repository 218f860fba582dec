import { describe, expect, it } from 'vitest';
import * as messages from '../../../src/translate/request/native-messages.ts';
import type { NativeShape } from '../../../src/translate/request/native-shape.ts';
import { API_OF, discoveryFields } from '../../support/discovery-validator.ts';

type Upstream = keyof typeof API_OF;

/** Where our tables differ from Google's documents on purpose, and why. */
const ON_PURPOSE: readonly string[] = [
  // Of the Live API.
  'generationConfig lacks enableAffectiveDialog',
  'tools.functionDeclarations lacks behavior',
  // Of Vertex AI's version 1 only; they replace fields that still work.
  'generationConfig lacks responseFormat',
  'generationConfig lacks audioTranscriptionConfig',
  // Another name of responseJsonSchema.
  'generationConfig lacks _responseJsonSchema',
  // A whole number everywhere but in this document.
  'generationConfig.topK: integer int32 instead of number float',
  // Categories of models before Gemini, which Gemini refuses.
  'safetySettings.category: fewer than Google has',
];

const SCALARS = {
  text: 'string',
  boolean: 'boolean',
  int32: 'integer int32',
  int64: 'string int64',
  number: 'number double',
  float: 'number float',
  bytes: 'string byte',
  duration: 'string google-duration',
  timestamp: 'string google-datetime',
  any: 'any',
} as const;

/** A shape in the words of {@link discoveryFields}. */
function describeShape(shape: NativeShape, upstream: Upstream): string {
  switch (shape.kind) {
    case 'message':
      return 'message';
    case 'list':
      return `list of ${describeShape(shape.item, upstream)}`;
    case 'map':
      return `map of ${describeShape(shape.item, upstream)}`;
    case 'enum':
      return `enum ${[...shape.values, ...(shape.more[upstream] ?? [])].toSorted().join(', ')}`;
    default:
      return SCALARS[shape.kind];
  }
}

/** Fields of a schema that hold schemas again. */
const SAME_AGAIN = new Set(['items', 'properties', 'anyOf', 'defs']);

/** How a shape differs from the message at a place of Google's document, and everything below it. */
function differences(upstream: Upstream, path: string[], shape: NativeShape): string[] {
  if (shape.kind === 'list' || shape.kind === 'map') return differences(upstream, path, shape.item);
  if (shape.kind !== 'message') return [];
  const place = path.join('.');
  const theirs = discoveryFields(API_OF[upstream], 'GenerateContentRequest', path);
  const ours = new Map(
    Object.entries(shape.fields).filter(([, { only }]) => only === undefined || only === upstream),
  );
  return [
    ...[...theirs.keys()].filter((name) => !ours.has(name)).map((name) => `${place} lacks ${name}`),
    ...[...ours].flatMap(([name, field]) => {
      const type = theirs.get(name);
      const own = describeShape(field, upstream);
      if (type === undefined) return [`${place} has ${name} too many`];
      if (own !== type) return [`${place}.${name}: ${explain(own, type)}`];
      return SAME_AGAIN.has(name) ? [] : differences(upstream, [...path, name], field);
    }),
  ];
}

function explain(own: string, type: string): string {
  const names = own.startsWith('enum ') ? own.slice('enum '.length).split(', ') : [];
  const isSubset = names.length > 0 && names.every((name) => type.includes(name));
  return isSubset ? 'fewer than Google has' : `${own} instead of ${type}`;
}

function differencesOn(upstream: Upstream): string[] {
  const tables: [string[], NativeShape][] = [
    [['safetySettings'], messages.safetySetting],
    [['toolConfig'], messages.toolConfig],
    [['tools'], messages.tool],
    [['generationConfig'], messages.generationConfig],
    [['contents', 'parts', 'videoMetadata'], messages.videoMetadata],
    [['contents', 'parts', 'mediaResolution'], messages.partMediaResolution],
    [['contents', 'parts', 'functionResponse', 'parts'], messages.functionResponsePart],
    ...(upstream === 'vertex'
      ? [[['modelArmorConfig'], messages.modelArmorConfig] satisfies [string[], NativeShape]]
      : []),
  ];
  return tables.flatMap(([path, shape]) => differences(upstream, path, shape));
}

describe('the tables of native messages', () => {
  it.each(['vertex', 'gemini'] as const)('have the fields and types Google documents for %s', (upstream) => {
    expect(differencesOn(upstream).filter((difference) => !ON_PURPOSE.includes(difference))).toEqual([]);
  });

  it('differ on purpose only where they do differ', () => {
    const found = new Set([...differencesOn('vertex'), ...differencesOn('gemini')]);
    expect(ON_PURPOSE.filter((difference) => !found.has(difference))).toEqual([]);
  });
});
