/** What Parlance answers: the completion object, the stream chunk, usage, model lists. Contract sections 9, 10 and 13. */
import type { ExtraContent } from './google-extras.ts';

export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'content_filter' | 'function_call';

export interface ChatCompletion {
  id: string;
  object: 'chat.completion';
  /** Unix time in seconds. */
  created: number;
  /** As the client wrote it. */
  model: string;
  system_fingerprint: string;
  service_tier?: string;
  choices: Choice[];
  usage: Usage;
}

export interface Choice {
  index: number;
  message: ResponseMessage;
  logprobs: Logprobs | null;
  finish_reason: FinishReason;
  extra_content?: ExtraContent;
}

export interface ResponseMessage {
  role: 'assistant';
  content: string | null;
  refusal: string | null;
  reasoning_content?: string;
  tool_calls?: ResponseToolCall[];
  function_call?: { name: string; arguments: string };
  annotations?: Annotation[];
  audio?: ResponseAudio;
  images?: ResponseImage[];
  extra_content?: ExtraContent;
}

export type ResponseToolCall =
  | {
      id: string;
      type: 'function';
      function: { name: string; arguments: string };
      extra_content?: ExtraContent;
    }
  | { id: string; type: 'custom'; custom: { name: string; input: string }; extra_content?: ExtraContent };

export interface Annotation {
  type: 'url_citation';
  /** Offsets are UTF-16 code units within the final `content`. */
  url_citation: { url: string; title: string; start_index: number; end_index: number };
}

export interface ResponseAudio {
  id?: string;
  data?: string;
  expires_at?: number;
  transcript?: string;
  extra_content?: ExtraContent;
}

export interface ResponseImage {
  type: 'image_url';
  image_url: { url: string };
}

export interface Logprobs {
  content: TokenLogprob[];
  refusal: null;
}

export interface TokenLogprob {
  token: string;
  logprob: number;
  /** UTF-8 bytes of the token. */
  bytes: number[];
  top_logprobs: TopLogprob[];
}

export interface TopLogprob {
  token: string;
  logprob: number;
  bytes: number[];
}

/** The token counts every server reports. */
export interface TokenUsage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
}

/** Token counts. `prompt_tokens + completion_tokens = total_tokens` unless `usage.mode` is `google`. Section 9.8. */
export interface Usage extends TokenUsage {
  prompt_tokens_details: {
    cached_tokens: number;
    audio_tokens?: number;
    image_tokens?: number;
    text_tokens?: number;
  };
  completion_tokens_details: { reasoning_tokens: number; audio_tokens?: number; text_tokens?: number };
  extra_properties?: { google: { traffic_type: string } };
}

export interface ChatCompletionChunk {
  id: string;
  object: 'chat.completion.chunk';
  created: number;
  model: string;
  system_fingerprint: string;
  service_tier?: string;
  choices: ChunkChoice[];
  /** Absent where usage was not asked for; `null` on all chunks but the last where it was. */
  usage?: Usage | null;
}

export interface ChunkChoice {
  index: number;
  delta: Delta;
  logprobs: Logprobs | null;
  finish_reason: FinishReason | null;
  extra_content?: ExtraContent;
}

export interface Delta {
  role?: 'assistant';
  content?: string;
  refusal?: string;
  reasoning_content?: string;
  tool_calls?: DeltaToolCall[];
  function_call?: { name?: string; arguments?: string };
  annotations?: Annotation[];
  audio?: ResponseAudio;
  images?: ResponseImage[];
  extra_content?: ExtraContent;
}

export interface DeltaToolCall {
  index: number;
  id?: string;
  type?: 'function' | 'custom';
  function?: { name?: string; arguments?: string };
  custom?: { name?: string; input?: string };
  extra_content?: ExtraContent;
}

export interface ModelObject {
  id: string;
  object: 'model';
  created: number;
  owned_by: string;
  /** Which upstream answers for this id, and with which model. An addition of ours. */
  parlance?: { upstream: string; kind: string; model: string };
}

export interface ModelList {
  object: 'list';
  data: ModelObject[];
}
