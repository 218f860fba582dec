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
}

const MODEL_LIST = '/v1/models';

/** Longest wait of a request for the list of models, in milliseconds. */
const PATIENCE = 2000;

/** What a server has told about itself, learned from the probes of its health. Replicas are taken to be alike. */
export class ServerFacts {
  readonly #options: ServerFactsOptions;
  readonly #first = Promise.withResolvers<void>();
  #models: readonly BackendModel[] | undefined;
  #capabilities: ServerCapabilities = {};
  /** The model whose capabilities were asked for. */
  #describedModel: string | undefined;

  constructor(options: ServerFactsOptions) {
    this.#options = options;
  }

  /** The models it lists; `undefined` until it has been asked, and where it has no list. */
  get models(): readonly BackendModel[] | undefined {
    return this.#models;
  }

  /** What the model takes, as far as the server says. */
  get capabilities(): ServerCapabilities {
    return this.#capabilities;
  }

  /** Resolves once the list of models has been asked for, or soon after. @throws the signal's reason */
  async known(signal: AbortSignal): Promise<void> {
    if (this.#models !== undefined) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, PATIENCE);
    signal.addEventListener('abort', () => resolve(), { once: true });
    await Promise.race([this.#first.promise, promise]);
    clearTimeout(timer);
    signal.throwIfAborted();
  }

  /**
   * Asks a replica how it is, and the first time what it serves.
   *
   * @throws {TransportError} when it does not answer; {ServerNotWell} when it says that it cannot serve
   */
  async probe(replica: Replica, signal: AbortSignal): Promise<void> {
    const { kind, connection } = this.#options;
    const { healthPath } = SERVER_KINDS[kind];
    const server = { connection, replica, signal };
    try {
      const answer = await askServer(server, healthPath);
      const isList = healthPath === MODEL_LIST;
      if (!isList && this.#models !== undefined) return;
      const list = isList ? answer : await askServer(server, MODEL_LIST).catch(() => undefined);
      this.#models = readModelList(list) ?? this.#models ?? [];
      // What is not told stays unknown, and is sent.
      await this.#describe(server).catch(() => {});
    } finally {
      this.#first.resolve();
    }
  }

  async #describe(server: Parameters<typeof discoverCapabilities>[2]): Promise<void> {
    const model = this.#options.model ?? this.#models?.[0]?.id;
    if (model === undefined || model === this.#describedModel) return;
    this.#capabilities = await discoverCapabilities(this.#options.kind, model, server);
    this.#describedModel = model;
  }
}
