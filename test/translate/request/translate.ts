import { GatewayError } from '../../../src/errors.ts';
import {
  type GeminiTranslation,
  toGeminiRequest,
  type TranslateOptions,
} from '../../../src/translate/request/to-gemini-request.ts';
import type { Part } from '../../../src/wire/gemini/request.ts';
import type { ChatCompletionRequest } from '../../../src/wire/openai/request.ts';
import { validateChatRequest } from '../../../src/wire/openai/validate-request.ts';
import { API_OF, violationsOf } from '../../support/discovery-validator.ts';

export interface TestTarget extends Partial<TranslateOptions> {
  /** @default 'vertex' */
  readonly upstream?: 'vertex' | 'gemini';
  /** @default 'gemini-2.5-flash' */
  readonly model?: string;
}

export const USER = { role: 'user', content: 'Hello.' };

/**
 * Translates a request that must be valid, from a deep-frozen copy, and checks the body against the upstream's
 * discovery document. Fields left out are a greeting.
 */
export function translate(fields: object, target: TestTarget = {}): GeminiTranslation {
  const { upstream = 'vertex', model = 'gemini-2.5-flash', ...options } = target;
  const request = deepFreeze(structuredClone({ model, messages: [USER], ...fields }));
  const problems = validateChatRequest(request, { modelRequired: true });
  if (problems.length > 0) throw new Error(`the test's request is not valid: ${JSON.stringify(problems)}`);
  const translation = toGeminiRequest(
    request as unknown as ChatCompletionRequest,
    { upstream, model },
    { unsupported: 'reject', ...options },
  );
  const violations = violationsOf(API_OF[upstream], 'GenerateContentRequest', translation.body);
  if (violations.length > 0) throw new Error(`${upstream} would refuse the body: ${violations.join('; ')}`);
  return translation;
}

/** The error a request is answered with. */
export function refusal(fields: object, target: TestTarget = {}): GatewayError {
  try {
    translate(fields, target);
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
  throw new Error('the request was not refused');
}

/** The native parts of one user message. */
export function userParts(content: unknown, target: TestTarget = {}): Part[] {
  return partsOf([{ role: 'user', content }], 'user', target);
}

/** The native parts of one assistant message behind a greeting. */
export function modelParts(message: object, target: TestTarget = {}): Part[] {
  return partsOf([USER, { role: 'assistant', ...message }], 'model', target);
}

function partsOf(messages: object[], role: string, target: TestTarget): Part[] {
  const { contents } = translate({ messages }, target).body;
  return contents.filter((content) => content.role === role).flatMap(({ parts }) => parts);
}

export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const member of Object.values(value)) deepFreeze(member);
  return Object.freeze(value);
}
