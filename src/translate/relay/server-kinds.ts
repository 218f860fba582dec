/** The model servers a request can be relayed to, and how each differs from OpenAI's own. Contract section 12. */

import { isBucketReference } from '../media-references.ts';

export type ServerKind = 'vllm' | 'tgi' | 'sglang' | 'llamacpp' | 'ollama' | 'openai';

export interface ServerTraits {
  /** As it stands in messages. */
  readonly product: string;
  /** Answers 2xx to a GET when the server is well; from the server's root. */
  readonly healthPath: string;
  /** False: sent as `system`. */
  readonly takesDeveloperRole: boolean;
  /** False: sent as `max_tokens` too. */
  readonly takesMaxCompletionTokens: boolean;
  /** Whether `response_format` of type `json_schema` is enforced while the model decodes; false when not known. */
  readonly enforcesSchemas: boolean;
  /** Whether it fetches media at http and https addresses by itself. */
  readonly readsMediaUrls: boolean;
}

export const SERVER_KINDS: Readonly<Record<ServerKind, ServerTraits>> = {
  // docs.vllm.ai: "Structured Outputs"; "Multimodal Inputs" shows media of every kind at URLs.
  vllm: {
    product: 'vLLM',
    healthPath: '/v1/models',
    takesDeveloperRole: true,
    takesMaxCompletionTokens: true,
    enforcesSchemas: true,
    readsMediaUrls: true,
  },
  // huggingface.co/docs/text-generation-inference: "Guidance" and, for URLs, "Vision Language Model Inference". Schemas
  // since pull request 3046 of its repository; older ones refuse the type with 422.
  tgi: {
    product: 'TGI',
    healthPath: '/health',
    takesDeveloperRole: false,
    takesMaxCompletionTokens: false,
    enforcesSchemas: true,
    readsMediaUrls: true,
  },
  // docs.sglang.io: "Structured Outputs" (xgrammar); "OpenAI APIs - Vision" sends URLs.
  sglang: {
    product: 'SGLang',
    healthPath: '/v1/models',
    takesDeveloperRole: true,
    takesMaxCompletionTokens: true,
    enforcesSchemas: true,
    readsMediaUrls: true,
  },
  // Its tools/server/README.md: schemas become grammars, images come from URLs too. It maps `developer` itself since pull
  // request 20215 (March 2026); templates refuse the role before. `max_completion_tokens` is an alias of `n_predict`.
  llamacpp: {
    product: 'llama.cpp',
    healthPath: '/v1/models',
    takesDeveloperRole: false,
    takesMaxCompletionTokens: true,
    enforcesSchemas: true,
    readsMediaUrls: true,
  },
  // docs.ollama.com, "OpenAI compatibility": lists max_tokens alone; "image URLs are not currently supported, please use
  // base64 encoded data instead" is its answer to a URL. "Structured outputs" for schemas.
  ollama: {
    product: 'Ollama',
    healthPath: '/v1/models',
    takesDeveloperRole: false,
    takesMaxCompletionTokens: false,
    enforcesSchemas: true,
    readsMediaUrls: false,
  },
  // Any server that speaks Chat Completions. What OpenAI's own does is assumed, except that it keeps to schemas.
  openai: {
    product: 'OpenAI-compatible server',
    healthPath: '/v1/models',
    takesDeveloperRole: true,
    takesMaxCompletionTokens: true,
    enforcesSchemas: false,
    readsMediaUrls: true,
  },
};

/** Whether a server of this kind fetches what stands outside of a request by itself. Buckets none does. */
export function isReadByServer(reference: string, { readsMediaUrls }: ServerTraits): boolean {
  return readsMediaUrls && !isBucketReference(reference);
}

export const SERVER_KIND_NAMES = Object.keys(SERVER_KINDS) as readonly ServerKind[];
