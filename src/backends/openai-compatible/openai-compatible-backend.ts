import type { Dispatcher } from 'undici';
import { errorFromProblems, GatewayError } from '../../errors.ts';
import { relayProblems, type ServerCapabilities } from '../../translate/relay/capabilities.ts';
import {
  isReadByServer,
  SERVER_KINDS,
  type ServerKind,
  type ServerTraits,
} from '../../translate/relay/server-kinds.ts';
import { toServerRequest } from '../../translate/relay/to-server-request.ts';
import { type Asked, askReplicas } from '../../upstream/replicas/ask-replicas.ts';
import type { CircuitOptions } from '../../upstream/replicas/circuit-breaker.ts';
import type { HealthOptions } from '../../upstream/replicas/health-probe.ts';
import type { Lease, Replica, ReplicaState } from '../../upstream/replicas/replica.ts';
import { ReplicaSet } from '../../upstream/replicas/replica-set.ts';
import { RetryBudget } from '../../upstream/retry.ts';
import type { HeldMedia } from '../../media/held-media.ts';
import type { MediaResolver } from '../../media/media-resolver.ts';
import { remoteReferences } from '../../translate/media-references.ts';
import type { JsonObject } from '../../wire/validation/structure-checks.ts';
import type { Backend, BackendModel, ChatCall, Readiness, RelayReply } from '../backend.ts';
import { usageOf } from './answer/answer-edits.ts';
import { LongAnswer } from './answer/long-answer.ts';
import { type Completion, completionBytes } from './answer/whole-answer.ts';
import { callForStream, callForWhole, type ServerCall, type StreamCall } from './call-server.ts';
import { servedModel } from './served-model.ts';
import { ServerConnection } from './server-connection.ts';
import { ServerFacts } from './server-facts.ts';
import {
  checkCompletion,
  checkContents,
  type CheckContext,
  mismatchError,
  repairRequest,
  withUsageOf,
} from './structured-output/checked-answer.ts';
import { StreamedContents } from './structured-output/final-contents.ts';
import type { SchemaChecker } from './structured-output/schema-checker.ts';
import { type CheckPolicy, wantedSchema } from './structured-output/wanted-schema.ts';

export interface OpenAiCompatibleOptions {
  /** The upstream's name. */
  readonly name: string;
  readonly kind: ServerKind;
  /** Roots of the API, one for each replica. */
  readonly urls: readonly string[];
  /** Name of the served model; asked of the server when absent. */
  readonly model?: string | undefined;
  readonly dispatcher: Dispatcher;
  /** For probes and other small questions. */
  readonly askDispatcher: Dispatcher;
  /** Sent with every request, credentials among them. */
  readonly headers: Readonly<Record<string, string>>;
  readonly timeouts: {
    /** Longest time for one answer, in milliseconds. */
    readonly answerMs: number;
    /** Longest wait for the beginning of an answer, in milliseconds. */
    readonly firstByteMs: number;
    /** Longest silence within an answer, in milliseconds. */
    readonly idleMs: number;
  };
  /** Further attempts after a failure that may pass. */
  readonly retries: number;
  readonly health: HealthOptions;
  readonly circuit: CircuitOptions;
  /** Time over which a recovered replica's share of the load rises, in milliseconds. */
  readonly slowStartMs: number;
  /** What the configuration says of the model; wins over what the server tells. */
  readonly capabilities: ServerCapabilities;
  readonly structuredOutput: {
    readonly check: CheckPolicy['check'];
    /** Further attempts with an answer that does not match. */
    readonly repairs: number;
  };
  readonly checker: SchemaChecker;
  readonly media: MediaResolver;
  readonly onReplicaChange?: (replica: Replica, state: ReplicaState, reason: string) => void;
}

/** Retries may add a fifth to the load, and a hundred at once: a replica that goes down has that many in flight. */
const RETRY_BUDGET = { max: 100, ratio: 0.2 };
const BASE_DELAY_MS = 500;
const MAX_HINT_MS = 20_000;

/** Models deployed by oneself, on a server that speaks Chat Completions: what it says goes to the client as it is. */
export class OpenAiCompatibleBackend implements Backend {
  readonly name: string;
  readonly kind: ServerKind;
  readonly input = 'text';
  readonly answerTimeoutMs: number;
  readonly #options: OpenAiCompatibleOptions;
  readonly #traits: ServerTraits;
  readonly #connection: ServerConnection;
  readonly #facts: ServerFacts;
  readonly #replicas: ReplicaSet;
  readonly #budget = new RetryBudget(RETRY_BUDGET);

  constructor(options: OpenAiCompatibleOptions) {
    const { name, kind, model, urls, headers, timeouts, health, circuit, slowStartMs } = options;
    this.name = name;
    this.kind = kind;
    this.answerTimeoutMs = timeouts.answerMs;
    this.#options = options;
    this.#traits = SERVER_KINDS[kind];
    const { firstByteMs, idleMs } = timeouts;
    const { dispatcher, askDispatcher } = options;
    this.#connection = new ServerConnection({ dispatcher, askDispatcher, headers, firstByteMs, idleMs });
    this.#facts = new ServerFacts({ kind, model, connection: this.#connection, replicas: urls.length });
    this.#replicas = new ReplicaSet({
      urls,
      probe: (replica, signal) => this.#facts.probe(replica, signal),
      health,
      circuit,
      slowStartMs,
      now: () => performance.now(),
      random: Math.random,
      ...(options.onReplicaChange === undefined ? {} : { onChange: options.onReplicaChange }),
    });
  }

  /** Begins to ask the replicas how they are, and what they serve. */
  start(): void {
    this.#replicas.start();
  }

  models(): readonly BackendModel[] {
    const { model: configured } = this.#options;
    const { models = [] } = this.#facts;
    if (configured === undefined) return models;
    return [models.find(({ id }) => id === configured) ?? { id: configured, created: 0, ownedBy: this.kind }];
  }

  readiness(): Readiness {
    // Not `isAvailable`: that a request may try whether a server is back does not make it ready.
    const isUp = this.#replicas.replicas.some(({ state }) => state !== 'down');
    if (isUp && this.#replicas.hasSettled) return { ready: true };
    return {
      ready: false,
      reason: this.#replicas.describe(),
      retryAfterSeconds: 1,
      isOutage: this.#replicas.hasSettled,
    };
  }

  async close(): Promise<void> {
    await this.#replicas.close();
    await Promise.all([this.#options.dispatcher.destroy(), this.#options.askDispatcher.destroy()]);
  }

  async chat(call: ChatCall, signal: AbortSignal): Promise<RelayReply> {
    const { name, model: configured, structuredOutput } = this.#options;
    const request = call.body.value as JsonObject;
    if (configured === undefined && !call.isModelFixed) await this.#facts.known(signal);
    const model = servedModel(call, { upstream: name, configured, listed: this.#facts.models });
    const capabilities = { ...this.#facts.capabilitiesOf(model), ...this.#options.capabilities };
    const problems = relayProblems(request, { traits: this.#traits, capabilities });
    if (problems.length > 0) throw errorFromProblems(problems);
    const isEnforced = this.#traits.enforcesSchemas && capabilities.json_schema !== false;
    const schema = wantedSchema(request, { check: structuredOutput.check, isEnforced });
    const check = schema === undefined ? undefined : { checker: this.#options.checker, schema, signal };
    await check?.checker.assertUsable(check.schema, signal);
    const media = await this.#fetchMedia(call, signal);
    return await this.#answer(call, { model, media, check, signal }).finally(() => {
      media.release();
    });
  }

  /** What the server cannot read by itself. Contract section 12. */
  #fetchMedia({ body, lifted, tenant, accessToken }: ChatCall, signal: AbortSignal): Promise<HeldMedia> {
    const { media } = this.#options;
    const wanted = remoteReferences(body.value as JsonObject).filter(
      ({ text }) => !isReadByServer(text, this.#traits),
    );
    return media.fetch(wanted, { tenant, accessToken }, { signal, streamUpTo: Infinity, lifted });
  }

  async #answer(call: ChatCall, { model, media, check, signal }: AnswerContext): Promise<RelayReply> {
    const { name } = this.#options;
    const request = call.body.value as JsonObject;
    const { text, hidesUsage, ignored } = toServerRequest(
      { text: call.body.text, value: request },
      {
        traits: this.#traits,
        model,
        countsTokens: call.isMetered === true,
        media: media.isEmpty ? undefined : media,
      },
    );
    const serverCall: ServerCall = {
      connection: this.#connection,
      upstream: name,
      body: text,
      media,
      requestId: call.requestId,
      clientCredential: call.clientCredential,
      signal,
      asked: call.asked === '' ? undefined : call.asked,
      firstByteMs: this.#options.timeouts.firstByteMs,
    };
    const reply =
      request['stream'] === true
        ? await this.#stream({ ...serverCall, hidesUsage }, check)
        : await this.#whole(serverCall, check);
    return { ...reply, ignored, modelVersion: reply.modelVersion ?? model ?? name };
  }

  async #stream(call: StreamCall, check: CheckContext | undefined): Promise<PartialReply> {
    const {
      answer: opened,
      replica,
      passedOver,
    } = await this.#ask(call, (lease) => {
      // Each attempt has contents of its own.
      const contents = check === undefined ? undefined : new StreamedContents();
      return callForStream(
        {
          ...call,
          watch: contents?.watch,
          verify: check && contents && (() => checkContents(contents.final(), check)),
        },
        lease,
      );
    });
    return { relayed: opened.answer, modelVersion: opened.model, replica: replica.name, passedOver };
  }

  async #whole(call: ServerCall, check: CheckContext | undefined): Promise<PartialReply> {
    const passedOver: string[] = [];
    const earlier: JsonObject[] = [];
    for (let body = call.body; ;) {
      const { answer, replica, ...asked } = await this.#ask(call, (lease) =>
        callForWhole({ ...call, body, isChecked: check !== undefined }, lease),
      ).catch((error: unknown) => {
        throw withEarlier(passedOver, error);
      });
      passedOver.push(...asked.passedOver);
      if (answer instanceof LongAnswer) {
        return { relayed: answer, modelVersion: undefined, replica: replica.name, passedOver };
      }
      const { completion, mismatch } =
        check === undefined ? { completion: answer } : await checkCompletion(answer, check);
      if (completion !== undefined) {
        const counted = withUsageOf(completion, earlier);
        return { ...wholeReply(counted, call), replica: replica.name, passedOver };
      }
      passedOver.push(`${replica.name} an answer that does not match the schema`);
      earlier.push(answer.value);
      const choices = answer.value['choices'] as unknown[];
      if (earlier.length > this.#options.structuredOutput.repairs || choices.length > 1) {
        throw mismatchError(mismatch).with({ passedOver });
      }
      body = repairRequest(call.body, mismatch);
    }
  }

  #ask<T>({ signal }: ServerCall, ask: (lease: Lease) => Promise<T>): Promise<Asked<T>> {
    return askReplicas(this.#replicas, ask, {
      upstream: this.name,
      retries: this.#options.retries,
      baseDelayMs: BASE_DELAY_MS,
      maxHintMs: MAX_HINT_MS,
      budget: this.#budget,
      signal,
      random: Math.random,
    });
  }
}

interface AnswerContext {
  /** As the server knows it. */
  readonly model: string | undefined;
  readonly media: HeldMedia;
  readonly check: CheckContext | undefined;
  readonly signal: AbortSignal;
}

type PartialReply = Omit<RelayReply, 'ignored' | 'modelVersion'> & {
  readonly modelVersion: string | undefined;
};

/** A failure of a further attempt, with what came of those before it. */
function withEarlier(passedOver: readonly string[], error: unknown): unknown {
  if (!(error instanceof GatewayError) || passedOver.length === 0) return error;
  return error.with({ passedOver: [...passedOver, ...error.passedOver] });
}

function wholeReply(
  completion: Completion,
  { asked }: ServerCall,
): Pick<PartialReply, 'relayed' | 'modelVersion'> {
  const { model } = completion.value;
  return {
    relayed: { bytes: completionBytes(completion, asked), usage: () => usageOf(completion.value) },
    modelVersion: typeof model === 'string' ? model : undefined,
  };
}
