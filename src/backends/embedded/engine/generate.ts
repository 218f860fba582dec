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
import { TokenSpans } from './token-spans.ts';
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
  /** Tokens among them that were reasoning. */
  thoughtTokens: number;
}

const CANCELLED_AT_ONCE: GenerationResult = { reason: 'cancelled', generatedTokens: 0, thoughtTokens: 0 };

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
  if (sink.isCancelled) return CANCELLED_AT_ONCE;
  const grammar = await loadGrammar(binding, plan);
  const head = prompt.slice(0, -1);
  await sequence.adaptStateToTokens(head, false);
  binding.lockstep.join();
  try {
    if (!(await evaluatePrompt(binding, sequence, { prompt, head, sink }))) return CANCELLED_AT_ONCE;
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
  /** Tokens whose text is held back, with their log probabilities. */
  readonly #unsent = new TokenSpans<GeneratedToken['logprob']>();
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
    let next: Token[] | undefined;
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
        next = this.#upToTrigger(token).slice(0, limit - this.#generated.length);
        if (await this.#accept(next, last)) return this.#end('stop', false);
        if (this.#thoughts?.isOverBudget === true) {
          const closing = this.#closingTokens().slice(0, limit - this.#generated.length);
          if (await this.#accept(closing, last)) return this.#end('stop', false);
          next.push(...closing);
        }
        if (this.#generated.length >= limit) return this.#end('length');
      }
    } finally {
      await tokens.return();
    }
  }

  /**
   * What to keep of a token: all of it, unless it goes on behind the text that turns the grammar on. What follows that
   * text is for the grammar to decide, so the token is replaced by the tokens of what stands before.
   */
  #upToTrigger(token: Token): Token[] {
    const trigger = this.#trigger;
    if (trigger === undefined) return [token];
    const text = this.#binding.detokenize([token], this.#generated);
    const tail = this.#triggerTail + text;
    const at = tail.indexOf(trigger);
    const excess = tail.length - at - trigger.length;
    return at === -1 || excess === 0 ? [token] : this.#binding.tokenizeMore(text.slice(0, -excess));
  }

  /** The text that turns the grammar on, where it counts. */
  get #trigger(): string | undefined {
    const after = this.#plan.grammar?.after;
    if (this.#grammarIsOn || after === undefined) return undefined;
    // A call the model only thinks of is none.
    return this.#thoughts?.isOpen === true && after !== this.#plan.thoughts?.endTag ? undefined : after;
  }

  /** Ends the reasoning in the model's place. */
  #closingTokens(): Token[] {
    return this.#binding.tokenizeMore(`\n${this.#plan.thoughts?.endTag ?? ''}\n\n`);
  }

  /**
   * Makes tokens part of the answer. Only a token that comes alone was chosen by the model and has a probability.
   *
   * @returns true when a stop sequence was reached
   */
  async #accept(tokens: readonly Token[], lastOfPrompt: Token): Promise<boolean> {
    for (const token of tokens) {
      const previous = this.#generated.at(-1) ?? lastOfPrompt;
      this.#generated.push(token);
      const logprob = tokens.length === 1 ? await this.#logprob(previous, token) : undefined;
      if (this.#report(this.#text.push(token), logprob)) return true;
    }
    return false;
  }

  #report(raw: string, logprob: GeneratedToken['logprob']): boolean {
    this.#watchTrigger(raw);
    this.#thoughts?.push(raw);
    return this.#show(raw, logprob);
  }

  /** Sends what cannot be part of a stop sequence. @returns true when one was reached */
  #show(raw: string, logprob?: GeneratedToken['logprob']): boolean {
    this.#unsent.add(logprob, raw.length);
    const { text, stopped } = this.#stops.push(raw);
    this.#send(text);
    return stopped;
  }

  #send(text: string): void {
    for (const { text: part, token: logprob } of this.#unsent.release(text)) {
      this.#sink.token(logprob === undefined ? { text: part } : { text: part, logprob });
    }
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
    const trigger = this.#trigger;
    if (trigger === undefined) {
      this.#triggerTail = '';
      return;
    }
    this.#triggerTail += text;
    this.#grammarIsOn = this.#triggerTail.includes(trigger);
    this.#triggerTail = this.#triggerTail.slice(-trigger.length);
  }

  #end(reason: GenerationEnd, flush = true): GenerationResult {
    const stopped = flush && reason !== 'cancelled' && this.#flush();
    return {
      reason: stopped ? 'stop' : reason,
      generatedTokens: this.#generated.length,
      thoughtTokens: this.#thoughts?.tokens ?? 0,
    };
  }

  /** Sends what was held back. @returns true when that completed a stop sequence after all */
  #flush(): boolean {
    if (this.#show(this.#text.end())) return true;
    this.#send(this.#stops.end());
    return false;
  }
}
