import { ERROR_KINDS, type ErrorCode, GatewayError } from '../errors.ts';
import type { Backend, BackendModel, ChatCall, ChatReply, Readiness } from '../backends/backend.ts';
import { bareModelName } from './model-name.ts';

export interface Fallback {
  readonly backend: Backend;
  /** Model that is asked for there, whatever the client has named. */
  readonly model?: string | undefined;
}

/** Failures that are no fault of the request and may not meet it elsewhere, besides those that may pass. */
const OWN_FAILURES: ReadonlySet<ErrorCode> = new Set(['upstream_credentials', 'insufficient_quota']);

/**
 * An upstream with others behind it, which are asked in their order when it cannot answer: before the first byte, and
 * within the time the request has. What the client's request is refused for, it is refused for.
 */
export class FallbackBackend implements Backend {
  readonly #first: Backend;
  readonly #fallbacks: readonly Fallback[];

  constructor(first: Backend, fallbacks: readonly Fallback[]) {
    this.#first = first;
    this.#fallbacks = fallbacks;
  }

  get name(): string {
    return this.#first.name;
  }

  get kind(): Backend['kind'] {
    return this.#first.kind;
  }

  get input(): Backend['input'] {
    const isTextNeeded = this.#fallbacks.some(({ backend }) => backend.input !== 'request');
    return this.#first.input === 'request' && isTextNeeded ? 'request-or-text' : this.#first.input;
  }

  get answerTimeoutMs(): number {
    return this.#first.answerTimeoutMs;
  }

  models(): readonly BackendModel[] {
    return this.#first.models();
  }

  /** Ready when any of them is. */
  readiness(): Readiness {
    const own = this.#first.readiness();
    const isBacked = this.#fallbacks.some(({ backend }) => backend.readiness().ready);
    return own.ready || isBacked ? { ready: true } : own;
  }

  /** The fallbacks are upstreams themselves, and are closed as such. */
  close(): Promise<void> {
    return this.#first.close();
  }

  async chat(call: ChatCall, signal: AbortSignal): Promise<ChatReply> {
    try {
      return await this.#first.chat(call, signal);
    } catch (error) {
      if (signal.aborted || !(error instanceof GatewayError) || !isOutage(error)) throw error;
      return this.#fallBack(call, signal, error);
    }
  }

  async #fallBack(call: ChatCall, signal: AbortSignal, failure: GatewayError): Promise<ChatReply> {
    const passedOver = [...passedOverBy(failure, this.name)];
    for (const { backend, model } of this.#fallbacks) {
      try {
        const reply = await backend.chat(callFor(call, model), signal);
        return {
          ...reply,
          upstream: reply.upstream ?? backend.name,
          passedOver: [...passedOver, ...(reply.passedOver ?? [])],
        };
      } catch (error) {
        if (signal.aborted || !(error instanceof GatewayError)) throw error;
        passedOver.push(...passedOverBy(error, backend.name));
      }
    }
    throw failure.with({ passedOver });
  }
}

/** The call as another upstream gets it: the model of the first one's endpoint is not one of its own. */
function callFor(call: ChatCall, model: string | undefined): ChatCall {
  return { ...call, model: model ?? bareModelName(call.asked), isModelFixed: model !== undefined };
}

function isOutage({ code, upstream, google }: GatewayError): boolean {
  if (ERROR_KINDS[code].retryable || OWN_FAILURES.has(code)) return true;
  // The upstream does not take the credentials that it was sent.
  const isRefused = code === 'invalid_api_key' || code === 'permission_denied';
  return isRefused && (upstream ?? google) !== undefined;
}

/** Who was asked within an upstream, and the upstream itself; one with fallbacks of its own has named itself before them. */
function passedOverBy({ passedOver, code, status }: GatewayError, name: string): readonly string[] {
  const own = `${name} ${status} ${code}`;
  return passedOver.includes(own) ? passedOver : [...passedOver, own];
}
