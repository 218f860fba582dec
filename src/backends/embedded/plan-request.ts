import { readMediaPart } from '../../translate/relay/media-part.ts';
import type { ChatCompletionRequest } from '../../wire/openai/request.ts';
import { readGoogleExtraBody } from '../../wire/openai/google-extra-body.ts';
import { acceptFields } from './accept-fields.ts';
import { type AnswerFormat, readAnswerFormat } from './answer-format.ts';
import { buildAnswerGrammar } from './answer-grammar.ts';
import { type EngineModel, type GenerationPlan, MEDIA_MARKER, type Sampling } from './engine/protocol.ts';
import { type MediaSupport, RequestMedia } from './media/request-media.ts';
import type { OutputParserOptions } from './output/output-parser.ts';
import type { ChatTemplate } from './prompt/chat-template.ts';
import { protectTexts, ProtectedText } from './prompt/protected-text.ts';
import { type TemplateConversation, toTemplateConversation } from './prompt/template-messages.ts';
import { readReasoning } from './reasoning.ts';
import { describeTools, toTemplateTool } from './tools/tool-prompt.ts';
import { readToolSet } from './tools/tool-set.ts';

export interface PlanContext {
  readonly model: EngineModel;
  readonly template: ChatTemplate;
  readonly unsupported: 'reject' | 'ignore';
  /**
   * What the model's projector takes; `undefined` for a model without one. Asked only when there are media.
   *
   * @throws {GatewayError} `model_not_ready` while the projector is being loaded
   */
  readonly media: () => MediaSupport | undefined;
  /** An unsigned 32-bit number, used when the request has no seed. */
  readonly randomSeed: number;
}

export interface RequestPlan {
  /** One generation for each choice. */
  readonly generations: readonly GenerationPlan[];
  /** How to read what the model writes; `choice` is filled in for each. */
  readonly output: Omit<OutputParserOptions, 'choice'>;
  readonly ignored: readonly string[];
}

/** llama.cpp's own defaults; a small model left to pure sampling writes nonsense. */
const DEFAULT_SAMPLING = { temperature: 0.8, topP: 0.95, topK: 40 };

/** Where the answer is data, chance has no business in it unless the request says so. */
const DEFAULT_JSON_TEMPERATURE = 0;

/** A schema longer than this is enforced all the same, but not shown to the model, which has little room. */
const MAX_SHOWN_SCHEMA = 2000;

/**
 * Everything the engine needs to answer a request.
 *
 * @throws {GatewayError} for what the embedded model cannot honour
 */
export function planRequest(request: ChatCompletionRequest, context: PlanContext): RequestPlan {
  const { model, template, unsupported } = context;
  const hasMedia = hasMediaParts(request);
  const ignored = acceptFields(request, unsupported, hasMedia);
  const format = readAnswerFormat(request);
  const toolSet = readToolSet(request);
  const reasoning = readReasoning(request);
  const { thoughtTags } = template;
  if (thoughtTags !== undefined && reasoning.clamped !== undefined) ignored.push(reasoning.clamped);
  // Not to reason is what every other model does anyway.
  if (thoughtTags === undefined && reasoning.enabled && reasoning.askedBy !== undefined)
    ignored.push(reasoning.askedBy);

  const requestMedia = new RequestMedia(context.media);
  const protectedText = new ProtectedText(
    hasMedia ? [...model.controlTokens, MEDIA_MARKER] : model.controlTokens,
  );
  const protect = (text: string): string => protectedText.protect(text);
  const conversation = withFormat(
    toTemplateConversation(request.messages, protect, {
      google: readGoogleExtraBody(request).google,
      takeMedia: (part, path) => requestMedia.take(part, path),
    }),
    format,
    protect,
  );
  const isNative = template.writesToolCallTags;
  const prompt = template.render({
    conversation: isNative ? conversation : describeTools(conversation, toolSet, protect),
    ...(isNative && toolSet !== undefined
      ? { tools: toolSet.tools.map((tool) => protectTexts(toTemplateTool(tool), protect)) }
      : {}),
    enableThinking: reasoning.enabled,
  });

  const thoughts = thoughtTags === undefined ? undefined : { ...thoughtTags, isOpen: prompt.opensThought };
  const { grammar, ignored: unenforced } = buildAnswerGrammar({
    format,
    toolSet,
    ...(thoughts?.isOpen === true ? { thoughtEnd: thoughts.endTag } : {}),
    unsupported,
  });
  const { prompt: pieces, media } = requestMedia.place(protectedText.pieces(prompt.text));
  const maxTokens = request.max_completion_tokens ?? request.max_tokens ?? undefined;
  const shared: Omit<GenerationPlan, 'sampling'> = {
    prompt: pieces,
    stop: stopSequences(request),
    ...(maxTokens === undefined ? {} : { maxTokens }),
    ...(grammar === undefined ? {} : { grammar }),
    ...(request.logprobs === true ? { topLogprobs: request.top_logprobs ?? 0 } : {}),
    ...(media.length === 0 ? {} : { media }),
    ...(thoughts === undefined
      ? {}
      : {
          thoughts: { ...thoughts, ...(reasoning.budget === undefined ? {} : { budget: reasoning.budget }) },
        }),
  };
  const sampling = readSampling(request, format, context.randomSeed);
  return {
    generations: Array.from({ length: request.n ?? 1 }, (_, index) => ({
      ...shared,
      // Choices of one request differ, and are the same again for the same seed.
      sampling: { ...sampling, seed: (sampling.seed + index) >>> 0 },
    })),
    output: {
      ...(thoughts === undefined ? {} : { thoughts }),
      ...(toolSet === undefined ? {} : { toolNames: new Set(toolSet.tools.map(({ name }) => name)) }),
    },
    ignored: [...ignored, ...unenforced],
  };
}

function hasMediaParts({ messages }: ChatCompletionRequest): boolean {
  return messages.some(
    ({ content }) => Array.isArray(content) && content.some((part) => readMediaPart(part) !== undefined),
  );
}

/** The grammar forces the shape; naming it lets the model fill it with sense. */
function withFormat(
  conversation: TemplateConversation,
  format: AnswerFormat,
  protect: (text: string) => string,
): TemplateConversation {
  if (format.kind === 'text') return conversation;
  const schema = format.kind === 'json-schema' ? JSON.stringify(format.schema) : '';
  const instruction =
    schema === '' || schema.length > MAX_SHOWN_SCHEMA
      ? 'Answer with JSON only.'
      : `Answer with JSON only, following this JSON Schema:\n${protect(schema)}`;
  const { system } = conversation;
  return { ...conversation, system: system === '' ? instruction : `${system}\n\n${instruction}` };
}

function stopSequences({ stop }: ChatCompletionRequest): string[] {
  if (stop == null) return [];
  return typeof stop === 'string' ? [stop] : stop;
}

function readSampling(request: ChatCompletionRequest, format: AnswerFormat, randomSeed: number): Sampling {
  const topK = request.top_k ?? readGoogleExtraBody(request).google['top_k'];
  // Several choices are asked for to differ.
  const isData = format.kind !== 'text' && (request.n ?? 1) === 1;
  const defaultTemperature = isData ? DEFAULT_JSON_TEMPERATURE : DEFAULT_SAMPLING.temperature;
  return {
    temperature: request.temperature ?? defaultTemperature,
    topP: request.top_p ?? DEFAULT_SAMPLING.topP,
    topK: typeof topK === 'number' ? topK : DEFAULT_SAMPLING.topK,
    // Any integer is a seed; the engine takes 32 bits of it.
    seed: request.seed == null ? randomSeed >>> 0 : Number(BigInt.asUintN(32, BigInt(request.seed))),
    presencePenalty: request.presence_penalty ?? 0,
    frequencyPenalty: request.frequency_penalty ?? 0,
    logitBias: Object.entries(request.logit_bias ?? {}).map(([token, bias]) => [Number(token), bias]),
  };
}
