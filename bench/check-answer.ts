/** Whether an answer is complete and right. A fast wrong answer is worth nothing. */
import type { RawResponse } from './response-reader.ts';

export interface ExpectedAnswer {
  /** Text of each event, in order. */
  readonly pieces: readonly string[];
  readonly promptTokens: number;
  /** @default one for each piece */
  readonly answerTokens?: number;
  /** Name every part of the answer has to bear. @default any */
  readonly model?: string;
}

/** @returns what is wrong with a streamed answer; `undefined` when every event arrived, once and in order */
export function checkStream({ status, body }: RawResponse, expected: ExpectedAnswer): string | undefined {
  if (status !== 200) return `status ${status}`;
  const events = body.toString('utf8').split('\n\n');
  if (events.pop() !== '') return 'the last event is cut off';
  if (events.pop() !== 'data: [DONE]') return 'the stream does not end with [DONE]';
  const texts: string[] = [];
  let finish: string | undefined;
  let usage: Usage | undefined;
  for (const event of events) {
    if (!event.startsWith('data: ')) return `not an event: ${event.slice(0, 40)}`;
    const chunk = JSON.parse(event.slice('data: '.length)) as Chunk;
    if (isWrongModel(chunk.model, expected)) return `an event of model ${chunk.model}`;
    const [choice] = chunk.choices;
    if (choice?.delta.content !== undefined && choice.delta.content !== '') texts.push(choice.delta.content);
    finish = choice?.finish_reason ?? finish;
    usage = chunk.usage ?? usage;
  }
  if (texts.length !== expected.pieces.length) {
    return `${texts.length} events with text instead of ${expected.pieces.length}`;
  }
  const wrong = texts.findIndex((text, at) => text !== expected.pieces[at]);
  if (wrong !== -1) return `event ${wrong} says ${JSON.stringify(texts[wrong])}`;
  return checkEnd(finish, usage, expected);
}

/** @returns what is wrong with an answer in one piece */
export function checkCompletion({ status, body }: RawResponse, expected: ExpectedAnswer): string | undefined {
  if (status !== 200) return `status ${status}`;
  const { model, choices, usage } = JSON.parse(body.toString('utf8')) as Completion;
  if (isWrongModel(model, expected)) return `model ${model}`;
  const [choice] = choices;
  if (choice?.message.content !== expected.pieces.join('')) return 'another text';
  return checkEnd(choice.finish_reason, usage, expected);
}

function isWrongModel(model: string, expected: ExpectedAnswer): boolean {
  return expected.model !== undefined && model !== expected.model;
}

function checkEnd(
  finish: string | undefined,
  usage: Usage | undefined,
  { pieces, promptTokens, answerTokens = pieces.length }: ExpectedAnswer,
): string | undefined {
  if (finish !== 'stop') return `finish_reason ${finish}`;
  const right = usage?.completion_tokens === answerTokens && usage.prompt_tokens === promptTokens;
  return right ? undefined : `usage ${JSON.stringify(usage)}`;
}

interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
}

interface Chunk {
  model: string;
  choices: { delta: { content?: string }; finish_reason?: string | null }[];
  usage?: Usage | null;
}

interface Completion {
  model: string;
  choices: { message: { content: string | null }; finish_reason: string }[];
  usage: Usage;
}
