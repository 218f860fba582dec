/**
 * Top-level sampling and decoding controls of other servers. Each would change the text, so where one cannot be honoured it is
 * refused and not passed over. Contract section 2.
 */
export const FOREIGN_CONTROLS: ReadonlySet<string> = new Set([
  'bad_words',
  'guided_json',
  'guided_regex',
  'guided_choice',
  'guided_grammar',
  'structured_outputs',
  'grammar',
  'min_p',
  'repetition_penalty',
  'min_tokens',
  'prompt_logprobs',
  'echo',
]);
