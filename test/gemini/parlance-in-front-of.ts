import { startParlance } from '../support/parlance-process.ts';
import type { ReplayUpstream } from '../support/replay-upstream.ts';

/** The real server as a process, with both kinds of Gemini upstream at one replaying upstream. */
export interface ParlanceInFront {
  readonly url: string;
  /** Base URL under which one kind of upstream answers for every model. */
  endpoint(kind: 'vertex' | 'gemini'): string;
  /** @throws {Error} when the server did not end by itself, with what it wrote */
  stop(): Promise<void>;
}

const ENDPOINTS = { vertex: '1001', gemini: '1002' } as const;

export async function startInFrontOf({ origin }: ReplayUpstream): Promise<ParlanceInFront> {
  const config = `
server: { shutdown_grace_ms: 1000 }
thoughts: { delivery: reasoning_content }
upstreams:
  vertex: { kind: vertex, project: p, location: europe-west4, access_token: ya29.token, base_url: "${origin}" }
  gemini: { kind: gemini, api_key: AIza-key, base_url: "${origin}" }
models:
  - { match: "google/gemini-3.5-*", upstream: gemini }
  - { match: "google/gemini-*", upstream: vertex }
endpoints:
  "${ENDPOINTS.vertex}": { upstream: vertex }
  "${ENDPOINTS.gemini}": { upstream: gemini }
`;
  // A proxy of the machine must not come between loopback addresses.
  const server = await startParlance({ config, env: { NO_PROXY: '127.0.0.1', no_proxy: '127.0.0.1' } });
  return {
    url: server.url,
    endpoint: (kind) => `${server.url}/v1/projects/p/locations/us-central1/endpoints/${ENDPOINTS[kind]}`,
    async stop() {
      const code = await server.stop();
      if (code !== 0) {
        throw new Error(`The server ended with exit code ${code}; it wrote:\n${server.output()}`);
      }
    },
  };
}
