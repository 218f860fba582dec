import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SERVER_KIND_NAMES, SERVER_KINDS } from '../../../src/translate/relay/server-kinds.ts';
import { toServerRequest } from '../../../src/translate/relay/to-server-request.ts';
import type { JsonObject } from '../../../src/wire/validation/structure-checks.ts';
import { anyJson, anyObject, spelledJson } from '../../wire/json-text/spaced-json.ts';
import { relayedBody } from './reference-edits.ts';

describe('any request', () => {
  const text = fc.constantFrom('developer', 'user', 'a', 'gs://b/o', '');
  const part = fc.oneof(
    anyJson,
    fc.record(
      {
        type: fc.constantFrom('text', 'image_url', 'video_url', 'audio_url', 'input_audio', 'file'),
        text,
        image_url: fc.oneof(text, fc.record({ url: text }), anyJson),
        video_url: fc.oneof(text, fc.record({ url: text })),
        audio_url: text,
        input_audio: fc.oneof(
          anyJson,
          fc.record({
            data: text,
            format: fc.constantFrom('wav', 'audio/mp3', 'audio/x-wav', 'AUDIO/ogg;a=b', ''),
          }),
        ),
        extra_content: anyJson,
      },
      { requiredKeys: ['type'] },
    ),
  );
  const message = fc.oneof(
    { weight: 1, arbitrary: anyJson },
    {
      weight: 4,
      arbitrary: fc.record(
        {
          role: fc.oneof(text, anyJson),
          content: fc.oneof(text, fc.array(part, { maxLength: 3 }), anyJson),
          extra_content: anyJson,
          tool_calls: fc.oneof(
            anyJson,
            fc.array(
              fc.oneof(anyJson, fc.record({ id: text, extra_content: anyJson }, { requiredKeys: [] })),
              {
                maxLength: 3,
              },
            ),
          ),
        },
        { requiredKeys: [] },
      ),
    },
  );
  const extraBody = fc.oneof(
    anyJson,
    fc.record(
      {
        google: anyJson,
        top_k: fc.nat(),
        model: text,
        stream: fc.boolean(),
        max_completion_tokens: fc.oneof(fc.nat(), fc.constant(null)),
        max_tokens: fc.nat(),
        extra_body: fc.oneof(anyJson, fc.record({ google: anyJson, top_k: fc.nat(), extra_body: anyObject })),
      },
      { requiredKeys: [] },
    ),
  );
  const body = fc
    .tuple(
      anyObject,
      fc.record(
        {
          model: fc.oneof(text, anyJson),
          messages: fc.oneof(fc.array(message, { maxLength: 4 }), anyJson),
          google: anyJson,
          extra_body: extraBody,
          max_tokens: fc.oneof(fc.nat(), anyJson),
          max_completion_tokens: fc.oneof(fc.nat(), anyJson),
        },
        { requiredKeys: [] },
      ),
      fc.boolean(),
    )
    .map(
      ([other, known, first]) =>
        Object.assign({}, ...(first ? [known, other] : [other, known])) as JsonObject,
    );

  it('says what the contract wants, and nothing else is changed', () => {
    fc.assert(
      fc.property(
        spelledJson(body),
        fc.constantFrom(...SERVER_KIND_NAMES),
        fc.option(fc.constant('served'), { nil: undefined }),
        (given, kind, model) => {
          const traits = SERVER_KINDS[kind];
          const request = toServerRequest(given, { traits, model });
          const expected = relayedBody(given.value, traits, model);
          expect(JSON.parse(request.text)).toEqual(expected);
          const isAsBefore = request.changes.length === 0 && isDeepStrictEqual(expected, given.value);
          expect(isAsBefore ? request.text : given.text).toBe(given.text);
          expect(request.ignored.length).toBeLessThanOrEqual(request.changes.length);
          expect(new Set(request.ignored).size).toBe(request.ignored.length);
        },
      ),
      { numRuns: 500 },
    );
  });
});
