import { readFileSync } from 'node:fs';
import { createContext, Script } from 'node:vm';
import { beforeAll, describe, expect, it } from 'vitest';
import { bundleNeutral } from '../../scripts/check-neutral-bundle.ts';
import { roundTrip, type RoundTripInput, type RoundTripOutput } from './round-trip.ts';

/** The globals that docs/library.md asks for, besides the language itself. */
const WEB_GLOBALS = { TextDecoder, TextEncoder, URL, atob, btoa, structuredClone };

interface Recorded {
  request: { body: { contents: unknown } };
  response: { sse: string };
}

function recorded(name: string): Recorded {
  const file = new URL(`../recordings/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')) as Recorded;
}

/** As in an edge worker: no Node.js, no other modules, no code from strings. */
let inWorker: (input: RoundTripInput) => unknown;

beforeAll(async () => {
  const code = await bundleNeutral("export { roundTrip } from './test/runtimes/round-trip.ts';", 'library');
  const worker = createContext({ ...WEB_GLOBALS }, { codeGeneration: { strings: false, wasm: false } });
  new Script(code).runInContext(worker);
  const call = new Script('library.roundTrip(input)');
  inWorker = (input) => {
    worker['input'] = JSON.stringify(input);
    return JSON.parse(call.runInContext(worker) as string) as unknown;
  };
});

const WEATHER = {
  model: 'google/gemini-2.5-pro',
  messages: [
    { role: 'system', content: 'You are a helpful assistant' },
    { role: 'user', content: "What's the weather in Florence, Italy?" },
  ],
  tools: [
    {
      type: 'function',
      function: {
        name: 'weather',
        description: 'Get weather information for a location',
        parameters: { type: 'object', properties: { location: { type: 'string' } }, required: ['location'] },
      },
    },
  ],
  extra_body: { google: { thinking_config: { include_thoughts: true, thinking_budget: 128 } } },
};

describe('the library in an edge worker', () => {
  it('translates a request and the recorded answer to it', () => {
    const { request, response } = recorded('gemini-developer/stream-thinking-toolcall-gemini-2.5-pro-01');
    const input: RoundTripInput = {
      request: JSON.stringify(WEATHER),
      target: { upstream: 'gemini', model: 'gemini-2.5-pro' },
      answer: response.sse,
    };
    const output = inWorker(input) as Exclude<RoundTripOutput, { error: unknown }>;
    expect(output.native.contents).toMatchObject(request.body.contents as object);
    expect(output.native.generationConfig).toEqual({
      thinkingConfig: { includeThoughts: true, thinkingBudget: 128 },
    });
    const [choice] = output.completion.choices;
    expect(choice?.finish_reason).toBe('tool_calls');
    expect(choice?.message.reasoning_content).toMatch(/^\*\*Mapping the Inquiry\*\*/);
    expect(choice?.message.tool_calls).toMatchObject([
      {
        id: expect.stringMatching(/^call_\d$/),
        function: { name: 'weather', arguments: '{"location":"Florence, Italy"}' },
      },
    ]);
    expect(output.chunks.at(-1)?.usage).toEqual(output.completion.usage);
    expect(output.completion.usage.total_tokens).toBe(132);
    expect(output).toEqual(JSON.parse(roundTrip(JSON.stringify(input))));
  });

  it.each([
    ['gemini-developer/stream-text-gemini-2.5-flash-lite-02', 'gemini'],
    ['gemini-developer/stream-grounding-cached-gemini-2.5-flash-01', 'gemini'],
    ['gemini-developer/stream-codeexec-gemini-3-flash-preview-02', 'gemini'],
    ['vertex/stream-thinking-partialargs-toolcall-gemini-3-flash-preview-01', 'vertex'],
    ['vertex/stream-safety-01', 'vertex'],
  ] as const)('reads %s as Node.js does', (name, upstream) => {
    const input: RoundTripInput = {
      request: JSON.stringify({ model: 'gemini-2.5-flash', messages: [{ role: 'user', content: 'Hi' }] }),
      target: { upstream, model: 'gemini-2.5-flash' },
      answer: recorded(name).response.sse,
    };
    const output = inWorker(input);
    expect(output).toHaveProperty('completion.choices[0].finish_reason');
    expect(output).toEqual(JSON.parse(roundTrip(JSON.stringify(input))));
  });

  it.each<[name: string, request: string, answer: string, error: object]>([
    ['a body that is no JSON', '{"model": ', '', { code: 'invalid_json' }],
    ['an invalid request', '{"model": "m", "messages": []}', '', { param: 'messages' }],
    [
      'a field that cannot be honoured',
      '{"model": "m", "messages": [{"role": "user", "content": "Hi"}], "logit_bias": {"1": 1}}',
      '',
      { code: 'unsupported_parameter', param: 'logit_bias' },
    ],
    [
      'an error of Gemini',
      '{"model": "m", "messages": [{"role": "user", "content": "Hi"}]}',
      'data: {"error": {"code": 429, "message": "Slow down", "status": "RESOURCE_EXHAUSTED"}}\n\n',
      { code: 'rate_limit_exceeded', message: 'Slow down' },
    ],
    [
      'an empty answer',
      '{"model": "m", "messages": [{"role": "user", "content": "Hi"}]}',
      'data: {"candidates": []}\n\n',
      { code: 'empty_response' },
    ],
  ])('tells of %s', (_, request, answer, error) => {
    const target = { upstream: 'gemini', model: 'gemini-2.5-flash' } as const;
    expect(inWorker({ request, target, answer })).toMatchObject({ error: { error } });
  });
});

describe('bundleNeutral', () => {
  it.each([
    ["import 'node:fs';", 'node:fs'],
    ["export { z } from 'zod';", 'zod'],
    ["export * from './src/config/load.ts';", 'node:os'],
  ])('refuses %s', async (source, name) => {
    await expect(bundleNeutral(source)).rejects.toThrow(name);
  });
});
