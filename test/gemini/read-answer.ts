/** What a client's objects say, in one form for whole and streamed answers. */
import type { ExtraContent } from '../../src/wire/openai/google-extras.ts';
import type { ChatCompletion, ChatCompletionChunk, Usage } from '../../src/wire/openai/response.ts';
import type { AnswerFacts } from './recorded-chats.ts';

/** Facts of a whole answer. */
export function readCompletion({ choices, usage }: ChatCompletion): AnswerFacts {
  const [choice] = choices;
  if (choice === undefined || choices.length !== 1) throw new Error(`${choices.length} choices`);
  const { message } = choice;
  const calls = message.tool_calls ?? [];
  return {
    text: message.content ?? '',
    thoughts: message.reasoning_content ?? '',
    refusal: message.refusal,
    calls: calls.map((call) => {
      if (call.type !== 'function') throw new Error(`call of type ${call.type}`);
      const { name, arguments: text } = call.function;
      return { id: call.id, name, args: JSON.parse(text) as unknown, signature: signatureOf(call) };
    }),
    signature: signatureOf(message),
    signatures: [...keptSignatures(choice), signatureOf(message), ...calls.map(signatureOf)].filter(
      isPresent,
    ),
    finishReason: choice.finish_reason,
    hasLogprobs: (choice.logprobs?.content.length ?? 0) > 0,
    images: message.images?.length ?? 0,
    usage: readUsage(usage),
  };
}

/** Facts of a stream that was asked for its usage, put together as plainly as possible. */
export function readChunks(chunks: readonly ChatCompletionChunk[]): AnswerFacts {
  const facts = { text: '', thoughts: '', refusal: '', images: 0 };
  const calls: { id: string; name: string; text: string; signature: string | undefined }[] = [];
  const kept: string[] = [];
  const signatures: string[] = [];
  let signature: string | undefined;
  let finishReason: string | null = null;
  let hasLogprobs = false;
  let usage: Usage | undefined;
  for (const chunk of chunks) {
    usage = chunk.usage ?? usage;
    for (const choice of chunk.choices) {
      const { delta } = choice;
      facts.text += delta.content ?? '';
      facts.thoughts += delta.reasoning_content ?? '';
      facts.refusal += delta.refusal ?? '';
      facts.images += delta.images?.length ?? 0;
      kept.push(...keptSignatures(choice));
      signature = signatureOf(delta) ?? signature;
      signatures.push(...[delta, ...(delta.tool_calls ?? [])].map(signatureOf).filter(isPresent));
      for (const call of delta.tool_calls ?? []) {
        const { index, id = '', function: { name = '', arguments: text = '' } = {} } = call;
        calls[index] ??= { id, name, text: '', signature: signatureOf(call) };
        calls[index].text += text;
      }
      finishReason = choice.finish_reason ?? finishReason;
      hasLogprobs ||= (choice.logprobs?.content.length ?? 0) > 0;
    }
  }
  if (usage === undefined) throw new Error('no usage');
  return {
    ...facts,
    refusal: facts.refusal === '' ? null : facts.refusal,
    calls: calls.map(({ id, name, text, signature: own }) => ({
      id,
      name,
      args: JSON.parse(text) as unknown,
      signature: own,
    })),
    signature,
    signatures: [...kept, ...signatures],
    finishReason,
    hasLogprobs,
    usage: readUsage(usage),
  };
}

function signatureOf(holder: { extra_content?: ExtraContent }): string | undefined {
  return holder.extra_content?.google?.thought_signature;
}

/** Of parts that no field of a message can hold. */
function keptSignatures({ extra_content: extra }: { extra_content?: ExtraContent }): string[] {
  const parts = (extra?.google?.['parts'] ?? []) as { thoughtSignature?: string }[];
  return parts.map(({ thoughtSignature }) => thoughtSignature).filter(isPresent);
}

function isPresent(text: string | undefined): text is string {
  return text !== undefined;
}

function readUsage(usage: Usage): AnswerFacts['usage'] {
  return {
    prompt: usage.prompt_tokens,
    completion: usage.completion_tokens,
    total: usage.total_tokens,
    cached: usage.prompt_tokens_details.cached_tokens,
    reasoning: usage.completion_tokens_details.reasoning_tokens,
  };
}
