import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  SERVER_KIND_NAMES,
  SERVER_KINDS,
  type ServerKind,
} from '../../../src/translate/relay/server-kinds.ts';
import { type ServerRequest, toServerRequest } from '../../../src/translate/relay/to-server-request.ts';
import type { InlinedMedia } from '../../../src/translate/media-references.ts';
import type { JsonObject } from '../../../src/wire/validation/structure-checks.ts';
import { relayedBody } from './reference-edits.ts';

function relayed(text: string, kind: ServerKind = 'vllm', model?: string): ServerRequest {
  return toServerRequest(
    { text, value: JSON.parse(text) as JsonObject },
    { traits: SERVER_KINDS[kind], model },
  );
}

const paths = ({ changes }: ServerRequest): string[] => changes.map(({ path, what }) => `${what} ${path}`);

describe('model', () => {
  it.each<[string, string, string]>([
    ['is replaced', '{"model":"google/gemma","x":1}', '{"model":"gemma-2","x":1}'],
    ['is replaced wherever it stands', '{"x": 1.0,\n "model" : "a" }', '{"x": 1.0,\n "model" : "gemma-2" }'],
    ['is added', '{"messages":[]}', '{"messages":[],"model":"gemma-2"}'],
    ['is added to nothing', '{ }', '{"model":"gemma-2" }'],
    ['is replaced when empty or null', '{"model":"","x":{"model":1}}', '{"model":"gemma-2","x":{"model":1}}'],
    ['is replaced each time', '{"model":"a","model":"b"}', '{"model":"gemma-2","model":"gemma-2"}'],
    ['is found in any spelling', String.raw`{"\u006dodel":null}`, String.raw`{"\u006dodel":"gemma-2"}`],
    ['stays when it is right', '{"model": "gemma-2"}', '{"model": "gemma-2"}'],
  ])('%s', (_, text, expected) => {
    expect(relayed(text, 'vllm', 'gemma-2').text).toBe(expected);
  });

  it('stays what the client wrote without a configured name', () => {
    const text = '{"model":"a","model":"b"}';
    expect(relayed(text)).toEqual({ text, hidesUsage: false, ignored: [], changes: [] });
    expect(relayed('{}').text).toBe('{}');
  });

  it('is escaped', () => {
    expect(relayed('{}', 'vllm', 'a"\\b').text).toBe(String.raw`{"model":"a\"\\b"}`);
  });
});

describe('what nobody names stays byte for byte', () => {
  it.each([
    '{"z":1,"a":2,"messages":[{"content":"x","role":"user"}]}',
    '{ "temperature" : 1.00 , "seed": 9007199254740993, "big": 1e400, "small": -0.0 }',
    '{"top_k":1,"top_k":2}',
    String.raw`{"text":"\u00e9\/\ud800"}`,
    '{"guided_json":{"model":"x","extra_body":{"google":1},"extra_content":2}}',
    '{"tools":[{"type":"function","extra_content":{"google":{}},"function":{"name":"f"}}]}',
    '\r\n{\t}\n',
  ])('%s', (text) => {
    for (const kind of SERVER_KIND_NAMES)
      expect(relayed(text, kind)).toEqual({ text, hidesUsage: false, ignored: [], changes: [] });
  });
});

describe('google and extra_body', () => {
  it.each<[string, string, string, string[]]>([
    ['google goes', '{"google":{"a":1},"x":1}', '{"x":1}', ['google']],
    ['google goes each time', '{"google":1,"x":1,"google":{}}', '{"x":1}', ['google']],
    ['google that is null goes silently', '{"x":1,"google":null}', '{"x":1}', []],
    ['extra_body.google goes', '{"extra_body":{"google":{"a":1}},"x":1}', '{"x":1}', ['extra_body.google']],
    ['both go', '{"x":1,"google":{},"extra_body":{"google":{}}}', '{"x":1}', ['google', 'extra_body.google']],
    ['an empty extra_body goes', '{"x":1,"extra_body":{}}', '{"x":1}', []],
    ['extra_body that is null goes silently', '{"extra_body":null}', '{}', []],
    ['extra_body.google that is null goes silently', '{"extra_body":{"google":null}}', '{}', []],
    ['other keys are lifted', '{"extra_body":{"top_k": 5.0},"x":1}', '{"x":1,"top_k":5.0}', []],
    [
      'beside google, several, of every kind',
      '{"x":1, "extra_body":{"b":[1, {"c": null}],"google":{},"a b":"\\u00e9"}}',
      '{"x":1,"b":[1, {"c": null}],"a b":"\\u00e9"}',
      ['extra_body.google'],
    ],
    ['lifted keys replace what stands there', '{"top_k":1,"extra_body":{"top_k":5}}', '{"top_k":5}', []],
    ['each time it stands there', '{"a":1,"a":2,"extra_body":{"a":3,"a":4}}', '{"a":4,"a":4}', []],
    ['a null is lifted', '{"a":1,"extra_body":{"a":null}}', '{"a":null}', []],
    [
      'a doubled extra_body is unwrapped',
      '{"extra_body":{"extra_body":{"google":{},"top_k":5}}}',
      '{"top_k":5}',
      ['extra_body.extra_body.google'],
    ],
    [
      'in a doubled one the inner counts more',
      '{"a":0,"extra_body":{"extra_body":{"a":2},"a":1,"b":1}}',
      '{"a":2,"b":1}',
      [],
    ],
    ['a doubled one that is null', '{"extra_body":{"extra_body":null,"a":1}}', '{"a":1}', []],
    [
      'a doubled one that is no object',
      '{"extra_body":{"extra_body":[1],"a":1}}',
      '{"a":1}',
      ['extra_body.extra_body'],
    ],
    [
      'a tripled one',
      '{"extra_body":{"extra_body":{"extra_body":{"a":1}}}}',
      '{}',
      ['extra_body.extra_body.extra_body'],
    ],
    ['repeated extra_body: the last counts', '{"extra_body":{"a":1},"extra_body":{"b":2}}', '{"b":2}', []],
    [
      'what was settled before is not lifted',
      '{"stream":false,"extra_body":{"stream":true,"model":"x","messages":[]}}',
      '{"stream":false}',
      ['extra_body.stream', 'extra_body.model', 'extra_body.messages'],
    ],
    ['extra_body of another type is for the server', '{"extra_body":"x"}', '{"extra_body":"x"}', []],
    ['extra_body that is an array too', '{"extra_body":[{"google":1}]}', '{"extra_body":[{"google":1}]}', []],
    [
      '__proto__ is a key like any other',
      '{"extra_body":{"__proto__":{"a":1}}}',
      '{"__proto__":{"a":1}}',
      [],
    ],
  ])('%s', (_, text, expected, ignored) => {
    const request = relayed(text);
    expect(request.text).toBe(expected);
    expect(request.ignored).toEqual(ignored);
  });

  it('says what it did', () => {
    expect(relayed('{"google":{},"extra_body":{"top_k":1,"google":{}}}', 'vllm', 'm').changes).toEqual([
      { path: 'google', what: 'removed', note: 'meant for Gemini' },
      { path: 'extra_body.top_k', what: 'lifted', note: 'sent as top_k at the top level' },
      { path: 'extra_body.google', what: 'removed', note: 'meant for Gemini' },
      { path: 'model', what: 'set', note: '"m", as the server knows it' },
    ]);
  });
});

describe('extra_content', () => {
  it.each<[string, string, string, string[]]>([
    [
      'of a message',
      '{"messages":[{"role":"user","extra_content":{"google":{}},"content":"x"}]}',
      '{"messages":[{"role":"user","content":"x"}]}',
      ['messages[0].extra_content'],
    ],
    [
      'of a part',
      '{"messages":[1,{"content":[{"type":"text"},{"extra_content":{},"type":"text"}]}]}',
      '{"messages":[1,{"content":[{"type":"text"},{"type":"text"}]}]}',
      ['messages[1].content[1].extra_content'],
    ],
    [
      'of a call',
      '{"messages":[{"tool_calls":[{"id":"a","extra_content":{"google":{"thought_signature":"s"}}}]}]}',
      '{"messages":[{"tool_calls":[{"id":"a"}]}]}',
      ['messages[0].tool_calls[0].extra_content'],
    ],
    [
      'everywhere, each time',
      '{"messages":[{"extra_content":1,"content":[{"extra_content":2}],"extra_content":3,"tool_calls":[{"extra_content":4}]}]}',
      '{"messages":[{"content":[{}],"tool_calls":[{}]}]}',
      [
        'messages[0].extra_content',
        'messages[0].content[0].extra_content',
        'messages[0].tool_calls[0].extra_content',
      ],
    ],
    ['that is null', '{"messages":[{"extra_content":null,"a":1}]}', '{"messages":[{"a":1}]}', []],
    [
      'in other places stays',
      '{"messages":[{"content":{"extra_content":1},"function":{"extra_content":1}}],"extra_content":1}',
      '{"messages":[{"content":{"extra_content":1},"function":{"extra_content":1}}],"extra_content":1}',
      [],
    ],
  ])('%s', (_, text, expected, ignored) => {
    const request = relayed(text);
    expect(request.text).toBe(expected);
    expect(request.ignored).toEqual(ignored);
  });

  it('is named 100 times at most', () => {
    const message = '{"role":"user","content":"x","extra_content":{}}';
    const request = relayed(`{"messages":[${Array.from({ length: 150 }, () => message).join(', ')}]}`);
    expect(request.ignored).toHaveLength(100);
    expect(request.changes).toHaveLength(100);
    expect(request.text).not.toContain('extra_content');
  });
});

/** A request with content parts. */
const withParts = (json: string): string => `{"messages":[{"role":"user","content":[${json}]}]}`;

describe('media', () => {
  it.each<[string, string]>([
    ['{"type":"image_url","image_url":"gs://b/o"}', '{"type":"image_url","image_url":{"url":"gs://b/o"}}'],
    [
      String.raw`{"video_url": "data:video\/mp4;base64,AA" , "type":"video_url"}`,
      String.raw`{"video_url": {"url":"data:video\/mp4;base64,AA"} , "type":"video_url"}`,
    ],
    ['{"type":"audio_url","audio_url":""}', '{"type":"audio_url","audio_url":{"url":""}}'],
    [
      '{"type":"image_url","image_url":"a","extra_content":{}}',
      '{"type":"image_url","image_url":{"url":"a"}}',
    ],
    [
      '{"type":"input_audio","input_audio":{"data":"AA","format":"audio/mp3"}}',
      '{"type":"input_audio","input_audio":{"data":"AA","format":"mp3"}}',
    ],
    [
      '{"type":"input_audio","input_audio":{ "format" : "audio/mpeg" }}',
      '{"type":"input_audio","input_audio":{ "format" : "mp3" }}',
    ],
    [
      '{"type":"input_audio","input_audio":{"format":"audio/wav"}}',
      '{"type":"input_audio","input_audio":{"format":"wav"}}',
    ],
    [
      '{"type":"input_audio","input_audio":{"format":"audio/x-wav"}}',
      '{"type":"input_audio","input_audio":{"format":"wav"}}',
    ],
    [
      '{"type":"input_audio","input_audio":{"format":"Audio/FLAC; rate=16000"}}',
      '{"type":"input_audio","input_audio":{"format":"flac"}}',
    ],
  ])('%s', (given, expected) => {
    expect(relayed(withParts(given)).text).toBe(withParts(expected));
    expect(relayed(withParts(given)).ignored).toEqual(
      given.includes('extra') ? ['messages[0].content[0].extra_content'] : [],
    );
  });

  it.each([
    '{"type":"image_url","image_url":{"url":"x","detail":"low"}}',
    '{"type":"image_url","image_url":null}',
    '{"type":"image_url"}',
    '{"type":"text","text":"x","image_url":"y"}',
    '{"type":["image_url"],"image_url":"y"}',
    '{"image_url":"y"}',
    '{"type":"input_audio","input_audio":{"data":"AA","format":"wav"}}',
    '{"type":"input_audio","input_audio":{"format":"image/png"}}',
    '{"type":"input_audio","input_audio":{"format":7}}',
    '{"type":"input_audio","input_audio":"audio/wav"}',
    '{"type":"file","file":{"file_data":"x"}}',
    '"image_url"',
    'null',
    '[{"type":"image_url","image_url":"y"}]',
  ])('%s stays', (json) => {
    expect(relayed(withParts(json))).toEqual({
      text: withParts(json),
      hidesUsage: false,
      ignored: [],
      changes: [],
    });
  });

  it('says what it did', () => {
    const text = withParts(
      '{"type":"image_url","image_url":"a"},{"type":"input_audio","input_audio":{"format":"audio/mp3"}}',
    );
    expect(paths(relayed(text))).toEqual([
      'rewritten messages[0].content[0].image_url',
      'rewritten messages[0].content[1].input_audio.format',
    ]);
  });

  it('a large image is not taken apart', () => {
    const image = `"data:image/png;base64,${'QUJD'.repeat(500_000)}"`;
    const text = withParts(`{"type":"image_url","image_url":${image}}`);
    expect(relayed(text).text).toBe(withParts(`{"type":"image_url","image_url":{"url":${image}}}`));
  });
});

describe('differences between servers', () => {
  const developer = '{"messages":[{"role":"user"},{"role": "developer","content":"x"},{"role":"developer"}]}';

  it.each<[ServerKind, boolean]>([
    ['vllm', false],
    ['sglang', false],
    ['openai', false],
    ['tgi', true],
    ['llamacpp', true],
    ['ollama', true],
  ])('%s: developer becomes system: %s', (kind, becomesSystem) => {
    const request = relayed(developer, kind);
    expect(request.text).toBe(becomesSystem ? developer.replaceAll('developer', 'system') : developer);
    expect(paths(request)).toEqual(
      becomesSystem ? ['rewritten messages[1].role', 'rewritten messages[2].role'] : [],
    );
    expect(request.ignored).toEqual([]);
  });

  it.each<[string, string]>([
    ['{"max_completion_tokens":1e2}', '{"max_completion_tokens":1e2,"max_tokens":1e2}'],
    ['{"max_tokens":5,"max_completion_tokens":7}', '{"max_tokens":7,"max_completion_tokens":7}'],
    ['{"max_tokens":5}', '{"max_tokens":5}'],
    ['{"max_completion_tokens":null,"max_tokens":5}', '{"max_completion_tokens":null,"max_tokens":5}'],
    ['{"max_completion_tokens":"7"}', '{"max_completion_tokens":"7"}'],
    ['{"extra_body":{"max_completion_tokens":9}}', '{"max_completion_tokens":9,"max_tokens":9}'],
    [
      '{"max_completion_tokens":7,"extra_body":{"max_tokens":3}}',
      '{"max_completion_tokens":7,"max_tokens":7}',
    ],
    [
      '{"max_completion_tokens":7,"extra_body":{"max_completion_tokens":9}}',
      '{"max_completion_tokens":9,"max_tokens":9}',
    ],
    [
      '{"max_tokens":1,"max_tokens":2,"max_completion_tokens":3}',
      '{"max_tokens":3,"max_tokens":3,"max_completion_tokens":3}',
    ],
  ])('tgi and ollama: %s', (text, expected) => {
    expect(relayed(text, 'tgi').text).toBe(expected);
    expect(relayed(text, 'ollama').text).toBe(expected);
  });
});

describe('max_completion_tokens of other servers', () => {
  it.each<ServerKind>(['vllm', 'sglang', 'llamacpp', 'openai'])('stays alone: %s', (kind) => {
    const text = '{"max_tokens":5,"max_completion_tokens":7}';
    expect(relayed(text, kind)).toEqual({ text, hidesUsage: false, ignored: [], changes: [] });
  });
});

describe('repeated names', () => {
  it('in messages: what a parser takes is changed', () => {
    const first = '[{"role":"developer","extra_content":{}}]';
    expect(relayed(`{"messages":${first},"messages":${first}}`, 'tgi').text).toBe(
      `{"messages":${first},"messages":[{"role":"system"}]}`,
    );
    expect(
      relayed('{"messages":[{"content":[{"extra_content":1}],"content":[{"extra_content":2}]}]}').text,
    ).toBe('{"messages":[{"content":[{"extra_content":1}],"content":[{}]}]}');
  });

  it('of a role are all rewritten', () => {
    expect(relayed('{"messages":[{"role":"user","role":"developer"}]}', 'tgi').text).toBe(
      '{"messages":[{"role":"system","role":"system"}]}',
    );
  });
});

describe('requests other clients have sent', () => {
  const folder = new URL('../../recordings/', import.meta.url);
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => name.endsWith('.json') && !/^(?:gemini-developer|vertex)\//.test(name))
    .toSorted();

  const bodyOf = (file: string): JsonObject | null =>
    (JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as { request: { body: JsonObject | null } })
      .request.body;

  it('are here', () => {
    expect(files.length).toBeGreaterThanOrEqual(30);
  });

  it.each(files)('%s', (file) => {
    const body = bodyOf(file) ?? {};
    for (const kind of SERVER_KIND_NAMES) {
      for (const space of [undefined, 2]) {
        const text = JSON.stringify(body, undefined, space);
        const request = relayed(text, kind, 'served');
        expect(JSON.parse(request.text)).toEqual(relayedBody(body, SERVER_KINDS[kind], 'served'));
      }
    }
  });
});

const counted = (text: string) =>
  toServerRequest(
    { text, value: JSON.parse(text) as JsonObject },
    { traits: SERVER_KINDS.vllm, model: undefined, countsTokens: true },
  );

describe('token counts', () => {
  it.each<[name: string, text: string, expected: string]>([
    ['of a stream', '{"stream":true}', '{"stream":true,"stream_options":{"include_usage":true}}'],
    [
      'beside other options',
      '{"stream_options":{"include_obfuscation":false},"stream":true}',
      '{"stream_options":{"include_obfuscation":false,"include_usage":true},"stream":true}',
    ],
    [
      'that the client does not want',
      '{"stream":true,"stream_options":{"include_usage":false}}',
      '{"stream":true,"stream_options":{"include_usage":true}}',
    ],
    [
      'with options of null',
      '{"stream":true,"stream_options":null}',
      '{"stream":true,"stream_options":{"include_usage":true}}',
    ],
    [
      'with options in extra_body',
      '{"stream":true,"extra_body":{"stream_options":{"x":1}}}',
      '{"stream":true,"stream_options":{"x":1,"include_usage":true}}',
    ],
  ])('%s are asked for, and hidden', (_, text, expected) => {
    expect(counted(text)).toMatchObject({ text: expected, hidesUsage: true, ignored: [] });
    expect(counted(text).changes.at(-1)).toMatchObject({ path: 'stream_options.include_usage', what: 'set' });
  });

  it.each([
    '{"stream":true,"stream_options":{"include_usage":true}}',
    '{"stream":true,"stream_options":"x"}',
    '{"stream":false}',
    '{"stream":1}',
    '{}',
  ])('stay as the client has them: %s', (text) => {
    expect(counted(text)).toEqual({ text, hidesUsage: false, ignored: [], changes: [] });
  });

  it('are nobody’s business without accounting', () => {
    expect(relayed('{"stream":true}').text).toBe('{"stream":true}');
  });
});

describe('media that were fetched', () => {
  const TYPES = new Map([
    ['gs://b/o.png', 'image/png'],
    ['gs://b/a.mp3', 'audio/mp3'],
    ['https://a/v', 'video/mp4'],
  ]);
  const media: InlinedMedia = {
    get: (reference) => {
      const mimeType = TYPES.get(reference);
      return mimeType === undefined ? undefined : { mimeType };
    },
    base64Of: () => 'MARK',
    dataUriOf: (reference) => `data:${TYPES.get(reference)};base64,MARK`,
  };
  const inlined = (part: string) => {
    const text = withParts(`{"type":"text","text":"gs://b/o.png"},${part}`);
    const value = JSON.parse(text) as JsonObject;
    return toServerRequest({ text, value }, { traits: SERVER_KINDS.vllm, model: undefined, media });
  };

  it.each<[name: string, part: string, expected: string]>([
    [
      'an address',
      '{"type":"image_url","image_url":{"detail":"low","url":"gs://b/o.png"}}',
      '{"type":"image_url","image_url":{"detail":"low","url":"data:image/png;base64,MARK"}}',
    ],
    [
      'a bare address',
      '{"type":"image_url","image_url":"gs://b/o.png"}',
      '{"type":"image_url","image_url":{"url":"data:image/png;base64,MARK"}}',
    ],
    [
      'a video',
      '{"type":"video_url","video_url":{"url":"https://a/v"}}',
      '{"type":"video_url","video_url":{"url":"data:video/mp4;base64,MARK"}}',
    ],
    [
      'sound, by its bytes',
      '{"type":"input_audio","input_audio":{"data":"gs://b/a.mp3","format":"audio/wav"}}',
      '{"type":"input_audio","input_audio":{"data":"MARK","format":"mp3"}}',
    ],
    [
      'a file',
      '{"type":"file","file":{"file_data":"gs://b/o.png","filename":"o.png"}}',
      '{"type":"file","file":{"file_data":"data:image/png;base64,MARK","filename":"o.png"}}',
    ],
    [
      'a file by its id',
      '{"type":"file","file":{"file_id":"gs://b/o.png"}}',
      '{"type":"file","file":{"file_data":"data:image/png;base64,MARK"}}',
    ],
    [
      'Google’s content beside it',
      '{"type":"image_url","image_url":"gs://b/o.png","extra_content":{"google":{"x":1}}}',
      '{"type":"image_url","image_url":{"url":"data:image/png;base64,MARK"}}',
    ],
    [
      'nothing else',
      '{"type":"image_url","image_url":{"url":"https://other/x.png"}}',
      '{"type":"image_url","image_url":{"url":"https://other/x.png"}}',
    ],
  ])('take the place of %s', (_, part, expected) => {
    expect(inlined(part).text).toContain(`{"type":"text","text":"gs://b/o.png"},${expected}`);
  });
});
