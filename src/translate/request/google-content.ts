import type { ExtraContent, GoogleExtraContent } from '../../wire/openai/google-extras.ts';

const NOTHING: GoogleExtraContent = Object.freeze({});

/** `extra_content.google` of a message, part or call. Some gateways write `vertex` for it; `google` wins key by key. */
export function googleContentOf({
  extra_content: extra,
}: {
  readonly extra_content?: ExtraContent | null;
}): GoogleExtraContent {
  if (extra == null) return NOTHING;
  const vertex = extra['vertex'] as GoogleExtraContent | null | undefined;
  if (vertex == null) return extra.google ?? NOTHING;
  return { ...vertex, ...extra.google };
}
