import {
  type GoogleExtras,
  googleSources,
  readGoogleExtraBody,
} from '../../wire/openai/google-extra-body.ts';
import type { ChatCompletionRequest } from '../../wire/openai/request.ts';
import type { GeminiUpstream } from '../../wire/gemini/request.ts';
import { capabilitiesOf, type ModelCapabilities } from '../model-capabilities.ts';
import type { ThinkingFamily } from './thinking.ts';
import { NativeReader } from './native-shape.ts';
import { type FieldPath, Receipt } from './receipt.ts';
import { RequestResolution } from './request-resolution.ts';

/** The Gemini model a request goes to. */
export interface GeminiTarget {
  /** `gemini` is the Gemini Developer API. */
  readonly upstream: GeminiUpstream;
  /** Bare id, such as `gemini-2.5-flash`. */
  readonly model: string;
}

export interface TranslateOptions {
  /** What to do with a field that cannot be honoured and would change the answer. Contract section 0. */
  readonly unsupported: 'reject' | 'ignore';
  /** Which schema language to send; `auto` decides by the model. Contract section 7.2. @default 'auto' */
  readonly schemaMode?: 'auto' | 'json' | 'openapi';
  /** Levels a recursive schema is unrolled to in the OpenAPI language. Contract section 7.3. @default 3 */
  readonly maxRefDepth?: number;
  /** Whether calls and results carry ids; `auto`: to the Developer API only. Contract section 3.4. @default 'auto' */
  readonly functionIds?: 'auto' | 'always' | 'never';
  /** Sends earlier reasoning back to the model. Contract section 4.3. @default true */
  readonly replayThoughts?: boolean;
  /** Gemini voices by the names clients use. OpenAI's own names become `Kore` otherwise. @default {} */
  readonly voiceMap?: Readonly<Record<string, string>>;
  /** How models are told how much to think. @default DEFAULT_THINKING_FAMILIES */
  readonly thinkingFamilies?: readonly ThinkingFamily[];
  /** A signature kept for a tool call whose client lost it. Contract section 5.1. */
  readonly findSignature?: (toolCallId: string) => string | undefined;
}

/** What all parts of one translation share. The request is read only. */
export interface RequestContext {
  readonly request: ChatCompletionRequest;
  readonly target: GeminiTarget;
  readonly options: TranslateOptions;
  readonly model: ModelCapabilities;
  readonly extras: GoogleExtras;
  readonly receipt: Receipt;
  readonly native: NativeReader;
  readonly resolution: RequestResolution;
  /** Schemas are sent as JSON Schema; else in the OpenAPI language. */
  readonly usesJsonSchema: boolean;
}

export function createRequestContext(
  request: ChatCompletionRequest,
  target: GeminiTarget,
  options: TranslateOptions,
): RequestContext {
  const receipt = new Receipt(options.unsupported);
  const model = capabilitiesOf(target.model);
  const { schemaMode = 'auto' } = options;
  return {
    request,
    target,
    options,
    model,
    extras: readGoogleExtraBody(request),
    receipt,
    native: new NativeReader(target.upstream, receipt),
    resolution: new RequestResolution(receipt),
    usesJsonSchema: schemaMode === 'auto' ? model.jsonSchema : schemaMode === 'json',
  };
}

/** The place of a key of `google` that wins the merge, as the client spelled it. Contract section 4.1. */
export function googlePath({ request }: RequestContext, key: string): FieldPath {
  for (const { path, google } of googleSources(request).toReversed()) {
    const spelled = Object.keys(google).find((name) => name === key || toSnakeCase(name) === key);
    if (spelled !== undefined && google[spelled] != null) return [...path, spelled];
  }
  return ['extra_body', 'google', key];
}

function toSnakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
