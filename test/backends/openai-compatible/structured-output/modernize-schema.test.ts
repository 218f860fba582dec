import { describe, expect, it } from 'vitest';
import { performCheck } from '../../../../src/backends/openai-compatible/structured-output/check-answer.ts';
import { modernizeSchema } from '../../../../src/backends/openai-compatible/structured-output/modernize-schema.ts';

const DRAFT_7 = 'http://json-schema.org/draft-07/schema#';

describe('older words for the same', () => {
  it.each<[name: string, older: Record<string, unknown>, modern: Record<string, unknown>]>([
    ['nothing to do', { title: 'a', minLength: 1 }, { title: 'a', minLength: 1 }],
    ['null for absent', { items: null, const: null, minimum: null }, { const: null }],
    ['a tuple', { items: [{}], additionalItems: false }, { prefixItems: [{}], items: false }],
    ['an empty tuple', { items: [], additionalItems: false }, { items: false }],
    ['additionalItems without a tuple', { items: {}, additionalItems: false }, { items: {} }],
    [
      'dependencies',
      { dependencies: { a: ['b'], c: { required: ['d'] } }, dependentRequired: { e: ['f'] } },
      { dependentRequired: { a: ['b'], e: ['f'] }, dependentSchemas: { c: { required: ['d'] } } },
    ],
    ['an exclusive bound', { minimum: 1, exclusiveMinimum: true }, { exclusiveMinimum: 1 }],
    ['an inclusive bound', { maximum: 1, exclusiveMaximum: false }, { maximum: 1 }],
    ['a switch without a bound', { exclusiveMaximum: true }, {}],
    ['nullable', { type: 'string', nullable: true }, { type: ['string', 'null'] }],
    ['not nullable', { type: 'string', nullable: false }, { type: ['string'] }],
    ['types in capitals', { type: ['STRING', 'Null'] }, { type: ['string', 'null'] }],
  ])('%s', (_, older, modern) => {
    expect(modernizeSchema(older)).toEqual(modern);
  });

  it('leaves the schema it was given as it was', () => {
    const older = Object.freeze({ items: [{}], additionalItems: false, type: 'ARRAY', nullable: true });
    expect(modernizeSchema(older)).toEqual({ prefixItems: [{}], items: false, type: ['array', 'null'] });
  });
});

describe('a reference beside other keywords', () => {
  const beside = { $ref: '#/definitions/a', maxLength: 1, definitions: { a: { type: 'string' } } };

  it.each<[name: string, dialect: Record<string, unknown>, valid: boolean]>([
    ['counts together with them', {}, false],
    [
      'counts together with them in draft 2019-09',
      { $schema: 'https://json-schema.org/draft/2019-09/schema' },
      false,
    ],
    ['counts alone in draft 7', { $schema: DRAFT_7 }, true],
    ['counts alone in draft 4', { $schema: 'http://json-schema.org/draft-04/schema#' }, true],
  ])('%s', (_, dialect, valid) => {
    const schema = JSON.stringify({ ...dialect, ...beside });
    expect(performCheck({ schema, text: '"ab"' })).toMatchObject({ kind: 'verdict', verdict: { valid } });
  });
});
