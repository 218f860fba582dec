import { isJsonObject } from '../wire/validation/structure-checks.ts';

/** Bytes of text in a token, on the low side: English has four and a half, source code and most other languages three. */
const BYTES_PER_TOKEN = 3;

/** Tokens of one image, recording or file, whose bytes say nothing about them. */
const TOKENS_PER_MEDIUM = 1000;

/** What a model reads of a request. */
const PROMPT_FIELDS = ['messages', 'tools', 'functions', 'response_format'] as const;

/** The tokens of a request, as far as it tells. */
export interface TokenEstimate {
  /** Those its prompt is likely to have at most. */
  readonly promptTokens: number;
  /** Those each choice of its answer may have; `undefined` where it does not say. */
  readonly completionTokens: number | undefined;
  readonly choices: number;
}

/** What is reserved of a caller's limits until it is known what was used. The request need not be valid yet. */
export function estimateTokens(body: unknown): TokenEstimate {
  if (!isJsonObject(body)) return { promptTokens: 0, completionTokens: undefined, choices: 1 };
  let prompt = 0;
  for (const field of PROMPT_FIELDS) prompt += promptTokens(body[field]);
  return {
    promptTokens: Math.ceil(prompt),
    completionTokens: positive(body['max_completion_tokens']) ?? positive(body['max_tokens']),
    choices: positive(body['n']) ?? 1,
  };
}

function positive(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 1 ? value : undefined;
}

/** Names count like texts: those of a schema are part of the prompt. */
function promptTokens(value: unknown): number {
  if (typeof value === 'string')
    return isMedium(value) ? TOKENS_PER_MEDIUM : Buffer.byteLength(value) / BYTES_PER_TOKEN;
  if (typeof value !== 'object' || value === null) return 0;
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + promptTokens(item), 0);
  let sum = 0;
  for (const [name, member] of Object.entries(value)) {
    const isData = typeof member === 'string' && (name === 'data' || name === 'file_data');
    sum += Buffer.byteLength(name) / BYTES_PER_TOKEN + (isData ? TOKENS_PER_MEDIUM : promptTokens(member));
  }
  return sum;
}

function isMedium(text: string): boolean {
  return text.startsWith('data:') || text.startsWith('gs://');
}
