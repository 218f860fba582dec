import { GatewayError } from '../../errors.ts';
import type { ChatEvent, ChatEventBatch } from '../../translate/events/chat-event.ts';
import type { TokenLogprob } from '../../wire/openai/response.ts';
import { mergeBatches } from '../merge-batches.ts';
import type { GenerationEvent, JobStream } from './engine/job-stream.ts';
import type { GeneratedToken } from './engine/protocol.ts';
import { OutputParser, type OutputParserOptions } from './output/output-parser.ts';

interface ChoiceCounts {
  prompt: number;
  cached: number;
  generated: number;
  thoughts: number;
}

/** One choice: the engine's events in, chat events out. */
export class ChoiceReader {
  readonly counts: ChoiceCounts = { prompt: 0, cached: 0, generated: 0, thoughts: 0 };
  readonly #stream: JobStream;
  readonly #parser: OutputParser;
  readonly #choice: number;

  constructor(stream: JobStream, options: OutputParserOptions) {
    this.#stream = stream;
    this.#parser = new OutputParser(options);
    this.#choice = options.choice;
  }

  /** Waits until the engine has taken the prompt. */
  async begin(): Promise<void> {
    const { value, done } = await this.#stream.next();
    if (done === true || value.type !== 'started') {
      throw new GatewayError('cancelled', 'The request was cancelled.');
    }
    this.#translate(value);
  }

  /**
   * The batches of this choice.
   *
   * @throws the reason of `signal` when it cut the answer short, so that nobody takes the part for the whole
   */
  async *batches(signal: AbortSignal): AsyncGenerator<ChatEventBatch, void, void> {
    for await (const event of this.#stream) {
      const batch = this.#translate(event);
      if (batch.length > 0) yield batch;
    }
    signal.throwIfAborted();
  }

  #translate(event: GenerationEvent): ChatEvent[] {
    switch (event.type) {
      case 'started':
        this.counts.prompt = event.promptTokens;
        this.counts.cached = event.cachedTokens;
        return [];
      case 'tokens':
        return event.tokens.flatMap((token) => this.#parser.push(token.text, toLogprob(token)));
      case 'finished':
        this.counts.generated = event.generatedTokens;
        this.counts.thoughts = event.thoughtTokens;
        return [
          ...this.#parser.end(),
          {
            type: 'choice-finish',
            choice: this.#choice,
            reason: event.reason === 'length' ? 'length' : 'stop',
          },
        ];
    }
  }
}

function toLogprob({ logprob }: GeneratedToken): TokenLogprob | undefined {
  if (logprob === undefined) return undefined;
  const { text, bytes, logprob: value, top } = logprob;
  return {
    token: text,
    logprob: value,
    bytes,
    top_logprobs: top.map((other) => ({ token: other.text, logprob: other.logprob, bytes: other.bytes })),
  };
}

/** All choices as one sequence of batches, each as it comes, with the token counts at the end. */
export async function* readChoices(
  choices: readonly ChoiceReader[],
  { cancel, signal }: { cancel: () => void; signal: AbortSignal },
): AsyncGenerator<ChatEventBatch> {
  try {
    yield [{ type: 'response-start' }];
    yield* mergeBatches(choices.map((choice) => choice.batches(signal)));
    yield [{ type: 'usage-update', usage: sumCounts(choices.map(({ counts }) => counts)) }];
  } finally {
    cancel();
  }
}

/** The prompt is charged once, however many choices were made from it. */
function sumCounts(counts: readonly ChoiceCounts[]): {
  prompt: number;
  cached: number;
  answer: number;
  thoughts: number;
} {
  const total = { prompt: 0, cached: 0, answer: 0, thoughts: 0 };
  for (const { prompt, cached, generated, thoughts } of counts) {
    total.prompt = Math.max(total.prompt, prompt);
    total.cached = Math.max(total.cached, cached);
    total.answer += generated - thoughts;
    total.thoughts += thoughts;
  }
  return total;
}
