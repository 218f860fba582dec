import {
  type LlamaBinding,
  type LlamaContextSequence,
  type LlamaGrammarEvaluationState,
  PROMPT_CHUNK,
  type Token,
} from './llama-binding.ts';
import type { GeneratedToken, GenerationEnd, GenerationFailure, GenerationPlan } from './protocol.ts';
import { StopMatcher } from './stop-matcher.ts';
import { ThoughtWatch } from './thought-watch.ts';
import { TokenText } from './token-text.ts';

/** A failure the request itself caused, or the reason it could not be served. */
export class GenerationError extends Error {
  override readonly name = 'GenerationError';
  readonly failure: GenerationFailure;

  constructor(failure: GenerationFailure) {
    super(failure.kind);
    this.failure = failure;
  }
}

export interface GenerationSink {
  started(promptTokens: number, cachedTokens: number): void;
  token(token: GeneratedToken): void;
  /** Resolves when more may be written. */
  ready(): Promise<void> | undefined;
  readonly isCancelled: boolean;
}

export interface GenerationResult {
  reason: GenerationEnd;
  /** Tokens of the answer, without the one that ended it. */
  generatedTokens: number;
}

/**
 * Checks a plan against the model and turns its prompt into tokens.
 *
 * @throws {GenerationError} when the prompt does not fit or a biased token does not exist
 */
export function preparePrompt(binding: LlamaBinding, plan: GenerationPlan): Token[] {
  const unknown = plan.sampling.logitBias.find(([token]) => !binding.isKnownToken(token));
  if (unknown !== undefined) throw new GenerationError({ kind: 'unknown-token', token: unknown[0] });
  const prompt = binding.tokenize(plan.prompt);
  const { contextSize } = binding.facts;
  // One place must be left for the answer.
  if (prompt.length >= contextSize - 1) {
    throw new GenerationError({ kind: 'context-overflow', promptTokens: prompt.length, contextSize });
  }
  return prompt;
}

/** Writes one answer on one sequence. The sequence keeps prompt and answer, for a later prompt that begins alike. */
export async function generate(
  binding: LlamaBinding,
  sequence: LlamaContextSequence,
  job: { plan: GenerationPlan; prompt: Token[] },
  sink: GenerationSink,
): Promise<GenerationResult> {
  const { plan, prompt } = job;
  // Cancelled while it waited: the slot keeps what it holds.
  if (sink.isCancelled) return { reason: 'cancelled', generatedTokens: 0 };
  const grammar = await loadGrammar(binding, plan);
  const head = prompt.slice(0, -1);
  await sequence.adaptStateToTokens(head, false);
  binding.lockstep.join();
  try {
    if (!(await evaluatePrompt(binding, sequence, { prompt, head, sink }))) {
      return { reason: 'cancelled', generatedTokens: 0 };
    }
    const run = new Run(binding, sequence, { plan, prompt, grammar, sink });
    return await run.write();
  } finally {
    binding.lockstep.leave();
  }
}

/** Native grammars can fail in other words than JSON schemas do; here it can only be our own compiler's fault. */
async function loadGrammar(
  binding: LlamaBinding,
  plan: GenerationPlan,
): Promise<LlamaGrammarEvaluationState | undefined> {
  if (plan.grammar === undefined) return undefined;
  try {
    return await binding.grammar(plan.grammar.text);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new GenerationError({ kind: 'invalid-grammar', message });
  }
}

/**
 * Evaluates all of the prompt but its last token, which generation starts from. What the sequence already holds of
 * it is kept.
 *
 * @returns false when the request was cancelled meanwhile
 */
async function evaluatePrompt(
  binding: LlamaBinding,
  sequence: LlamaContextSequence,
  { prompt, head, sink }: { prompt: readonly Token[]; head: Token[]; sink: GenerationSink },
): Promise<boolean> {
  const cached = sequence.nextTokenIndex;
  sink.started(prompt.length, cached);
  for (let start = cached; start < head.length; start += PROMPT_CHUNK) {
    await binding.lockstep.step();
    if (sink.isCancelled) return false;
    const chunk = head.slice(start, start + PROMPT_CHUNK);
    await sequence.evaluateWithoutGeneratingNewTokens(chunk, binding.batchPlace(sequence));
  }
  return !sink.isCancelled;
}

/** The loop of one answer and what it has to remember. */
class Run {
  readonly #binding: LlamaBinding;
  readonly #sequence: LlamaContextSequence;
  readonly #plan: GenerationPlan;
  readonly #sink: GenerationSink;
  readonly #prompt: readonly Token[];
  readonly #generated: Token[] = [];
  readonly #text: TokenText;
  readonly #stops: StopMatcher;
  readonly #thoughts: ThoughtWatch | undefined;
  readonly #grammar: LlamaGrammarEvaluationState | undefined;
  #grammarIsOn: boolean;
  /** The end of the text so far while the grammar waits for its trigger. */
  #triggerTail = '';

  constructor(
    binding: LlamaBinding,
    sequence: LlamaContextSequence,
    parts: {
      plan: GenerationPlan;
      prompt: readonly Token[];
      grammar: LlamaGrammarEvaluationState | undefined;
      sink: GenerationSink;
    },
  ) {
    const { plan, prompt, grammar, sink } = parts;
    this.#binding = binding;
    this.#sequence = sequence;
    this.#plan = plan;
    this.#prompt = prompt;
    this.#sink = sink;
    this.#text = new TokenText((tokens, before) => binding.detokenize(tokens, before), prompt);
    this.#stops = new StopMatcher(plan.stop);
    this.#thoughts = plan.thoughts === undefined ? undefined : new ThoughtWatch(plan.thoughts);
    this.#grammar = grammar;
    this.#grammarIsOn = plan.grammar !== undefined && plan.grammar.after === undefined;
  }

  async write(): Promise<GenerationResult> {
    const { contextSize } = this.#binding.facts;
    const room = contextSize - 1 - this.#prompt.length;
    const limit = Math.min(this.#plan.maxTokens ?? room, room);
    const last = this.#prompt.at(-1) as Token;
    const tokens = this.#sequence.evaluate([last], {
      ...this.#binding.samplerOptions(this.#plan.sampling, this.#generated),
      ...this.#binding.batchPlace(this.#sequence),
      yieldEogToken: true,
      ...(this.#grammar === undefined
        ? {}
        : { grammarEvaluationState: () => (this.#grammarIsOn ? this.#grammar : undefined) }),
    });
    let next: Token | Token[] | undefined;
    try {
      for (;;) {
        const ready = this.#sink.ready();
        if (ready !== undefined) await this.#binding.lockstep.apart(ready);
        await this.#binding.lockstep.step();
        if (this.#sink.isCancelled) return this.#end('cancelled');
        const { value: token, done } = await tokens.next(next);
        if (done === true || token === undefined) return this.#end('stop');
        if (this.#sink.isCancelled) return this.#end('cancelled');
        if (this.#binding.isEndOfGeneration(token)) return this.#end('stop');
        if (await this.#accept(token, last)) return this.#end('stop', false);
        if (this.#generated.length >= limit) return this.#end('length');
        next = this.#thoughts?.isOverBudget === true ? this.#closeThoughts(token) : undefined;
      }
    } finally {
      await tokens.return();
    }
  }

  /** @returns true when a stop sequence was reached */
  async #accept(token: Token, lastOfPrompt: Token): Promise<boolean> {
    const previous = this.#generated.at(-1) ?? lastOfPrompt;
    this.#generated.push(token);
    const logprob = await this.#logprob(previous, token);
    return this.#report(this.#text.push(token), logprob);
  }

  #report(raw: string, logprob: GeneratedToken['logprob']): boolean {
    this.#thoughts?.push(raw);
    this.#watchTrigger(raw);
    const { text, stopped } = this.#stops.push(raw);
    this.#sink.token(logprob === undefined ? { text } : { text, logprob });
    return stopped;
  }

  async #logprob(previous: Token, token: Token): Promise<GeneratedToken['logprob']> {
    if (this.#plan.topLogprobs === undefined) return undefined;
    const { chosen, top } = await this.#binding.logprobs(
      this.#sequence,
      previous,
      token,
      this.#plan.topLogprobs,
    );
    return { ...chosen, top };
  }

  #watchTrigger(text: string): void {
    const after = this.#plan.grammar?.after;
    if (this.#grammarIsOn || after === undefined) return;
    this.#triggerTail = (this.#triggerTail + text).slice(-(after.length + text.length));
    this.#grammarIsOn = this.#triggerTail.includes(after);
  }

  /** Ends the reasoning in the model's place: its closing tag is fed as if the model had written it. */
  #closeThoughts(token: Token): Token[] {
    const closing = `\n${this.#plan.thoughts?.endTag ?? ''}\n\n`;
    const tokens = this.#binding.tokenize([{ text: closing, trusted: true }]);
    this.#generated.push(...tokens);
    this.#report(this.#text.end() + closing, undefined);
    return [token, ...tokens];
  }

  #end(reason: GenerationEnd, flush = true): GenerationResult {
    if (flush && reason !== 'cancelled') {
      const { text, stopped } = this.#stops.push(this.#text.end());
      const rest = stopped ? text : text + this.#stops.end();
      if (rest !== '') this.#sink.token({ text: rest });
      if (stopped) return { reason: 'stop', generatedTokens: this.#generated.length };
    }
    return { reason, generatedTokens: this.#generated.length };
  }
}
