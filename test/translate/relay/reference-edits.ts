import type { ServerTraits } from '../../../src/translate/relay/server-kinds.ts';
import { isJsonObject, type JsonObject } from '../../../src/wire/validation/structure-checks.ts';

/** What a relayed request has to say, made of its value with no regard to its text. Contract section 12. */
export function relayedBody(body: JsonObject, traits: ServerTraits, model: string | undefined): JsonObject {
  const sent = new Map(Object.entries(body));
  sent.delete('google');
  let level = body['extra_body'];
  if (level === null || isJsonObject(level)) sent.delete('extra_body');
  for (let depth = 0; depth < 2 && isJsonObject(level); depth++, level = level['extra_body']) {
    for (const [name, value] of Object.entries(level))
      if (!['google', 'extra_body', 'model', 'messages', 'stream'].includes(name)) sent.set(name, value);
  }
  const limit = sent.get('max_completion_tokens');
  if (!traits.takesMaxCompletionTokens && typeof limit === 'number') sent.set('max_tokens', limit);
  if (model !== undefined) sent.set('model', model);
  const messages = sent.get('messages');
  if (Array.isArray(messages))
    sent.set(
      'messages',
      messages.map((message) => relayedMessage(message, traits)),
    );
  return Object.fromEntries(sent);
}

function relayedMessage(message: unknown, traits: ServerTraits): unknown {
  if (!isJsonObject(message)) return message;
  const sent = { ...withoutExtraContent(message) };
  if (!traits.takesDeveloperRole && sent['role'] === 'developer') sent['role'] = 'system';
  if (Array.isArray(sent['content'])) sent['content'] = sent['content'].map(relayedPart);
  if (Array.isArray(sent['tool_calls']))
    sent['tool_calls'] = sent['tool_calls'].map((call: unknown) =>
      isJsonObject(call) ? withoutExtraContent(call) : call,
    );
  return sent;
}

function relayedPart(part: unknown): unknown {
  if (!isJsonObject(part)) return part;
  const sent = { ...withoutExtraContent(part) };
  const type = String(part['type']);
  if (['image_url', 'audio_url', 'video_url'].includes(type) && typeof sent[type] === 'string')
    sent[type] = { url: sent[type] };
  const audio = sent['input_audio'];
  if (part['type'] === 'input_audio' && isJsonObject(audio) && typeof audio['format'] === 'string') {
    const subtype = /^\s*audio\/([^\s;]+)/i.exec(audio['format'])?.[1]?.toLowerCase();
    if (subtype !== undefined) {
      const format = subtype === 'mpeg' ? 'mp3' : subtype === 'x-wav' ? 'wav' : subtype;
      sent['input_audio'] = { ...audio, format };
    }
  }
  return sent;
}

function withoutExtraContent(value: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(value).filter(([name]) => name !== 'extra_content'));
}
