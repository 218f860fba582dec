import { describe, expect, it } from 'vitest';
import { wantedSchema } from '../../../../src/backends/openai-compatible/structured-output/wanted-schema.ts';

const schema = { type: 'object' };
const format = (jsonSchema: unknown) => ({
  response_format: { type: 'json_schema', json_schema: jsonSchema },
});
const strict = format({ name: 'a', strict: true, schema });
const loose = format({ name: 'a', schema });

describe('wantedSchema', () => {
  it.each([
    { check: 'auto', isEnforced: false, request: strict, wanted: true },
    { check: 'auto', isEnforced: false, request: loose, wanted: false },
    { check: 'auto', isEnforced: false, request: format({ strict: false, schema }), wanted: false },
    { check: 'auto', isEnforced: false, request: format({ strict: 'true', schema }), wanted: false },
    { check: 'auto', isEnforced: true, request: strict, wanted: false },
    { check: 'always', isEnforced: true, request: strict, wanted: true },
    { check: 'always', isEnforced: true, request: loose, wanted: true },
    { check: 'always', isEnforced: false, request: loose, wanted: true },
    { check: 'never', isEnforced: false, request: strict, wanted: false },
    // What the server finds at the top level counts.
    { check: 'auto', isEnforced: false, request: { extra_body: strict }, wanted: true },
    {
      check: 'auto',
      isEnforced: false,
      request: { ...strict, extra_body: { response_format: { type: 'text' } } },
      wanted: false,
    },
  ] as const)(
    'with check: $check, enforced: $isEnforced, of $request: $wanted',
    ({ check, isEnforced, request, wanted }) => {
      expect(wantedSchema(request, { check, isEnforced })).toEqual(wanted ? schema : undefined);
    },
  );

  it.each([
    {},
    { response_format: null },
    { response_format: 'json_schema' },
    { response_format: { type: 'json_object' } },
    { response_format: { type: 'json_schema' } },
    format(null),
    format([]),
    format({ strict: true }),
    format({ strict: true, schema: 'object' }),
    format({ strict: true, schema: null }),
    format({ strict: true, schema: [] }),
  ])('is none in %j', (request) => {
    expect(wantedSchema(request, { check: 'always', isEnforced: false })).toBeUndefined();
  });

  it.each([true, false])('may be %j', (value) => {
    expect(wantedSchema(format({ schema: value }), { check: 'always', isEnforced: false })).toBe(value);
  });
});
