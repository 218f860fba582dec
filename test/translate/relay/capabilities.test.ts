import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { relayProblems, type ServerCapabilities } from '../../../src/translate/relay/capabilities.ts';
import { SERVER_KINDS, type ServerKind } from '../../../src/translate/relay/server-kinds.ts';
import type { JsonObject } from '../../../src/wire/validation/structure-checks.ts';
import { anyJson } from '../../wire/json-text/spaced-json.ts';

const NOTHING: ServerCapabilities = {
  images: false,
  audio: false,
  video: false,
  files: false,
  tools: false,
  json_schema: false,
  logprobs: false,
};

const EVERYTHING: ServerCapabilities = {
  images: true,
  audio: true,
  video: true,
  files: true,
  tools: true,
  json_schema: true,
  logprobs: true,
};

function found(
  body: JsonObject,
  capabilities: ServerCapabilities,
  kind: ServerKind = 'vllm',
): [string | null, string][] {
  return relayProblems(body, { traits: SERVER_KINDS[kind], capabilities }).map(({ param, code }) => [
    param,
    code,
  ]);
}

const withPart = (part: unknown): JsonObject => ({
  messages: [
    { role: 'system', content: 'x' },
    { role: 'user', content: [{ type: 'text', text: 'x' }, part] },
  ],
});

const imageUrl = (url: string): object => ({ type: 'image_url', image_url: { url } });
const inputAudio = (data: string, format: string): object => ({
  type: 'input_audio',
  input_audio: { data, format },
});

describe('media', () => {
  it.each<[string, object, keyof ServerCapabilities, string]>([
    ['an image', imageUrl('data:image/png;base64,AA'), 'images', 'image_url'],
    ['an image at an address', imageUrl('https://example.com/a.png'), 'images', 'image_url'],
    [
      'an image as a bare string',
      { type: 'image_url', image_url: 'data:image/png,AA' },
      'images',
      'image_url',
    ],
    ['an image without a type', imageUrl('AAAA'), 'images', 'image_url'],
    ['audio', inputAudio('AAAA', 'wav'), 'audio', 'input_audio'],
    ['audio at an address', { type: 'audio_url', audio_url: { url: 'https://a/b' } }, 'audio', 'audio_url'],
    ['a video', { type: 'video_url', video_url: { url: 'https://a/b' } }, 'video', 'video_url'],
    ['a file', { type: 'file', file: { file_data: 'data:image/png;base64,AA' } }, 'files', 'file'],
    ['a file by its id', { type: 'file', file: { file_id: 'abc' } }, 'files', 'file'],
    ['audio sent as an image', imageUrl('data:audio/wav;base64,AA'), 'audio', 'image_url'],
    ['a video sent as an image', imageUrl('DATA:Video/MP4;base64,AA'), 'video', 'image_url'],
    ['a PDF sent as an image', imageUrl('data:application/pdf;base64,AA'), 'files', 'image_url'],
    ['an image sent as audio', inputAudio('AAAA', 'image/png'), 'images', 'input_audio'],
    ['a video sent as audio', inputAudio('data:video/mp4;base64,AA', 'mp4'), 'video', 'input_audio'],
  ])('%s', (_, part, capability, member) => {
    const place = `messages[1].content[1].${member}`;
    const body = withPart(part);
    expect(found(body, { ...EVERYTHING, [capability]: false })).toEqual([[place, 'unsupported_media']]);
    expect(found(body, { [capability]: false })).toEqual([[place, 'unsupported_media']]);
    expect(found(body, { ...NOTHING, [capability]: true })).toEqual([]);
    expect(found(body, {})).toEqual([]);
  });

  it.each([
    imageUrl('gs://bucket/object.png'),
    { type: 'image_url', image_url: 'GS://bucket/object.png' },
    inputAudio('gs://bucket/a.mp3', 'audio/mp3'),
    { type: 'file', file: { file_id: 'gs://b/o', filename: 'x' } },
    imageUrl('https://example.com/a.png'),
  ])('elsewhere is no reason to refuse, since it can be fetched: %j', (part) => {
    for (const kind of ['vllm', 'openai', 'ollama'] as const)
      expect(found(withPart(part), {}, kind)).toEqual([]);
  });

  it.each([
    'a text',
    null,
    { type: 'text', text: 'gs://b/o', image_url: 'gs://b/o' },
    { type: 'image_url' },
    { type: 'image_url', image_url: 7 },
    { type: 'input_audio', input_audio: { data: null, format: 3 } },
    { image_url: { url: 'gs://b/o' } },
    imageUrl('/gs://b/o'),
  ])('%j is no reason to refuse', (part) => {
    expect(found(withPart(part), { tools: false }, 'ollama')).toEqual([]);
    expect(found({ messages: [{ role: 'user', content: part }] }, NOTHING, 'ollama')).toEqual([]);
  });

  it('says what to do', () => {
    const problems = relayProblems(withPart(imageUrl('gs://b/o')), {
      traits: SERVER_KINDS.ollama,
      capabilities: { images: false },
    });
    expect(problems.map(({ message }) => message)).toEqual([
      'is an image, which the model on this Ollama does not take; leave it out, or ask for a model that takes images',
    ]);
  });

  it('is named 100 times at most', () => {
    const content = Array.from({ length: 60 }, () => imageUrl('gs://b/o'));
    const body = { messages: [{ content }, { content }, { content }] };
    expect(found(body, { images: false })).toHaveLength(100);
  });
});

const refused = (path: string): [string, string][] => [[path, 'unsupported_parameter']];

describe('fields', () => {
  const tool = { type: 'function', function: { name: 'f' } };

  it.each<[keyof ServerCapabilities, string, unknown]>([
    ['tools', 'tools', [tool]],
    ['tools', 'functions', [{ name: 'f' }]],
    ['json_schema', 'response_format', { type: 'json_schema', json_schema: { name: 'a', schema: {} } }],
    ['json_schema', 'response_format', 'json_schema'],
    ['logprobs', 'logprobs', true],
  ])('without %s: %s %j', (capability, name, value) => {
    expect(found({ [name]: value }, { [capability]: false })).toEqual(refused(name));
    expect(found({ [name]: value }, { ...NOTHING, [capability]: true })).toEqual([]);
    expect(found({ [name]: value }, {})).toEqual([]);
    // What stands in extra_body is sent too, in its place.
    expect(found({ [name]: null, extra_body: { [name]: value } }, NOTHING)).toEqual(
      refused(`extra_body.${name}`),
    );
    expect(found({ extra_body: { extra_body: { [name]: value } } }, NOTHING)).toEqual(
      refused(`extra_body.extra_body.${name}`),
    );
    expect(found({ [name]: value, extra_body: { [name]: null } }, NOTHING)).toEqual([]);
  });

  it.each([
    { tools: [] },
    { tools: null, functions: [] },
    { tools: { a: 1 } },
    { response_format: { type: 'json_object' } },
    { response_format: { type: 'text' } },
    { response_format: 'json_object' },
    { response_format: ['json_schema'] },
    { logprobs: false },
    { logprobs: 'true' },
    { extra_body: 'tools', google: { tools: [tool] } },
    {},
  ])('%j can be sent to anybody', (body) => {
    expect(found(body, NOTHING)).toEqual([]);
  });

  it('say what to do', () => {
    const body = { tools: [tool], response_format: { type: 'json_schema' }, logprobs: true };
    const problems = relayProblems(body, { traits: SERVER_KINDS.vllm, capabilities: NOTHING });
    expect(problems.map(({ param, message }) => `${param} ${message}`)).toEqual([
      'tools cannot be used by the model on this vLLM; leave it out, or ask for another model',
      'response_format of type json_schema cannot be enforced for the model on this vLLM; send {"type":"json_object"} and describe the JSON in a message, or ask for another model',
      'logprobs cannot be had of the model on this vLLM; leave it out, or ask for another model',
    ]);
  });

  it('come behind the messages', () => {
    expect(
      found({ logprobs: true, ...withPart(imageUrl('gs://b/o')) }, NOTHING).map(([param]) => param),
    ).toEqual(['messages[1].content[1].image_url', 'logprobs']);
  });
});

it('any body can be looked at', () => {
  const body = fc.record({
    messages: anyJson,
    tools: anyJson,
    response_format: anyJson,
    extra_body: anyJson,
  });
  fc.assert(
    fc.property(body, (value) => {
      for (const { code } of relayProblems(value, { traits: SERVER_KINDS.ollama, capabilities: NOTHING }))
        expect(['unsupported_media', 'unsupported_parameter']).toContain(code);
    }),
  );
});
