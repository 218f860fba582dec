/** A prompt that Gemini blocked, and the answer a client gets. Contract section 17.5. */
export const BLOCKED_PROMPT = {
  promptFeedback: { blockReason: 'PROHIBITED_CONTENT' },
  usageMetadata: { promptTokenCount: 12, totalTokenCount: 12 },
  responseId: 'r9',
};

export const BLOCKED_COMPLETION = {
  id: 'r9',
  object: 'chat.completion',
  created: 1_779_051_164,
  model: 'google/gemini-2.5-flash',
  system_fingerprint: '',
  choices: [
    {
      index: 0,
      finish_reason: 'content_filter',
      logprobs: null,
      message: { role: 'assistant', content: null, refusal: 'Prompt blocked: PROHIBITED_CONTENT' },
      extra_content: { google: { block_reason: 'PROHIBITED_CONTENT' } },
    },
  ],
  usage: {
    prompt_tokens: 12,
    completion_tokens: 0,
    total_tokens: 12,
    prompt_tokens_details: { cached_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0 },
  },
};
