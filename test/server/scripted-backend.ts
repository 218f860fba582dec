import { setTimeout as sleep } from 'node:timers/promises';
import type { Backend, BackendModel, ChatCall, ChatReply, Readiness } from '../../src/backends/backend.ts';
import type { ChatEventBatch } from '../../src/translate/events/chat-event.ts';

/** What happens next in an answer: a batch, a pause in milliseconds, a failure, or silence until the abort. */
export type Step = ChatEventBatch | { pause: number } | { fail: unknown } | 'silence';

export interface Script {
  name?: string;
  /** Steps before `chat` resolves; batches have no place here. */
  before?: Step[];
  steps?: Iterable<Step>;
  /** What an abort does to the answer. `end`: it ends as if it were complete; `ignore`: it goes on. @default 'throw' */
  onAbort?: 'throw' | 'end' | 'ignore';
  answerTimeoutMs?: number;
  modelVersion?: string;
  ignored?: string[];
  signature?: string;
  models?: BackendModel[];
  readiness?: Readiness;
}

/** A backend inside the test that does what a script says and counts what is done to it. */
export class ScriptedBackend implements Backend {
  readonly name: string;
  readonly kind = 'embedded';
  readonly input = 'request';
  readonly answerTimeoutMs: number;
  readonly calls: ChatCall[] = [];
  /** Batches taken by the server. */
  pulled = 0;
  /** Signals aborted while an answer was not complete. */
  aborts = 0;
  /** Iterators that were ended early by their reader. */
  returns = 0;
  readonly #script: Script;

  constructor(script: Script = {}) {
    this.#script = script;
    this.name = script.name ?? 'scripted';
    this.answerTimeoutMs = script.answerTimeoutMs ?? 10_000;
  }

  async chat(call: ChatCall, signal: AbortSignal): Promise<ChatReply> {
    this.calls.push(call);
    signal.addEventListener('abort', () => this.aborts++, { once: true });
    for (const step of this.#script.before ?? []) await this.#run(step, signal);
    return {
      events: this.#play(signal),
      modelVersion: this.#script.modelVersion ?? 'scripted-model-1',
      ignored: this.#script.ignored ?? [],
      ...(this.#script.signature === undefined ? {} : { signature: this.#script.signature }),
    };
  }

  models(): readonly BackendModel[] {
    return this.#script.models ?? [{ id: 'scripted-model-1', created: 1_700_000_000, ownedBy: 'tests' }];
  }

  readiness(): Readiness {
    return this.#script.readiness ?? { ready: true };
  }

  async close(): Promise<void> {}

  async *#play(signal: AbortSignal): AsyncGenerator<ChatEventBatch> {
    let isComplete = false;
    try {
      for (const step of this.#script.steps ?? answer('Hello')) {
        if (Array.isArray(step)) {
          this.pulled++;
          yield step as ChatEventBatch;
        } else if ((await this.#run(step, signal)) === 'end') break;
      }
      isComplete = true;
    } catch (error) {
      isComplete = true;
      throw error;
    } finally {
      if (!isComplete) this.returns++;
    }
  }

  async #run(step: Step, signal: AbortSignal): Promise<'go on' | 'end'> {
    if (typeof step === 'object' && 'fail' in step) throw step.fail;
    const { onAbort = 'throw' } = this.#script;
    const pause = typeof step === 'object' && 'pause' in step ? step.pause : 3_600_000;
    try {
      await sleep(pause, undefined, onAbort === 'ignore' ? { ref: false } : { signal });
      return 'go on';
    } catch (error) {
      if (onAbort === 'end') return 'end';
      throw error;
    }
  }
}

/** Batches of a plain answer: a start, one batch per piece of text, the finish, token counts. */
export function answer(...pieces: string[]): ChatEventBatch[] {
  return [
    [{ type: 'response-start' }],
    ...pieces.map((text): ChatEventBatch => [{ type: 'text-delta', choice: 0, text }]),
    [{ type: 'choice-finish', choice: 0, reason: 'stop' }],
    [{ type: 'usage-update', usage: { prompt: 6, answer: 4, thoughts: 20 } }],
  ];
}
