/** What a model server tells about itself: which models it has, and what they take. */
import type { ServerCapabilities } from '../../translate/relay/capabilities.ts';
import type { ServerKind } from '../../translate/relay/server-kinds.ts';
import { readText } from '../../upstream/exchange.ts';
import type { Replica } from '../../upstream/replicas/replica.ts';
import { TransportError } from '../../upstream/transport-error.ts';
import { parseJson } from '../../wire/json-text/parse-json.ts';
import { isJsonObject, type JsonObject } from '../../wire/validation/structure-checks.ts';
import type { BackendModel } from '../backend.ts';
import type { ServerConnection } from './server-connection.ts';

/** Largest answer that is read, in bytes: some servers list thousands of models. */
const MAX_ANSWER = 4 * 1024 * 1024;

export interface AskedServer {
  readonly connection: ServerConnection;
  readonly replica: Replica;
  readonly signal: AbortSignal;
}

/**
 * The JSON object a server answers with; `undefined` where it does not know the path.
 *
 * @throws {TransportError} when it does not answer
 * @throws {ServerNotWell} for a 5xx
 */
export async function askServer(
  { connection, replica, signal }: AskedServer,
  path: string,
  body?: object,
): Promise<JsonObject | undefined> {
  const response = await connection.ask(replica, path, { signal, ...(body === undefined ? {} : { body }) });
  const text = await readText(response.body, MAX_ANSWER).catch(emptyIfTooLarge);
  if (response.status >= 500) throw new ServerNotWell(response.status);
  if (response.status !== 200) return undefined;
  const value = parseJson(text);
  return isJsonObject(value) ? value : undefined;
}

/** A server that says so much lives, and it is not known what it says. */
function emptyIfTooLarge(error: unknown): string {
  if (error instanceof TransportError && error.fault === 'too-large') return '';
  throw error;
}

/** A server that lives and says that it cannot serve. */
export class ServerNotWell extends Error {
  override readonly name = 'ServerNotWell';

  constructor(status: number) {
    super(`HTTP ${status}`);
  }
}

/** The models of an OpenAI-style list, `GET /v1/models`; `undefined` for anything else. */
export function readModelList(list: JsonObject | undefined): BackendModel[] | undefined {
  const data = list?.['data'];
  if (!Array.isArray(data)) return undefined;
  return data.filter(isJsonObject).flatMap(({ id, created, owned_by: owner }) =>
    typeof id !== 'string' || id === ''
      ? []
      : [
          {
            id,
            created: typeof created === 'number' ? created : 0,
            ownedBy: typeof owner === 'string' ? owner : '',
          },
        ],
  );
}

/** What the model takes, of the servers that tell. */
export async function discoverCapabilities(
  kind: ServerKind,
  model: string,
  server: AskedServer,
): Promise<ServerCapabilities> {
  switch (kind) {
    case 'llamacpp':
      return readLlamaCppProps(await askServer(server, '/props'));
    case 'ollama':
      return readOllamaModel(await askServer(server, '/api/show', { model }));
    case 'vllm':
    case 'tgi':
    case 'sglang':
    case 'openai':
      return {};
  }
}

/** llama.cpp's `GET /props`: `{"modalities":{"vision":false,"audio":false}}`. */
function readLlamaCppProps(props: JsonObject | undefined): ServerCapabilities {
  const modalities = props?.['modalities'];
  if (!isJsonObject(modalities)) return {};
  const { vision, audio } = modalities;
  return {
    ...(typeof vision === 'boolean' ? { images: vision } : {}),
    ...(typeof audio === 'boolean' ? { audio } : {}),
  };
}

/** Ollama's `POST /api/show`: `{"capabilities":["completion","tools","vision"]}`. */
function readOllamaModel(model: JsonObject | undefined): ServerCapabilities {
  const capabilities = model?.['capabilities'];
  if (!Array.isArray(capabilities) || capabilities.length === 0) return {};
  return { images: capabilities.includes('vision'), tools: capabilities.includes('tools') };
}
