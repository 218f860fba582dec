import { describe, expect, it } from 'vitest';
import { staleFiles } from '../../scripts/generate-compatibility-table.ts';
import { acceptFields } from '../../src/backends/embedded/accept-fields.ts';
import { RequestMedia } from '../../src/backends/embedded/media/request-media.ts';
import { toTemplateConversation } from '../../src/backends/embedded/prompt/template-messages.ts';
import { readToolSet } from '../../src/backends/embedded/tools/tool-set.ts';
import { GatewayError } from '../../src/errors.ts';
import { FIELD_LEDGER, type LedgerLine } from '../../src/translate/field-ledger.ts';
import type { ChatCompletionRequest } from '../../src/wire/openai/request.ts';
import { validateChatRequest } from '../../src/wire/openai/validate-request.ts';
import { readInterfaces } from './openai-interfaces.ts';
import { type Example, EXAMPLES, pathsOf, without } from './request-fields.ts';
import { translate, USER } from './request/translate.ts';

const LINES = Object.values(FIELD_LEDGER).flat();
const PATHS = new Set(LINES.map(({ path }) => path));

describe('the ledger has every field of OpenAI’s request', () => {
  const interfaces = new Map([
    ...readInterfaces('resources/chat/completions/completions.d.ts'),
    ...[...readInterfaces('resources/shared.d.ts')].map(
      ([name, members]) => [`Shared.${name}`, members] as const,
    ),
  ]);

  const MESSAGE = 'messages[]';
  const PART = `${MESSAGE}.content[]`;
  const CALL = `${MESSAGE}.tool_calls[]`;

  it.each<[interfaceName: string, path: string]>([
    ['ChatCompletionCreateParamsBase', ''],
    ['ChatCompletionSystemMessageParam', MESSAGE],
    ['ChatCompletionDeveloperMessageParam', MESSAGE],
    ['ChatCompletionUserMessageParam', MESSAGE],
    ['ChatCompletionAssistantMessageParam', MESSAGE],
    ['ChatCompletionAssistantMessageParam.Audio', `${MESSAGE}.audio`],
    ['ChatCompletionAssistantMessageParam.FunctionCall', `${MESSAGE}.function_call`],
    ['ChatCompletionToolMessageParam', MESSAGE],
    ['ChatCompletionFunctionMessageParam', MESSAGE],
    ['ChatCompletionContentPartText', PART],
    ['ChatCompletionContentPartRefusal', PART],
    ['ChatCompletionContentPartImage', PART],
    ['ChatCompletionContentPartImage.ImageURL', `${PART}.image_url`],
    ['ChatCompletionContentPartInputAudio', PART],
    ['ChatCompletionContentPartInputAudio.InputAudio', `${PART}.input_audio`],
    ['ChatCompletionContentPart.File', PART],
    ['ChatCompletionContentPart.File.File', `${PART}.file`],
    ['ChatCompletionMessageFunctionToolCall', CALL],
    ['ChatCompletionMessageFunctionToolCall.Function', `${CALL}.function`],
    ['ChatCompletionMessageCustomToolCall', CALL],
    ['ChatCompletionMessageCustomToolCall.Custom', `${CALL}.custom`],
    ['ChatCompletionFunctionTool', 'tools[]'],
    ['Shared.FunctionDefinition', 'tools[].function'],
    ['ChatCompletionCustomTool', 'tools[]'],
    ['ChatCompletionCustomTool.Custom', 'tools[].custom'],
    ['ChatCompletionCreateParams.Function', 'functions[]'],
    ['ChatCompletionFunctionCallOption', 'function_call'],
    ['ChatCompletionNamedToolChoice', 'tool_choice'],
    ['ChatCompletionNamedToolChoiceCustom', 'tool_choice'],
    ['ChatCompletionAllowedToolChoice', 'tool_choice'],
    ['ChatCompletionAudioParam', 'audio'],
    ['ChatCompletionStreamOptions', 'stream_options'],
    ['ChatCompletionCreateParams.WebSearchOptions', 'web_search_options'],
    ['Shared.ResponseFormatText', 'response_format'],
    ['Shared.ResponseFormatJSONSchema', 'response_format'],
    ['Shared.ResponseFormatJSONSchema.JSONSchema', 'response_format.json_schema'],
  ])('%s', (interfaceName, path) => {
    const members = interfaces.get(interfaceName) ?? [];
    expect(members.length).toBeGreaterThan(0);
    const fields = members.map((name) => (path === '' ? name : `${path}.${name}`));
    expect(fields.filter((field) => !PATHS.has(field))).toEqual([]);
  });
});

describe('the ledger', () => {
  it('has every field once', () => {
    expect(LINES.length).toBe(PATHS.size);
  });

  it('gives a reason for whatever is not simply done', () => {
    expect(
      LINES.filter(({ gemini, reason }) => gemini !== 'mapped' && reason === '' && gemini !== 'accepted'),
    ).toEqual([]);
  });

  it('is what the documentation shows; else run node scripts/generate-compatibility-table.ts', () => {
    expect(staleFiles()).toEqual([]);
  });
});

/** Fields that work where no native body shows it: the route, the way of answering, how the answer is written. */
const BESIDE_THE_BODY = new Set([
  'model',
  'stream',
  'stream_options',
  'stream_options.include_usage',
  'parallel_tool_calls',
  'extra_body',
  'google',
]);

interface Outcome {
  /** What is sent upstream, and what the reader of the answer is told. */
  readonly sent: string;
  readonly ignored: readonly string[];
  readonly refused: readonly string[];
}

/** What Gemini gets; `undefined` for a request that is not valid. */
function askGemini(
  fields: object,
  { target }: Example,
  unsupported: 'reject' | 'ignore' = 'reject',
): Outcome | undefined {
  if (validateChatRequest({ model: 'm', messages: [USER], ...fields }, { modelRequired: true }).length > 0)
    return undefined;
  try {
    const { body, ignored, toolNames } = translate(fields, { ...target, unsupported });
    return { sent: JSON.stringify([body, [...toolNames]]), ignored, refused: [] };
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return { sent: '', ignored: [], refused: error.problems.map(({ param }) => param ?? '') };
  }
}

/** What the embedded model would refuse or name. */
function askEmbedded(fields: object): Outcome {
  const request = { model: 'm', messages: [USER], ...fields } as unknown as ChatCompletionRequest;
  const refused: string[] = [];
  const ignored: string[] = [];
  const attempts = [
    () => ignored.push(...acceptFields(request, 'reject')),
    () =>
      toTemplateConversation(request.messages, (text) => text, {
        google: {},
        takeMedia: (part, path) => new RequestMedia(() => undefined).take(part, path),
      }),
    () => readToolSet(request),
  ];
  for (const attempt of attempts) {
    try {
      attempt();
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      refused.push(
        ...[error.param, ...error.problems.map(({ param }) => param)].filter((param) => param !== null),
      );
    }
  }
  return { sent: '', ignored, refused };
}

/** Whether one of `paths` is a field of `fields`, lies inside one or around one. */
function touches(paths: readonly string[], fields: readonly string[]): boolean {
  return paths.some((path) => fields.some((field) => field.startsWith(path) || path.startsWith(field)));
}

const examplesOf = ({ path }: LedgerLine): readonly Example[] =>
  EXAMPLES.filter(({ fields }) => pathsOf({ messages: [USER], ...fields }, path).length > 0);

describe('the ledger is true of Gemini', () => {
  const isTrue: Record<LedgerLine['gemini'], (line: LedgerLine, example: Example) => boolean> = {
    mapped: ({ path }, example) => {
      const full = { messages: [USER], ...example.fields };
      const outcome = askGemini(full, example);
      if (outcome === undefined || outcome.refused.length > 0) return false;
      return BESIDE_THE_BODY.has(path) || askGemini(without(full, path), example)?.sent !== outcome.sent;
    },
    accepted: ({ path }, example) => {
      const full = { messages: [USER], ...example.fields };
      const outcome = askGemini(full, example, 'ignore');
      const other = askGemini(without(full, path), example, 'ignore');
      return (
        outcome !== undefined &&
        outcome.sent === other?.sent &&
        !touches(outcome.ignored, pathsOf(full, path))
      );
    },
    ignored: ({ path }, example) => {
      const full = { messages: [USER], ...example.fields };
      const outcome = askGemini(full, example);
      const isNamed = pathsOf(full, path).every((place) => outcome?.ignored.includes(place));
      return isNamed && askGemini(without(full, path), example)?.sent === outcome?.sent;
    },
    refused: ({ path }, example) => {
      const full = { messages: [USER], ...example.fields };
      const places = pathsOf(full, path);
      return (
        touches(askGemini(full, example)?.refused ?? [], places) &&
        touches(askGemini(full, example, 'ignore')?.ignored ?? [], places)
      );
    },
  };

  it.each(LINES.map((line) => [line.path, line.gemini, line] as const))('%s: %s', (_, verdict, line) => {
    const examples = examplesOf(line);
    expect(examples.length, 'examples in request-fields.ts').toBeGreaterThan(0);
    const truths = examples.map((example) => isTrue[verdict](line, example));
    expect(verdict === 'accepted' ? truths.every(Boolean) : truths.some(Boolean)).toBe(true);
  });
});

describe('the ledger is true of the embedded model', () => {
  it.each(LINES.map((line) => [line.path, line.embedded, line] as const))('%s: %s', (_, verdict, line) => {
    const truths = examplesOf(line).map(({ fields }) => {
      const full = { messages: [USER], ...fields };
      const places = pathsOf(full, line.path);
      const { ignored, refused } = askEmbedded(full);
      if (verdict === 'refused') return touches(refused, places);
      if (verdict === 'ignored') return touches(ignored, places);
      return !touches(refused, places) && !touches(ignored, places);
    });
    expect(truths.some(Boolean)).toBe(true);
  });
});
