/**
 * The request of `POST …/chat/completions`, after validation: OpenAI's fields plus Google's extensions.
 * A `null` for an optional field means the same as its absence. Contract sections 2 to 8.
 */
import type { ExtraContent, GoogleExtraBody } from './google-extras.ts';

export interface ChatCompletionRequest {
  messages: RequestMessage[];
  model?: string | null;
  max_completion_tokens?: number | null;
  max_tokens?: number | null;
  temperature?: number | null;
  top_p?: number | null;
  top_k?: number | null;
  n?: number | null;
  stop?: string | string[] | null;
  seed?: number | null;
  presence_penalty?: number | null;
  frequency_penalty?: number | null;
  logit_bias?: Record<string, number> | null;
  logprobs?: boolean | null;
  top_logprobs?: number | null;
  stream?: boolean | null;
  stream_options?: { include_usage?: boolean | null; include_obfuscation?: boolean | null } | null;
  response_format?: ResponseFormat | string | null;
  reasoning_effort?: ReasoningEffort | null;
  /** OpenRouter's spelling of `reasoning_effort`. */
  reasoning?: { effort?: ReasoningEffort | null } | null;
  /** Anthropic's spelling of a thinking budget. */
  thinking?: { type: 'enabled' | 'disabled'; budget_tokens?: number | null } | null;
  tools?: Tool[] | null;
  tool_choice?: ToolChoice | null;
  parallel_tool_calls?: boolean | null;
  functions?: FunctionDefinition[] | null;
  function_call?: 'none' | 'auto' | { name: string } | null;
  modalities?: ('text' | 'audio' | 'image')[] | null;
  audio?: { voice?: unknown; format?: string } | null;
  web_search_options?: { search_context_size?: string | null; user_location?: unknown } | null;
  service_tier?: string | null;
  prediction?: unknown;
  verbosity?: 'low' | 'medium' | 'high' | null;
  metadata?: Record<string, string> | null;
  store?: boolean | null;
  user?: string | null;
  safety_identifier?: string | null;
  prompt_cache_key?: string | null;
  prompt_cache_retention?: string | null;
  prompt_cache_options?: unknown;
  moderation?: unknown;
  extra_body?: Record<string, unknown> | null;
  google?: GoogleExtraBody | null;
  [field: string]: unknown;
}

export type ReasoningEffort = 'none' | 'minimal' | 'low' | 'medium' | 'high' | 'xhigh' | 'max';

export type RequestMessage =
  | SystemMessage
  | UserMessage
  | AssistantMessage
  | ToolMessage
  | DeprecatedFunctionMessage;

interface MessageBase {
  name?: string | null;
  extra_content?: ExtraContent | null;
}

export interface SystemMessage extends MessageBase {
  role: 'system' | 'developer';
  content: string | ContentPart[];
}

export interface UserMessage extends MessageBase {
  role: 'user';
  content: string | ContentPart[];
}

export interface AssistantMessage extends MessageBase {
  /** `model` is Gemini's word for the same role. */
  role: 'assistant' | 'model';
  content?: string | ContentPart[] | null;
  tool_calls?: MessageToolCall[] | null;
  function_call?: { name: string; arguments: string } | null;
  refusal?: string | null;
  reasoning_content?: string | null;
  reasoning?: string | null;
  audio?: unknown;
}

export interface ToolMessage extends MessageBase {
  role: 'tool';
  content: string | ContentPart[];
  tool_call_id: string;
}

export interface DeprecatedFunctionMessage extends MessageBase {
  role: 'function';
  content: string | ContentPart[] | null;
  name: string;
}

export type MessageToolCall = FunctionToolCall | CustomToolCall;

export interface FunctionToolCall {
  id: string;
  type?: 'function' | null;
  function: { name: string; arguments: string };
  extra_content?: ExtraContent | null;
}

export interface CustomToolCall {
  id: string;
  type: 'custom';
  custom: { name: string; input: string };
  extra_content?: ExtraContent | null;
}

interface PartBase {
  extra_content?: ExtraContent | null;
}

export interface TextPart extends PartBase {
  type: 'text' | 'input_text' | 'output_text';
  text: string;
}

export interface RefusalPart extends PartBase {
  type: 'refusal';
  refusal: string;
}

export interface ImagePart extends PartBase {
  type: 'image_url';
  image_url: string | { url: string; detail?: string | null };
}

export interface AudioPart extends PartBase {
  type: 'input_audio';
  input_audio: { data: string; format: string };
}

export interface FilePart extends PartBase {
  type: 'file';
  file: { file_data?: string | null; file_id?: string | null; filename?: string | null };
}

export interface UrlMediaPart extends PartBase {
  type: 'video_url' | 'audio_url';
  video_url?: string | { url: string };
  audio_url?: string | { url: string };
}

export type MediaPart = ImagePart | AudioPart | FilePart | UrlMediaPart;
export type ContentPart = TextPart | RefusalPart | MediaPart;

export interface FunctionDefinition {
  name: string;
  description?: string | null;
  /** JSON Schema of the arguments object. */
  parameters?: Record<string, unknown> | null;
  strict?: boolean | null;
}

export interface FunctionTool {
  type: 'function';
  function: FunctionDefinition;
}

export interface CustomTool {
  type: 'custom';
  custom: {
    name: string;
    description?: string | null;
    format?: { type: string; [key: string]: unknown } | null;
  };
}

/** A tool the upstream runs itself, such as `{"type":"google_search"}`. */
export interface BuiltInTool {
  type: string;
  [key: string]: unknown;
}

export type Tool = FunctionTool | CustomTool | BuiltInTool;

export type ToolChoice =
  | 'none'
  | 'auto'
  | 'required'
  | 'validated'
  | { type: 'function'; function: { name: string } }
  | { type: 'function'; name: string }
  | { type: 'custom'; custom: { name: string } }
  | { type: 'allowed_tools'; allowed_tools: { mode: 'auto' | 'required'; tools: Record<string, unknown>[] } };

/** Section 8. `type` is `text`, `json_object`, `json_schema` or any MIME type. */
export interface ResponseFormat {
  type: string;
  json_schema?: {
    name?: string | null;
    description?: string | null;
    schema?: Record<string, unknown> | boolean | null;
    strict?: boolean | null;
  } | null;
}
