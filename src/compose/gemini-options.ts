import type { GeminiPlace } from '../backends/gemini/gemini-url.ts';
import { DEFAULT_THINKING_FAMILIES } from '../translate/request/thinking.ts';
import type { TranslateOptions } from '../translate/request/to-gemini-request.ts';
import type { GeminiUpstreamConfig, VertexUpstreamConfig } from '../config/complete-upstream.ts';
import type { DeepReadonly } from '../config/deep-freeze.ts';
import { toThinkingFamilies } from '../config/thinking-schema.ts';

export type GeminiConfig = DeepReadonly<VertexUpstreamConfig> | DeepReadonly<GeminiUpstreamConfig>;

/** Where a configured Gemini upstream is called. */
export function geminiPlace(config: GeminiConfig): GeminiPlace {
  const shared = { version: config.api_version, baseUrl: config.base_url };
  if (config.kind === 'gemini') return { upstream: 'gemini', ...shared };
  return {
    upstream: 'vertex',
    project: config.project,
    isExpress: config.api_key !== undefined,
    location: config.location,
    ...shared,
  };
}

/** How requests to a configured Gemini upstream are translated. */
export function geminiTranslateOptions(
  config: GeminiConfig,
  thoughts: { readonly replay: boolean },
): Omit<TranslateOptions, 'unsupported' | 'findSignature'> {
  return {
    schemaMode: config.schema.mode,
    maxRefDepth: config.schema.max_ref_depth,
    functionIds: config.function_ids,
    replayThoughts: thoughts.replay,
    ...(config.voice_map !== undefined && { voiceMap: config.voice_map }),
    ...(config.thinking !== undefined && {
      thinkingFamilies: [...toThinkingFamilies(config.thinking), ...DEFAULT_THINKING_FAMILIES],
    }),
  };
}
