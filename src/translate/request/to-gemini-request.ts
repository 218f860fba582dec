import type { GenerateContentRequest } from '../../wire/gemini/request.ts';
import type { ChatCompletionRequest } from '../../wire/openai/request.ts';
import { toRootFields, toServiceTier } from './extra-body.ts';
import { toGenerationConfig } from './generation-config.ts';
import { toConversation } from './messages.ts';
import { nameUnknownFields } from './unknown-fields.ts';
import {
  createRequestContext,
  type GeminiTarget,
  googlePath,
  type RequestContext,
  type TranslateOptions,
} from './request-context.ts';
import { SignatureKeeper, type SignatureSource } from './signatures.ts';
import { toToolUse } from './tool-choice.ts';
import { declaredNames, ToolNames } from './tool-names.ts';
import { toNativeTools, toToolList } from './tools.ts';
import { refuseUnsupportedFields } from './unsupported-fields.ts';

export type { GeminiTarget, TranslateOptions } from './request-context.ts';

/** A Chat Completions request in native form, with what the answer's headers and its reader need to know. */
export interface GeminiTranslation {
  readonly body: GenerateContentRequest;
  /** JSON paths of fields that have no effect or less than asked for; sent as `x-parlance-ignored`. */
  readonly ignored: readonly string[];
  /** The strongest source a thought signature had to be taken from; sent as `x-parlance-signature`. */
  readonly signatures: SignatureSource;
  /** Native function names with the client's own, where they differ. */
  readonly toolNames: ReadonlyMap<string, string>;
  /** Headers that belong to the body: Vertex AI takes the service tier in one. gemini-native section 1.1. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Vertex AI has no body field for the service tier. gemini-native section 1.1. */
const TIER_HEADER = 'x-vertex-ai-llm-shared-request-type';

/**
 * Translates a validated request for Gemini's native API. The request is not changed; the body may share parts of it.
 * Contract sections 2 to 8.
 *
 * @throws {GatewayError} with every field that cannot be honoured, all in one
 */
export function toGeminiRequest(
  request: ChatCompletionRequest,
  target: GeminiTarget,
  options: TranslateOptions,
): GeminiTranslation {
  const context = createRequestContext(request, target, options);
  refuseUnsupportedFields(context);
  const names = new ToolNames(declaredNames(request));
  const signatures = new SignatureKeeper(context);
  const { contents, instruction } = toConversation(context, names, signatures);
  const tools = toNativeTools(context, names);
  const { toolConfig, declarations } = toToolUse(tools, names, context);
  const toolList = toToolList({ declarations, builtIn: tools.builtIn });
  const generationConfig = toGenerationConfig(context);
  const tier = toServiceTier(context);
  const body: GenerateContentRequest = {
    ...(instruction.length === 0 ? {} : { systemInstruction: { parts: instruction } }),
    contents,
    ...(toolList.length === 0 ? {} : { tools: toolList }),
    ...(toolConfig === undefined ? {} : { toolConfig }),
    ...(Object.keys(generationConfig).length === 0 ? {} : { generationConfig }),
    ...toRootFields(context, tier),
  };
  checkCache(body, context);
  nameUnknownFields(context);
  context.receipt.throwProblems();
  return {
    body,
    ignored: context.receipt.ignored,
    signatures: signatures.source,
    toolNames: names.renamed,
    headers: tier !== undefined && target.upstream === 'vertex' ? { [TIER_HEADER]: tier } : {},
  };
}

/** A cache brings its own instruction, tools and tool configuration, and Gemini refuses others beside it. */
function checkCache(body: GenerateContentRequest, context: RequestContext): void {
  if (body.cachedContent === undefined) return;
  const rivals = [
    ...(body.systemInstruction === undefined ? [] : ['system messages']),
    ...(body.tools === undefined ? [] : ['tools']),
    ...(body.toolConfig === undefined ? [] : ['a tool choice']),
  ];
  if (rivals.length === 0) return;
  context.receipt.fail(
    googlePath(context, 'cached_content'),
    `cannot stand beside ${rivals.join(', ')}: they belong into the cache`,
  );
}
