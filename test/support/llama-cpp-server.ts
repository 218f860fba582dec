/** llama.cpp's own server, from a wheel that needs no compiler. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DEFAULT_MODEL_NAME } from '../../src/model-store/catalogue.ts';
import { type ModelServer, pullTestModel, startModelServer } from './model-server.ts';

export interface LlamaCppServerOptions {
  /** Answers at a time; also the largest `n`. @default 2 */
  readonly slots?: number;
  /** Tokens of each slot. @default 1024 */
  readonly contextSize?: number;
  /** Tokens of an answer whose request sets no limit. @default as many as fit */
  readonly maxTokens?: number;
  /** Without it everybody may ask. `/health` never needs it. */
  readonly apiKey?: string;
  /** The model's name in answers and lists. @default 'smollm2-135m-instruct' */
  readonly alias?: string;
  /** Where an earlier server has listened. @default a free one */
  readonly port?: number;
}

export interface LlamaCppServer extends ModelServer {
  /** What each slot is doing now. */
  slots(): Promise<readonly LlamaCppSlot[]>;
}

/** Fields of an entry of `GET /slots` (llama.cpp, tools/server/README.md); there are many more. */
export interface LlamaCppSlot {
  readonly id: number;
  readonly is_processing: boolean;
  /** Absent before the slot's first task. */
  readonly id_task?: number;
}

/**
 * Put into a request with tools and `tool_choice: 'required'`, makes the small model call one: 13 is the token that
 * calls begin with in tool-calls.jinja, and that the model would hardly choose. Some 40 tokens must be allowed.
 */
export const ONE_TOOL_CALL = { parallel_tool_calls: false, logit_bias: { 13: 100 } } as const;

/**
 * Starts a server that answers with the model of all end-to-end tests. Its log tells of every request that was given
 * up (`cancel task, id_task = N`) and of every slot that became free (`release: id N | task N`).
 *
 * @throws {Error} as {@link startModelServer}
 */
export async function startLlamaCppServer({
  slots = 2,
  contextSize = 1024,
  maxTokens = -1,
  apiKey,
  alias = DEFAULT_MODEL_NAME,
  port = 0,
}: LlamaCppServerOptions = {}): Promise<LlamaCppServer> {
  const options = {
    model: await pullTestModel(),
    chat_template: await readFile(join(import.meta.dirname, 'python/tool-calls.jinja'), 'utf8'),
    slots,
    context_size: contextSize,
    max_tokens: maxTokens,
    api_keys: apiKey === undefined ? [] : [apiKey],
    alias,
    port,
  };
  const server = await startModelServer({ script: 'llama_cpp_server.py', args: [JSON.stringify(options)] });
  const headers: Record<string, string> = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
  return {
    ...server,
    slots: async () => {
      const response = await fetch(`${server.url}/slots`, { headers });
      if (!response.ok) throw new Error(`/slots answered with HTTP ${response.status}`);
      return (await response.json()) as LlamaCppSlot[];
    },
  };
}
