/** What every answer must look like, whatever a small model puts into it. */
import { expect } from 'vitest';
import { z } from 'zod';

const count = z.int().nonnegative();

const usage = z
  .strictObject({
    prompt_tokens: z.int().positive(),
    completion_tokens: z.int().positive(),
    total_tokens: z.int().positive(),
    prompt_tokens_details: z.strictObject({ cached_tokens: count }),
    completion_tokens_details: z.strictObject({ reasoning_tokens: count }),
  })
  .refine((it) => it.prompt_tokens + it.completion_tokens === it.total_tokens, 'the counts add up');

const toolCall = z.strictObject({
  id: z.string().min(1),
  type: z.literal('function'),
  function: z.strictObject({ name: z.string().min(1), arguments: z.string() }),
});

const finishReason = z.enum(['stop', 'length', 'tool_calls']);

const envelope = {
  id: z.string().regex(/^chatcmpl-\w+$/),
  created: z.int().positive(),
  model: z.string().min(1),
  system_fingerprint: z.literal(''),
};

const completion = z.strictObject({
  ...envelope,
  object: z.literal('chat.completion'),
  choices: z.tuple([
    z.strictObject({
      index: z.literal(0),
      message: z.strictObject({
        role: z.literal('assistant'),
        content: z.string().min(1).nullable(),
        refusal: z.null(),
        tool_calls: z.array(toolCall).min(1).optional(),
      }),
      logprobs: z.null(),
      finish_reason: finishReason,
    }),
  ]),
  usage,
});

const chunk = z.strictObject({
  ...envelope,
  object: z.literal('chat.completion.chunk'),
  choices: z.tuple([
    z.strictObject({
      index: z.literal(0),
      delta: z.strictObject({ role: z.literal('assistant').optional(), content: z.string().optional() }),
      logprobs: z.null(),
      finish_reason: finishReason.nullable(),
    }),
  ]),
  usage: usage.optional(),
});

const errorBody = z.strictObject({
  error: z.strictObject({
    message: z.string().min(1),
    type: z.string(),
    param: z.string().nullable(),
    code: z.string(),
  }),
});

/** What a model server writes is relayed as it is: it may leave out what is null, and add fields of its own. */
const relayedEnvelope = { id: z.string().min(1), created: z.int().positive(), model: z.string().min(1) };

const relayedUsage = z.looseObject({
  prompt_tokens: z.int().positive(),
  completion_tokens: z.int().positive(),
  total_tokens: z.int().positive(),
});

const relayedCompletion = z.looseObject({
  ...relayedEnvelope,
  object: z.literal('chat.completion'),
  choices: z.tuple([
    z.looseObject({
      index: z.literal(0),
      message: z.looseObject({
        role: z.literal('assistant'),
        content: z.string().min(1).nullable(),
        tool_calls: z.array(toolCall).min(1).optional(),
      }),
      finish_reason: finishReason,
    }),
  ]),
  usage: relayedUsage,
});

const relayedChunk = z.looseObject({
  ...relayedEnvelope,
  object: z.literal('chat.completion.chunk'),
  choices: z.tuple([
    z.looseObject({
      index: z.literal(0),
      delta: z.looseObject({
        role: z.literal('assistant').optional(),
        content: z.string().nullable().optional(),
      }),
      finish_reason: finishReason.nullable(),
    }),
  ]),
});

/** Who has written an answer: Parlance, every member, or a server it relays. */
export type Writer = 'parlance' | 'model server';

export type Completion = z.infer<typeof completion> | z.infer<typeof relayedCompletion>;
export type ErrorBody = z.infer<typeof errorBody>;

/** A whole answer with one choice. @throws {z.ZodError} for any other value */
export function readCompletion(value: unknown, writer: Writer = 'parlance'): Completion {
  return writer === 'parlance' ? completion.parse(value) : relayedCompletion.parse(value);
}

/** The text of a whole answer without calls. */
export function readText(value: unknown, writer: Writer = 'parlance'): string {
  const { message, finish_reason } = readCompletion(value, writer).choices[0];
  expect(message.tool_calls).toBeUndefined();
  expect(finish_reason).not.toBe('tool_calls');
  expect(message.content).not.toBeNull();
  return message.content ?? '';
}

/** An error body. @throws {z.ZodError} for any other value */
export function readErrorBody(value: unknown): ErrorBody['error'] {
  return errorBody.parse(value).error;
}

export interface StreamFacts {
  readonly model: string;
  readonly text: string;
}

/**
 * Checks the chunks of one streamed text answer of a Vertex route: the role first and once, then text piece by piece,
 * at the end a chunk without text that has the finish reason and the token counts.
 */
export function readVertexStream(values: readonly unknown[]): StreamFacts {
  const chunks = values.map((value) => chunk.parse(value));
  const [first, ...rest] = chunks;
  const last = rest.pop();
  if (first === undefined || last === undefined) throw new Error(`a stream of ${chunks.length} chunks`);
  expect(first.choices[0]).toMatchObject({ delta: { role: 'assistant', content: '' }, finish_reason: null });
  expect(first.usage).toBeUndefined();
  for (const { choices, usage: early } of rest) {
    expect(choices[0].delta).toEqual({ content: expect.stringMatching(/./s) });
    expect(choices[0].finish_reason).toBeNull();
    expect(early).toBeUndefined();
  }
  expect(last.choices[0].delta).toEqual({});
  expect(last.choices[0].finish_reason).toMatch(/^(?:stop|length)$/);
  expect(last.usage).toBeDefined();
  expect(new Set(chunks.map(({ id, created, model }) => `${id} ${created} ${model}`)).size).toBe(1);
  // Written as it came, not all at once: hardly any token needs to wait for the next.
  const tokens = last.usage?.completion_tokens ?? 0;
  expect(rest.length).toBeGreaterThan(tokens / 2);
  expect(rest.length).toBeLessThanOrEqual(tokens + 1);
  return { model: first.model, text: rest.map(({ choices }) => choices[0].delta.content).join('') };
}

/** Checks the chunks of one streamed text answer of a model server, for which nobody has asked to count the tokens. */
export function readRelayedStream(values: readonly unknown[]): StreamFacts {
  const chunks = values.map((value) => relayedChunk.parse(value));
  const deltas = chunks.map(({ choices }) => choices[0].delta);
  expect(deltas[0]?.role).toBe('assistant');
  const reasons = chunks.map(({ choices }) => choices[0].finish_reason);
  expect(reasons.pop()).toMatch(/^(?:stop|length)$/);
  expect(new Set(reasons)).toEqual(new Set([null]));
  const envelopes = chunks.map(({ id, model }) => ({ id, model }));
  expect(envelopes).toEqual(envelopes.map(() => envelopes[0]));
  return { model: chunks[0]?.model ?? '', text: deltas.map(({ content }) => content ?? '').join('') };
}
