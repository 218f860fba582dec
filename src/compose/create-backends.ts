import type { Backend } from '../backends/backend.ts';
import { MemorySignatureVault } from '../backends/gemini/signature-vault.ts';
import type { OpenAiCompatibleBackend } from '../backends/openai-compatible/openai-compatible-backend.ts';
import { SchemaChecker } from '../backends/openai-compatible/structured-output/schema-checker.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { Log } from '../observability/log.ts';
import { FallbackBackend } from '../routing/fallback-backend.ts';
import { createEmbeddedUpstream, type EmbeddedUpstream } from './embedded-upstream.ts';
import { createGeminiUpstream } from './gemini-upstream.ts';
import { createMedia } from './media.ts';
import { createServerUpstream } from './server-upstream.ts';

export interface Backends {
  /** By the name of the upstream, its fallbacks behind it. */
  readonly backends: ReadonlyMap<string, Backend>;
  /** Upstreams whose model has to be on this machine. */
  readonly embedded: readonly EmbeddedUpstream[];
  /** Upstreams that watch their servers once they are started. */
  readonly servers: readonly OpenAiCompatibleBackend[];
  close(): Promise<void>;
}

/**
 * One backend for each upstream of the configuration.
 *
 * @param env where proxies and the places of Google's credentials are looked up
 */
export function createBackends(
  config: LoadedConfig,
  log: Log,
  env: NodeJS.ProcessEnv = process.env,
): Backends {
  const own = new Map<string, Backend>();
  const embedded: EmbeddedUpstream[] = [];
  const servers: OpenAiCompatibleBackend[] = [];
  const vault = new MemorySignatureVault({
    now: () => performance.now(),
    maxEntries: config.signatures.max_entries,
    lifetimeMs: config.signatures.ttl_ms,
  });
  const checker = new SchemaChecker();
  const media = createMedia(config, { env, log });
  const shared = { media: media.resolver, env, log };
  const gemini = { ...shared, vault, replayThoughts: config.thoughts.replay };
  for (const [name, upstream] of Object.entries(config.upstreams)) {
    if (upstream.kind === 'embedded') {
      const created = createEmbeddedUpstream(name, upstream, shared);
      embedded.push(created);
      own.set(name, created.backend);
    } else if (upstream.kind === 'vertex' || upstream.kind === 'gemini') {
      own.set(name, createGeminiUpstream(name, upstream, gemini));
    } else {
      const server = createServerUpstream(name, upstream, { ...shared, checker });
      servers.push(server);
      own.set(name, server);
    }
  }
  return {
    backends: withFallbacks(own, config),
    embedded,
    servers,
    async close() {
      await Promise.all([...own.values()].map((backend) => backend.close()));
      await Promise.all([checker.close(), media.close()]);
    },
  };
}

/** The backends with those behind them that the configuration names; these have their own behind them, too. */
function withFallbacks(own: ReadonlyMap<string, Backend>, config: LoadedConfig): Map<string, Backend> {
  const backed = new Map<string, Backend>();
  // The configuration has no circles.
  const back = (name: string): Backend => {
    const known = backed.get(name);
    if (known !== undefined) return known;
    const backend = own.get(name)!;
    const fallbacks = config.upstreams[name]!.fallback;
    const chain =
      fallbacks.length === 0
        ? backend
        : new FallbackBackend(
            backend,
            fallbacks.map(({ upstream, model }) => ({ backend: back(upstream), model })),
          );
    backed.set(name, chain);
    return chain;
  };
  // In the order of the configuration, which model lists follow.
  return new Map([...own.keys()].map((name) => [name, back(name)]));
}
