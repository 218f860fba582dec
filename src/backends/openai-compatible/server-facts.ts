import type { ServerCapabilities } from '../../translate/relay/capabilities.ts';
import { SERVER_KINDS, type ServerKind } from '../../translate/relay/server-kinds.ts';
import type { Replica } from '../../upstream/replicas/replica.ts';
import type { BackendModel } from '../backend.ts';
import { askServer, discoverCapabilities, readModelList } from './discover.ts';
import type { ServerConnection } from './server-connection.ts';

export interface ServerFactsOptions {
  readonly kind: ServerKind;
  /** Name of the served model, where the configuration names one. */
  readonly model: string | undefined;
  readonly connection: ServerConnection;
  /** How many replicas there are. */
  readonly replicas: number;
}

const MODEL_LIST = '/v1/models';

/** Longest wait of a request for the list of models, in milliseconds. */
const PATIENCE = 2000;
/** Time for all questions after a probe, in milliseconds. */
const LEARNING_LIMIT = 10_000;
/** Models whose capabilities are asked for: servers of that kind hold what somebody has downloaded. */
const MAX_DESCRIBED = 64;

const NOTHING_KNOWN: ServerCapabilities = {};

/** What a server has told about itself, learned from the probes of its health. Replicas are taken to be alike. */
export class ServerFacts {
  readonly #options: ServerFactsOptions;
  readonly #learned = Promise.withResolvers<void>();
  /** Replicas whose first probe failed. */
  readonly #unheard = new Set<Replica>();
  readonly #capabilities = new Map<string, ServerCapabilities>();
  #models: readonly BackendModel[] | undefined;
  #isLearning = false;

  constructor(options: ServerFactsOptions) {
    this.#options = options;
  }

  /** The models it lists; `undefined` until it has been asked, empty where it has no list. */
  get models(): readonly BackendModel[] | undefined {
    return this.#models;
  }

  /** What a model takes, as far as the server says. @param model as the server knows it */
  capabilitiesOf(model: string | undefined): ServerCapabilities {
    return (model === undefined ? undefined : this.#capabilities.get(model)) ?? NOTHING_KNOWN;
  }

  /** Resolves once a replica has told its models, no replica can, or soon after. @throws the signal's reason */
  async known(signal: AbortSignal): Promise<void> {
    if (this.#models !== undefined) return;
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = (): void => {
      reject(signal.reason);
    };
    const timer = setTimeout(resolve, PATIENCE);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await Promise.race([this.#learned.promise, promise]);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    }
  }

  /**
   * Asks a replica how it is. What else there is to know is asked for behind it, and says nothing about its health.
   *
   * @throws {TransportError} when it does not answer; {ServerNotWell} when it says that it cannot serve
   */
  async probe(replica: Replica, signal: AbortSignal): Promise<void> {
    const { kind, connection, replicas } = this.#options;
    const { healthPath } = SERVER_KINDS[kind];
    try {
      const answer = await askServer({ connection, replica, signal }, healthPath);
      if (healthPath === MODEL_LIST) this.#models = readModelList(answer) ?? this.#models ?? [];
    } catch (error) {
      this.#unheard.add(replica);
      if (this.#unheard.size === replicas) this.#learned.resolve();
      throw error;
    }
    if (!this.#isLearning) void this.#learn(replica);
  }

  /** Never rejects: what is not told stays unknown, and is asked for again after the next probe. */
  async #learn(replica: Replica): Promise<void> {
    const { connection, kind } = this.#options;
    const server = { connection, replica, signal: AbortSignal.timeout(LEARNING_LIMIT) };
    this.#isLearning = true;
    try {
      this.#models ??= readModelList(await askServer(server, MODEL_LIST)) ?? [];
      this.#learned.resolve();
      for (const model of this.#undescribed()) {
        this.#capabilities.set(model, await discoverCapabilities(kind, model, server));
      }
    } catch {
      this.#learned.resolve();
    } finally {
      this.#isLearning = false;
    }
  }

  /** Where a server describes itself, not its models, that is about its only one. */
  #undescribed(): string[] {
    const { kind, model } = this.#options;
    const listed = (this.#models ?? []).map(({ id }) => id);
    const known = kind === 'ollama' || listed.length === 1 ? listed.slice(0, MAX_DESCRIBED) : [];
    return (model === undefined ? known : [model]).filter((name) => !this.#capabilities.has(name));
  }
}
