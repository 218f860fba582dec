import type { Usage } from '../../wire/openai/response.ts';
import type { TokenCounts } from './chat-event.ts';

/**
 * How reasoning tokens are counted: `openai` counts them in `completion_tokens`, so that prompt and completion add
 * up to the total; `google` leaves them out, as Google's endpoint does. Contract section 9.8.
 */
export type UsageMode = 'openai' | 'google';

/** Token counts as OpenAI's `usage`. Missing counts are 0. */
export function toUsage(counts: TokenCounts, mode: UsageMode): Usage {
  const thoughts = counts.thoughts ?? 0;
  const prompt = counts.prompt + (counts.toolUsePrompt ?? 0);
  const completion = counts.answer + (mode === 'openai' ? thoughts : 0);
  const { promptByModality, answerByModality, trafficType } = counts;
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: counts.total ?? prompt + counts.answer + thoughts,
    prompt_tokens_details: {
      cached_tokens: counts.cached ?? 0,
      ...(promptByModality?.audio === undefined ? {} : { audio_tokens: promptByModality.audio }),
      ...(promptByModality?.image === undefined ? {} : { image_tokens: promptByModality.image }),
      ...(promptByModality?.text === undefined ? {} : { text_tokens: promptByModality.text }),
    },
    completion_tokens_details: {
      reasoning_tokens: thoughts,
      ...(answerByModality?.audio === undefined ? {} : { audio_tokens: answerByModality.audio }),
      ...(answerByModality?.text === undefined ? {} : { text_tokens: answerByModality.text }),
    },
    ...(trafficType === undefined ? {} : { extra_properties: { google: { traffic_type: trafficType } } }),
  };
}
