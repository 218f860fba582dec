/**
 * Translation between Chat Completions and Gemini's native API, as a library: pure, without clock, network or
 * randomness, in any JavaScript runtime. See docs/library.md.
 */
export { fromGeminiError, type GeminiErrorResponse } from './error/from-gemini-error.ts';
export { fromGeminiOutcome } from './error/from-gemini-outcome.ts';
export { ChunkAssembler } from './events/assemble-chunks.ts';
export type * from './events/chat-event.ts';
export { GeminiDecoder, type GeminiDecoderOptions, type GeminiOutcome } from './events/decode-gemini.ts';
export { CompletionFold } from './events/fold-completion.ts';
export {
  type RenderOptions,
  renderThoughts,
  type RouteFamily,
  type StreamUsage,
  type ThoughtRendering,
  type ThoughtRequest,
  type ThoughtsDelivery,
} from './events/render-options.ts';
export { readRenderOptions, type RenderContext } from './events/read-render-options.ts';
export type { UsageMode } from './events/usage.ts';
export { DEFAULT_THINKING_FAMILIES, type ThinkingAmount, type ThinkingFamily } from './request/thinking.ts';
export {
  type GeminiTarget,
  type GeminiTranslation,
  toGeminiRequest,
  type TranslateOptions,
} from './request/to-gemini-request.ts';
