import type { UsageMode } from './usage.ts';

/** Which of the three URL families a request came in by. Contract section 0. */
export type RouteFamily = 'vertex' | 'devapi' | 'plain';

/** Where thoughts go. Contract section 4.3. */
export type ThoughtsDelivery = 'google' | 'reasoning_content' | 'both';

/** Where a stream reports usage. Contract section 10.4. */
export type StreamUsage = 'own-chunk' | 'on-finish' | 'none';

/** How one answer is to be written, decided once per request. */
export interface RenderOptions {
  /** Used unless the upstream names its own response id. */
  readonly id: string;
  /** Unix time in seconds, used unless the upstream says when it answered. */
  readonly created: number;
  /** The model as the client wrote it. */
  readonly model: string;
  /** Echoed when the request named one. */
  readonly serviceTier?: string;
  readonly thoughts: ThoughtRendering;
  /** The client asked for JSON: a Markdown fence around the answer is taken off. Contract section 8. */
  readonly jsonOutput: boolean;
  /** The client asked for WAV: PCM gets its header. Contract section 9.6. @default false */
  readonly wavAudio?: boolean;
  readonly usageMode: UsageMode;
  readonly streamUsage: StreamUsage;
  /** `false`: only the first call of a choice is passed on (`parallel_tool_calls: false`). */
  readonly parallelToolCalls: boolean;
  /** The request used `functions`: one call is answered as `function_call`. Contract section 7.7. */
  readonly deprecatedFunctions: boolean;
  /** Names of tools declared with `type: "custom"`. */
  readonly customTools: ReadonlySet<string>;
  /** `undefined`: log probabilities were not asked for. */
  readonly topLogprobs?: number;
  /** Makes an id for a call whose upstream gave none: `call_` and 24 characters. */
  readonly newCallId: () => string;
}

export interface ThoughtRendering {
  /** Thoughts go into `content`. */
  readonly inContent: boolean;
  /** Thoughts go into `reasoning_content`. */
  readonly inReasoningContent: boolean;
  /** Name of the tag around thoughts in `content`; `undefined` for none. */
  readonly tag?: string;
}

export interface ThoughtRequest {
  readonly family: RouteFamily;
  /** The configured delivery; `undefined` for the family's own default. */
  readonly delivery?: ThoughtsDelivery;
  /** `thought_tag_marker` of the request. */
  readonly marker?: string;
  /** `include_thoughts` of the request; `undefined` when it says nothing. */
  readonly asked?: boolean;
  readonly jsonOutput: boolean;
}

/** Decides where thoughts go. Contract section 4.3, rules 1 to 4. */
export function renderThoughts({
  family,
  delivery,
  marker,
  asked,
  jsonOutput,
}: ThoughtRequest): ThoughtRendering {
  if (asked === false) return { inContent: false, inReasoningContent: false };
  // Thoughts inside a JSON answer would break the client's parser.
  if (jsonOutput) return { inContent: false, inReasoningContent: true };
  const chosen = delivery ?? (family === 'plain' ? 'reasoning_content' : 'google');
  // A marker is an explicit wish for tags in `content`, whatever the delivery.
  if (marker !== undefined) return { inContent: true, inReasoningContent: chosen === 'both', tag: marker };
  // Google returns thoughts only when asked to; unasked, a model that always thinks would fill `content` with them.
  const inContent = chosen !== 'reasoning_content' && asked === true;
  return {
    inContent,
    inReasoningContent: chosen !== 'google',
    ...(inContent && family === 'devapi' ? { tag: 'thought' } : {}),
  };
}
