/**
 * What travels, as a library: types and validation of Chat Completions, types of Gemini's native API, readers of event
 * streams, errors. Runs in any JavaScript runtime. See docs/library.md.
 */
export {
  ERROR_KINDS,
  type ErrorCode,
  errorFromProblems,
  type ErrorType,
  GatewayError,
  type GatewayErrorOptions,
  type GoogleStatus,
  type Problem,
  toGatewayError,
} from '../errors.ts';
export type { GeminiUpstream, GenerateContentRequest } from './gemini/request.ts';
export { type GoogleError, parseErrorText, readGoogleError } from './gemini/error.ts';
export { type ErrorBody, toErrorBody } from './openai/error.ts';
export {
  type GoogleExtras,
  readGoogleExtraBody,
  type ThinkingExtras,
  thoughtTagMarker,
} from './openai/google-extra-body.ts';
export type * from './openai/google-extras.ts';
export type * from './openai/request.ts';
export type * from './openai/response.ts';
export type { ChatRequestOptions } from './openai/validate-body.ts';
export { type ParsedChatRequest, parseChatRequest, validateChatRequest } from './openai/validate-request.ts';
export {
  type JsonArrayRemainder,
  JsonArraySplitter,
  type JsonArraySplitterOptions,
} from './sse/json-array-splitter.ts';
export { type SseEvent, SseParser, type SseParserOptions, type SseRemainder } from './sse/parse.ts';
export { parseJsonBody } from './validation/parse-json-body.ts';
