/** Google's additions to Chat Completions: `extra_body.google` and `extra_content.google`. Contract sections 4 and 5. */

/** `extra_body.google`, also accepted as top-level `google`. Keys are accepted in snake_case and camelCase. Section 4.2. */
export interface GoogleExtraBody {
  thought_tag_marker?: string | null;
  thinking_config?: ThinkingConfig | null;
  [key: string]: unknown;
}

export interface ThinkingConfig {
  include_thoughts?: boolean | null;
  /** Tokens the model may think; 0 turns thinking off, -1 leaves it to the model. */
  thinking_budget?: number | null;
  thinking_level?: string | null;
}

/** `extra_content.google` of a message, part, delta or tool call. Section 5. */
export interface GoogleExtraContent {
  thought_signature?: string;
  thought?: boolean;
  [key: string]: unknown;
}

/** `extra_content` as it stands on messages, content parts, deltas, tool calls and choices. */
export interface ExtraContent {
  google?: GoogleExtraContent;
  [key: string]: unknown;
}
