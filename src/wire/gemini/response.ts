import { isJsonObject, type JsonObject } from '../validation/structure-checks.ts';

/**
 * What `generateContent` answers, and each message of `streamGenerateContent`: only the members that are translated.
 *
 * The reader never fails. Google adds members and enum values without notice and leaves out whatever has its default,
 * so a member that is missing, null or of an unexpected type is absent here, and everything unknown is passed over.
 */
export interface GenerateContentResponse {
  candidates: Candidate[];
  promptFeedback?: PromptFeedback;
  usageMetadata?: UsageMetadata;
  modelVersion?: string;
  responseId?: string;
  /** RFC 3339, with up to nine digits of a second. Vertex AI only. */
  createTime?: string;
}

export interface Candidate {
  /** Of the candidate among its siblings; its position where the upstream gives none. */
  index: number;
  parts: Part[];
  finishReason?: string;
  finishMessage?: string;
  safetyRatings?: unknown[];
  avgLogprobs?: number;
  logprobsResult?: LogprobsResult;
  /** Offsets in it are UTF-8 bytes of the visible text. */
  citationMetadata?: JsonObject;
  groundingMetadata?: JsonObject;
  urlContextMetadata?: JsonObject;
}

export interface Part {
  text?: string;
  /** The part is a summary of the model's reasoning. */
  thought: boolean;
  /** Opaque; goes back to the model with the very part it came on. */
  thoughtSignature?: string;
  inlineData?: { mimeType: string; data: string };
  functionCall?: FunctionCall;
  executableCode?: { language: string; code: string };
  codeExecutionResult?: { outcome: string; output: string };
  /** The part as it came. */
  raw: JsonObject;
}

export interface FunctionCall {
  id?: string;
  name?: string;
  args?: JsonObject;
  /** Pieces of streamed arguments, unchecked. */
  partialArgs: unknown[];
  willContinue: boolean;
}

export interface PromptFeedback {
  blockReason?: string;
  blockReasonMessage?: string;
  safetyRatings?: unknown[];
}

export interface LogprobsResult {
  chosenCandidates: LogprobsCandidate[];
  /** Parallel to `chosenCandidates`. */
  topCandidates: LogprobsCandidate[][];
}

export interface LogprobsCandidate {
  token: string;
  logProbability: number;
}

/** Token counts. A missing count means 0, but middle frames of Vertex AI have none at all. */
export interface UsageMetadata {
  promptTokenCount?: number;
  candidatesTokenCount?: number;
  thoughtsTokenCount?: number;
  toolUsePromptTokenCount?: number;
  cachedContentTokenCount?: number;
  totalTokenCount?: number;
  promptTokensDetails?: ModalityTokenCount[];
  candidatesTokensDetails?: ModalityTokenCount[];
  trafficType?: string;
}

export interface ModalityTokenCount {
  modality: string;
  tokenCount: number;
}

/** Any JSON value as a response. */
export function readGenerateContentResponse(value: unknown): GenerateContentResponse {
  const response = objectOf(value) ?? {};
  return {
    candidates: listOf(response['candidates']).flatMap((item, position) => {
      const candidate = objectOf(item);
      return candidate === undefined ? [] : [readCandidate(candidate, position)];
    }),
    ...present('promptFeedback', readPromptFeedback(response['promptFeedback'])),
    ...present('usageMetadata', readUsageMetadata(response['usageMetadata'])),
    ...present('modelVersion', textOf(response['modelVersion'])),
    ...present('responseId', textOf(response['responseId'])),
    ...present('createTime', textOf(response['createTime'])),
  };
}

function readCandidate(candidate: JsonObject, position: number): Candidate {
  const { content, safetyRatings } = candidate;
  return {
    index: countOf(candidate['index']) ?? position,
    parts: listOf(objectOf(content)?.['parts']).flatMap((item) => {
      const part = objectOf(item);
      return part === undefined ? [] : [readPart(part)];
    }),
    ...present('finishReason', enumOf(candidate['finishReason'], FINISH_REASON_NUMBERS)),
    ...present('finishMessage', textOf(candidate['finishMessage'])),
    ...present('safetyRatings', Array.isArray(safetyRatings) ? (safetyRatings as unknown[]) : undefined),
    ...present('avgLogprobs', numberOf(candidate['avgLogprobs'])),
    ...present('logprobsResult', readLogprobsResult(candidate['logprobsResult'])),
    ...present('citationMetadata', objectOf(candidate['citationMetadata'])),
    ...present('groundingMetadata', objectOf(candidate['groundingMetadata'])),
    ...present('urlContextMetadata', objectOf(candidate['urlContextMetadata'])),
  };
}

function readPart(part: JsonObject): Part {
  const inlineData = objectOf(part['inlineData']);
  const code = objectOf(part['executableCode']);
  const result = objectOf(part['codeExecutionResult']);
  return {
    thought: part['thought'] === true,
    raw: part,
    ...present('text', stringOf(part['text'])),
    ...present('thoughtSignature', textOf(part['thoughtSignature'])),
    ...present('functionCall', readFunctionCall(part['functionCall'])),
    ...present(
      'inlineData',
      inlineData && {
        mimeType: textOf(inlineData['mimeType']) ?? '',
        data: textOf(inlineData['data']) ?? '',
      },
    ),
    ...present(
      'executableCode',
      code && {
        language: enumOf(code['language'], LANGUAGE_NUMBERS) ?? '',
        code: textOf(code['code']) ?? '',
      },
    ),
    ...present(
      'codeExecutionResult',
      result && {
        outcome: enumOf(result['outcome'], OUTCOME_NUMBERS) ?? '',
        output: textOf(result['output']) ?? '',
      },
    ),
  };
}

function readFunctionCall(value: unknown): FunctionCall | undefined {
  const call = objectOf(value);
  if (call === undefined) return undefined;
  return {
    partialArgs: listOf(call['partialArgs']),
    willContinue: call['willContinue'] === true,
    ...present('id', textOf(call['id'])),
    ...present('name', textOf(call['name'])),
    ...present('args', objectOf(call['args'])),
  };
}

function readPromptFeedback(value: unknown): PromptFeedback | undefined {
  const feedback = objectOf(value);
  if (feedback === undefined) return undefined;
  const { safetyRatings } = feedback;
  return {
    ...present('blockReason', enumOf(feedback['blockReason'], BLOCK_REASON_NUMBERS)),
    ...present('blockReasonMessage', textOf(feedback['blockReasonMessage'])),
    ...present('safetyRatings', Array.isArray(safetyRatings) ? (safetyRatings as unknown[]) : undefined),
  };
}

function readLogprobsResult(value: unknown): LogprobsResult | undefined {
  const result = objectOf(value);
  if (result === undefined) return undefined;
  return {
    chosenCandidates: listOf(result['chosenCandidates']).map(readLogprobsCandidate),
    topCandidates: listOf(result['topCandidates']).map((step) =>
      listOf(objectOf(step)?.['candidates']).map(readLogprobsCandidate),
    ),
  };
}

function readLogprobsCandidate(value: unknown): LogprobsCandidate {
  const candidate = objectOf(value) ?? {};
  return {
    token: stringOf(candidate['token']) ?? '',
    logProbability: numberOf(candidate['logProbability']) ?? 0,
  };
}

function readUsageMetadata(value: unknown): UsageMetadata | undefined {
  const usage = objectOf(value);
  if (usage === undefined) return undefined;
  return {
    ...present('promptTokenCount', countOf(usage['promptTokenCount'])),
    ...present('candidatesTokenCount', countOf(usage['candidatesTokenCount'])),
    ...present('thoughtsTokenCount', countOf(usage['thoughtsTokenCount'])),
    ...present('toolUsePromptTokenCount', countOf(usage['toolUsePromptTokenCount'])),
    ...present('cachedContentTokenCount', countOf(usage['cachedContentTokenCount'])),
    ...present('totalTokenCount', countOf(usage['totalTokenCount'])),
    ...present('promptTokensDetails', readModalities(usage['promptTokensDetails'])),
    ...present('candidatesTokensDetails', readModalities(usage['candidatesTokensDetails'])),
    ...present('trafficType', textOf(usage['trafficType'])),
  };
}

function readModalities(value: unknown): ModalityTokenCount[] | undefined {
  if (!Array.isArray(value)) return undefined;
  return value.flatMap((item: unknown) => {
    const detail = objectOf(item);
    const modality = enumOf(detail?.['modality'], MODALITY_NUMBERS);
    return modality === undefined ? [] : [{ modality, tokenCount: countOf(detail?.['tokenCount']) ?? 0 }];
  });
}

// Enum numbers come from clients and recorders that asked for them. Of the finish and block reasons only those are
// listed that both APIs number alike.
const FINISH_REASON_NUMBERS = [
  'FINISH_REASON_UNSPECIFIED',
  'STOP',
  'MAX_TOKENS',
  'SAFETY',
  'RECITATION',
  'OTHER',
];
const BLOCK_REASON_NUMBERS = [
  'BLOCK_REASON_UNSPECIFIED',
  'SAFETY',
  'OTHER',
  'BLOCKLIST',
  'PROHIBITED_CONTENT',
];
const LANGUAGE_NUMBERS = ['LANGUAGE_UNSPECIFIED', 'PYTHON'];
const OUTCOME_NUMBERS = ['OUTCOME_UNSPECIFIED', 'OUTCOME_OK', 'OUTCOME_FAILED', 'OUTCOME_DEADLINE_EXCEEDED'];
const MODALITY_NUMBERS = ['MODALITY_UNSPECIFIED', 'TEXT', 'IMAGE', 'VIDEO', 'AUDIO', 'DOCUMENT'];

/** An enum value by its name; proto3 JSON also allows its number. */
function enumOf(value: unknown, names: readonly string[]): string | undefined {
  if (typeof value === 'number') return names[value] ?? String(value);
  return textOf(value);
}

function objectOf(value: unknown): JsonObject | undefined {
  return isJsonObject(value) ? value : undefined;
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}

function stringOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** A string with something in it: proto3 cannot tell an empty one from an absent one. */
function textOf(value: unknown): string | undefined {
  return value === '' ? undefined : stringOf(value);
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

const DIGITS = /^\d{1,15}$/;

/** A whole number from 0; 64-bit numbers come as strings. */
function countOf(value: unknown): number | undefined {
  const count = typeof value === 'string' && DIGITS.test(value) ? Number(value) : value;
  return typeof count === 'number' && Number.isSafeInteger(count) && count >= 0 ? count : undefined;
}

/** The member as an object to spread: absent instead of undefined. */
function present<Name extends string, Value>(
  name: Name,
  value: Value | undefined,
): Record<Name, Value> | undefined {
  return value === undefined ? undefined : ({ [name]: value } as Record<Name, Value>);
}
