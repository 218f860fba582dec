import { describe, expect, it } from 'vitest';
import { validateChatRequest } from '../../../src/wire/openai/validate-request.ts';

const user = { role: 'user', content: 'go on' };
const callF = { id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } };

function validate(...messages: unknown[]) {
  return validateChatRequest({ messages }, { modelRequired: false });
}

/** A user message with one part. */
const withPart = (part: unknown): unknown => ({ role: 'user', content: [part] });

/** An assistant message with one call, and its answer. */
const withCall = (call: Record<string, unknown>): unknown[] => [
  { role: 'assistant', tool_calls: [call] },
  { role: 'tool', tool_call_id: typeof call['id'] === 'string' ? call['id'] : 'a', content: '' },
];

describe('messages accepted', () => {
  it.each<[string, unknown[]]>([
    [
      'all roles',
      [
        { role: 'system', content: 'a' },
        { role: 'developer', content: 'b' },
        user,
        { role: 'model', content: 'c' },
      ],
    ],
    [
      'names',
      [
        { ...user, name: 'Ann' },
        { ...user, name: null },
      ],
    ],
    [
      'text parts of every type',
      [
        {
          role: 'system',
          content: ['text', 'input_text', 'output_text'].map((type) => ({ type, text: '' })),
        },
        user,
      ],
    ],
    [
      'image_url',
      [
        withPart({
          type: 'image_url',
          image_url: { url: 'data:image/png;base64,AA==', detail: 'ultra_high' },
        }),
      ],
    ],
    ['image_url as a string', [withPart({ type: 'image_url', image_url: 'gs://bucket/cat.png' })]],
    [
      'input_audio',
      [withPart({ type: 'input_audio', input_audio: { data: 'gs://bucket/a.mp3', format: 'audio/mp3' } })],
    ],
    ['file by data', [withPart({ type: 'file', file: { file_data: 'AA==', filename: 'a.pdf' } })]],
    ['file by id', [withPart({ type: 'file', file: { file_id: 'files/abc', file_data: null } })]],
    [
      'video_url and audio_url',
      [
        {
          role: 'user',
          content: [
            { type: 'video_url', video_url: { url: 'u' } },
            { type: 'audio_url', audio_url: 'u' },
          ],
        },
      ],
    ],
    [
      'a part with other members',
      [
        withPart({
          type: 'text',
          text: 'x',
          prompt_cache_breakpoint: { mode: 'm' },
          extra_content: { google: { thought: true } },
        }),
      ],
    ],
    ['refusal part', [user, { role: 'assistant', content: [{ type: 'refusal', refusal: 'no' }] }]],
    [
      'media from the assistant',
      [user, { role: 'assistant', content: [{ type: 'image_url', image_url: 'u' }] }, user],
    ],
    ['assistant without content but a refusal', [user, { role: 'assistant', content: null, refusal: 'no' }]],
    ['assistant without content but reasoning', [user, { role: 'assistant', reasoning_content: 'hm' }]],
    ['assistant without content but audio', [user, { role: 'assistant', audio: { id: 'a' } }]],
    ['assistant with empty content', [user, { role: 'assistant', content: '' }]],
    ['call without content', withCall(callF)],
    [
      'call beside empty content',
      [
        { role: 'assistant', content: '', tool_calls: [callF] },
        { role: 'tool', tool_call_id: 'a', content: 'x' },
      ],
    ],
    ['call without type', withCall({ id: 'a', function: { name: 'f', arguments: '' } })],
    [
      'call with a null type',
      withCall({ id: 'a', type: null, function: { name: 'f', arguments: ' {"a": [1]} ' } }),
    ],
    ['custom call', withCall({ id: 'a', type: 'custom', custom: { name: 'f', input: 'free text {' } })],
    [
      'call with a signature and an index',
      withCall({ ...callF, index: 0, extra_content: { google: { thought_signature: 'AA==' } } }),
    ],
    ['empty id', withCall({ ...callF, id: '' })],
    ['a very long id', withCall({ ...callF, id: 'x'.repeat(50_000) })],
    [
      'tool message with media',
      [
        ...withCall(callF).slice(0, 1),
        {
          role: 'tool',
          tool_call_id: 'a',
          content: [
            { type: 'text', text: 'see' },
            { type: 'image_url', image_url: 'u' },
          ],
        },
      ],
    ],
    [
      'deprecated function call',
      [
        user,
        { role: 'assistant', function_call: { name: 'f', arguments: '' } },
        { role: 'function', name: 'f', content: null },
      ],
    ],
    [
      'both call fields, one empty',
      [
        { role: 'assistant', tool_calls: [], function_call: { name: 'f', arguments: '' } },
        { role: 'function', name: 'f', content: '' },
      ],
    ],
    ['empty user message beside another', [{ role: 'user', content: '' }, user]],
    [
      'empty user message with a system message between',
      [{ role: 'user', content: [] }, { role: 'system', content: '' }, user],
    ],
    ['white space', [{ role: 'user', content: ' ' }]],
    ['assistant only', [{ role: 'assistant', content: 'x' }]],
    ['a message again, by reference', [user, user]],
    ['astral characters', [{ role: 'user', content: '😀\u0000' }]],
  ])('%s', (_, messages) => {
    expect(validate(...messages)).toEqual([]);
  });
});

describe('messages refused', () => {
  it.each<[string, unknown, string, string]>([
    ['no object', 'hi', 'messages[0]', 'must be a message object, not the string "hi"'],
    ['null', null, 'messages[0]', 'not null'],
    ['no role', { content: 'x' }, 'messages[0].role', 'is required'],
    [
      'unknown role',
      { role: 'User', content: 'x' },
      'messages[0].role',
      '"system", "developer", "user", "assistant", "model", "tool", "function", not the string "User"',
    ],
    ['role of a wrong type', { role: ['user'], content: 'x' }, 'messages[0].role', 'not an array'],
    ['no content', { role: 'user' }, 'messages[0].content', 'is required'],
    ['null content', { role: 'user', content: null }, 'messages[0].content', 'must not be null'],
    [
      'object content',
      { role: 'user', content: { text: 'x' } },
      'messages[0].content',
      'a string or an array of content parts',
    ],
    ['numeric content', { role: 'user', content: 5 }, 'messages[0].content', 'not the number 5'],
    ['part that is a string', withPart('x'), 'messages[0].content[0]', 'must be a content part object'],
    ['part without type', withPart({ text: 'x' }), 'messages[0].content[0].type', 'is required'],
    [
      'unknown part type',
      withPart({ type: 'hologram' }),
      'messages[0].content[0].type',
      'not the string "hologram"',
    ],
    [
      'refusal from the user',
      withPart({ type: 'refusal', refusal: 'x' }),
      'messages[0].content[0].type',
      'not the string "refusal"',
    ],
    ['text part without text', withPart({ type: 'text' }), 'messages[0].content[0].text', 'is required'],
    [
      'text of a wrong type',
      withPart({ type: 'input_text', text: 5 }),
      'messages[0].content[0].text',
      'must be a string',
    ],
    [
      'image part without image',
      withPart({ type: 'image_url' }),
      'messages[0].content[0].image_url',
      'is required',
    ],
    [
      'image without url',
      withPart({ type: 'image_url', image_url: {} }),
      'messages[0].content[0].image_url.url',
      'is required',
    ],
    [
      'empty url',
      withPart({ type: 'image_url', image_url: '' }),
      'messages[0].content[0].image_url',
      'non-empty',
    ],
    [
      'url of a wrong type',
      withPart({ type: 'image_url', image_url: { url: null } }),
      'messages[0].content[0].image_url.url',
      'must not be null',
    ],
    [
      'unknown detail',
      withPart({ type: 'image_url', image_url: { url: 'u', detail: 'best' } }),
      'messages[0].content[0].image_url.detail',
      '"ultra_high"',
    ],
    [
      'audio without format',
      withPart({ type: 'input_audio', input_audio: { data: 'x' } }),
      'messages[0].content[0].input_audio.format',
      'is required',
    ],
    [
      'audio without data',
      withPart({ type: 'input_audio', input_audio: { format: 'wav' } }),
      'messages[0].content[0].input_audio.data',
      'is required',
    ],
    [
      'file with neither',
      withPart({ type: 'file', file: { filename: 'a' } }),
      'messages[0].content[0].file',
      'found neither',
    ],
    [
      'file with both',
      withPart({ type: 'file', file: { file_data: 'x', file_id: 'y' } }),
      'messages[0].content[0].file',
      'found both',
    ],
    [
      'video part without url',
      withPart({ type: 'video_url', video_url: {} }),
      'messages[0].content[0].video_url.url',
      'is required',
    ],
    [
      'extra_content that is no object',
      { ...user, extra_content: 'x' },
      'messages[0].extra_content',
      'must be an object',
    ],
    [
      'extra_content.google that is no object',
      { ...user, extra_content: { google: [] } },
      'messages[0].extra_content.google',
      'must be an object',
    ],
    [
      'signature of a wrong type',
      { ...user, extra_content: { google: { thought_signature: 5 } } },
      'messages[0].extra_content.google.thought_signature',
      'must be a string',
    ],
    [
      'thought flag of a wrong type',
      { ...user, extra_content: { vertex: { thought: 'yes' } } },
      'messages[0].extra_content.vertex.thought',
      'true or false',
    ],
    [
      'extra_content of a part',
      withPart({ type: 'text', text: 'x', extra_content: 1 }),
      'messages[0].content[0].extra_content',
      'must be an object',
    ],
    ['name of a wrong type', { ...user, name: 5 }, 'messages[0].name', 'must be a string'],
    ['name with NUL', { ...user, name: 'a\0' }, 'messages[0].name', 'control characters'],
    ['lone surrogate', { role: 'user', content: 'a\ud83d' }, 'messages[0].content', 'surrogate'],
    ['lone surrogate in an unknown member', { ...user, x: { y: '\udc00' } }, 'messages[0].x.y', 'surrogate'],
    [
      'assistant that says nothing',
      { role: 'assistant', content: null },
      'messages[0].content',
      'is required in an assistant message',
    ],
    [
      'assistant with empty calls only',
      { role: 'assistant', tool_calls: [] },
      'messages[0].content',
      'is required in an assistant message',
    ],
    [
      'tool_calls that are no array',
      { role: 'assistant', content: '', tool_calls: {} },
      'messages[0].tool_calls',
      'must be an array',
    ],
    [
      'a call that is no object',
      { role: 'assistant', tool_calls: ['f'] },
      'messages[0].tool_calls[0]',
      'must be an object',
    ],
    [
      'unknown call type',
      { role: 'assistant', tool_calls: [{ ...callF, type: 'x' }] },
      'messages[0].tool_calls[0].type',
      '"function", "custom"',
    ],
    [
      'call without id',
      { role: 'assistant', tool_calls: [{ function: callF.function }] },
      'messages[0].tool_calls[0].id',
      'is required',
    ],
    [
      'call id with a line break',
      { role: 'assistant', tool_calls: [{ ...callF, id: 'a\nb' }] },
      'messages[0].tool_calls[0].id',
      'control characters',
    ],
    [
      'call without function',
      { role: 'assistant', tool_calls: [{ id: 'a' }] },
      'messages[0].tool_calls[0].function',
      'is required',
    ],
    [
      'call without name',
      { role: 'assistant', tool_calls: [{ id: 'a', function: { arguments: '' } }] },
      'messages[0].tool_calls[0].function.name',
      'is required',
    ],
    [
      'call with an empty name',
      { role: 'assistant', tool_calls: [{ id: 'a', function: { name: '', arguments: '' } }] },
      'messages[0].tool_calls[0].function.name',
      'non-empty',
    ],
    [
      'custom call without custom',
      { role: 'assistant', tool_calls: [{ id: 'a', type: 'custom' }] },
      'messages[0].tool_calls[0].custom',
      'is required',
    ],
    [
      'function_call without arguments',
      { role: 'assistant', function_call: { name: 'f' } },
      'messages[0].function_call.arguments',
      'is required',
    ],
    [
      'reasoning of a wrong type',
      { role: 'assistant', content: 'x', reasoning_content: {} },
      'messages[0].reasoning_content',
      'must be a string',
    ],
    ['tool without id', { role: 'tool', content: 'x' }, 'messages[0].tool_call_id', 'is required'],
    [
      'tool with null content',
      { role: 'tool', tool_call_id: 'a', content: null },
      'messages[0].content',
      'must not be null',
    ],
    ['function without name', { role: 'function', content: 'x' }, 'messages[0].name', 'is required'],
    [
      'image in a system message',
      { role: 'system', content: [{ type: 'image_url', image_url: 'u' }] },
      'messages[0].content[0].type',
      'one of "text", "input_text", "output_text"',
    ],
    ['null system content', { role: 'developer', content: null }, 'messages[0].content', 'must not be null'],
  ])('%s', (_, message, param, text) => {
    const problems = validate(message, user);
    expect(problems.map((problem) => problem.param)).toEqual([param]);
    expect(problems[0]?.message).toContain(text);
  });

  it.each([
    { name: 'array', text: '[]' },
    { name: 'number', text: '1' },
    { name: 'string', text: '"x"' },
    { name: 'null', text: 'null' },
    { name: 'cut off', text: '{' },
    { name: 'single quotes', text: "{'a':1}" },
    { name: 'raw line break', text: '{"a":"\n"}' },
    { name: 'two objects', text: '{} {}' },
    { name: 'a million open brackets', text: '['.repeat(1_000_000) },
    { name: '201 levels', text: `{"a":${'['.repeat(200)}${']'.repeat(200)}}` },
  ])('arguments: $name', ({ text }) => {
    const call = { id: 'a', function: { name: 'f', arguments: text } };
    const problems = validate({ role: 'assistant', tool_calls: [call] }, user);
    expect(problems.map(({ param }) => param)).toEqual(['messages[0].tool_calls[0].function.arguments']);
    expect(problems[0]?.message).toContain('must be a JSON object as text');
  });

  it('arguments that are an object instead of text', () => {
    const call = { id: 'a', function: { name: 'f', arguments: { a: 1 } } };
    expect(validate({ role: 'assistant', tool_calls: [call] }, user)).toEqual([
      {
        param: 'messages[0].tool_calls[0].function.arguments',
        message: 'must be a string, not an object',
        code: 'invalid_argument',
      },
    ]);
  });

  it('tool_calls and function_call in one message', () => {
    const both = { role: 'assistant', tool_calls: [callF], function_call: { name: 'f', arguments: '' } };
    const problems = validate(both, { role: 'tool', tool_call_id: 'a', content: '' });
    expect(problems.map(({ param }) => param)).toEqual(['messages[0].function_call']);
  });
});
