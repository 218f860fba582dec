import OpenAI from 'openai';
import type { LlamaCppServer } from '../support/llama-cpp-server.ts';
import { startParlance } from '../support/parlance-process.ts';

/** The real server as a process, in front of model servers. */
export interface ParlanceInFront {
  readonly url: string;
  /** Everything it has written so far. */
  output(): string;
  /** Base URL of an endpoint, as a client of Vertex AI has it. */
  endpoint(id: string): string;
  /** A client of an endpoint that asks once, so that a test sees every failure. */
  client(id: string): OpenAI;
  /** @throws {Error} when the server did not end by itself, with what it wrote */
  stop(): Promise<void>;
}

/** @param config a `parlance.yaml` without `server` */
export async function startInFrontOf(config: string): Promise<ParlanceInFront> {
  const server = await startParlance({
    config: `server: { shutdown_grace_ms: 1000 }\n${config}`,
    // A proxy of the machine must not come between loopback addresses.
    env: { NO_PROXY: '127.0.0.1', no_proxy: '127.0.0.1' },
  });
  const endpoint = (id: string): string =>
    `${server.url}/v1/projects/my-project/locations/us-central1/endpoints/${id}`;
  return {
    url: server.url,
    output: () => server.output(),
    endpoint,
    client: (id) => new OpenAI({ baseURL: endpoint(id), apiKey: 'local', maxRetries: 0 }),
    async stop() {
      const code = await server.stop();
      if (code !== 0) {
        throw new Error(`The server ended with exit code ${code}; it wrote:\n${server.output()}`);
      }
    },
  };
}

/** In front of one server of llama.cpp, which answers for an endpoint. */
export function startInFrontOfEndpoint({ url }: LlamaCppServer, endpoint: string): Promise<ParlanceInFront> {
  return startInFrontOf(`
upstreams:
  gemma: { kind: llamacpp, base_url: "${url}" }
endpoints:
  "${endpoint}": { upstream: gemma }
`);
}
