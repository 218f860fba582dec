import {
  type RenderOptions,
  type RouteFamily,
  renderThoughts,
  type StreamUsage,
  type ThoughtsDelivery,
} from './render-options.ts';
import type { UsageMode } from './usage.ts';
import { readGoogleExtraBody, thoughtTagMarker } from '../../wire/openai/google-extra-body.ts';
import type { ChatCompletionRequest } from '../../wire/openai/request.ts';

export interface RenderContext {
  readonly family: RouteFamily;
  readonly thoughtsDelivery?: ThoughtsDelivery | undefined;
  readonly usageMode: UsageMode;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Echoed as `model`: what the client wrote, else the served model. */
  readonly model: string;
  /** Id of the answer, unless the upstream has one. */
  readonly id: string;
  /** Makes the id of a call whose upstream gave none. */
  readonly newCallId: () => string;
}

/** How the answer to a request is to be written. */
export function readRenderOptions(request: ChatCompletionRequest, context: RenderContext): RenderOptions {
  const { google, thinking } = readGoogleExtraBody(request);
  const marker = thoughtTagMarker(google);
  const jsonOutput = wantsJson(request, google);
  return {
    id: context.id,
    created: Math.floor(context.now / 1000),
    model: context.model,
    ...(request.service_tier == null ? {} : { serviceTier: request.service_tier }),
    thoughts: renderThoughts({
      family: context.family,
      ...(context.thoughtsDelivery === undefined ? {} : { delivery: context.thoughtsDelivery }),
      ...(marker === undefined ? {} : { marker }),
      ...(thinking.include_thoughts === undefined ? {} : { asked: thinking.include_thoughts }),
      jsonOutput,
    }),
    jsonOutput,
    ...(request.audio?.format === 'wav' ? { wavAudio: true } : {}),
    usageMode: context.usageMode,
    streamUsage: streamUsage(request, context.family),
    parallelToolCalls: request.parallel_tool_calls !== false,
    deprecatedFunctions: request.functions != null,
    customTools: customToolNames(request),
    ...(request.logprobs === true ? { topLogprobs: request.top_logprobs ?? 0 } : {}),
    newCallId: context.newCallId,
  };
}

/** Contract section 10.4. */
function streamUsage({ stream_options: options }: ChatCompletionRequest, family: RouteFamily): StreamUsage {
  if (options?.include_usage === true) return 'own-chunk';
  return family === 'vertex' ? 'on-finish' : 'none';
}

function wantsJson(
  { response_format: format }: ChatCompletionRequest,
  google: Readonly<Record<string, unknown>>,
): boolean {
  if (format != null) {
    const type = typeof format === 'string' ? format : format.type;
    return type === 'json_object' || type === 'json_schema' || type === 'application/json';
  }
  return google['response_json_schema'] != null || google['response_mime_type'] === 'application/json';
}

function customToolNames({ tools }: ChatCompletionRequest): ReadonlySet<string> {
  const names = new Set<string>();
  for (const tool of tools ?? []) {
    const custom: unknown = 'custom' in tool ? tool.custom : undefined;
    if (typeof custom === 'object' && custom !== null && 'name' in custom) names.add(String(custom.name));
  }
  return names;
}
