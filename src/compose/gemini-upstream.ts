import type { Dispatcher } from 'undici';
import { createApiKeySource, createStaticTokenSource } from '../auth/outbound/fixed-token-source.ts';
import { createGoogleCredentials } from '../auth/outbound/google-credentials.ts';
import type { TokenSource } from '../auth/outbound/token-source.ts';
import { GeminiBackend } from '../backends/gemini/gemini-backend.ts';
import type { SignatureVault } from '../backends/gemini/signature-vault.ts';
import type { MediaResolver } from '../media/media-resolver.ts';
import type { Log } from '../observability/log.ts';
import { createConnectionPools } from '../upstream/connection-pools.ts';
import { type GeminiConfig, geminiPlace, geminiTranslateOptions } from './gemini-options.ts';

/** What all Gemini upstreams of one server share. */
export interface GeminiContext {
  readonly vault: SignatureVault;
  readonly media: MediaResolver;
  /** Thoughts of earlier turns are sent upstream again. */
  readonly replayThoughts: boolean;
  readonly env: NodeJS.ProcessEnv;
  readonly log: Log;
}

export function createGeminiUpstream(
  name: string,
  config: GeminiConfig,
  context: GeminiContext,
): GeminiBackend {
  const dispatcher = createConnectionPools(
    {
      connectTimeoutMs: config.connect_timeout_ms,
      maxConnections: config.max_connections,
      http2: config.http2,
    },
    context.env,
  );
  return new GeminiBackend({
    name,
    place: geminiPlace(config),
    credentials: credentialsOf(config, { dispatcher, context, name }),
    dispatcher,
    vault: context.vault,
    media: context.media,
    translate: geminiTranslateOptions(config, { replay: context.replayThoughts }),
    timeouts: {
      answerMs: config.request_timeout_ms,
      firstByteMs: config.first_byte_timeout_ms,
      idleMs: config.idle_timeout_ms,
    },
    retry: { maxRetries: config.retries },
    emulateCandidates: config.emulate_n,
    globalFallback: config.kind === 'vertex' && config.global_fallback,
    malformedRetries: config.malformed_retries,
  });
}

function credentialsOf(
  config: GeminiConfig,
  { dispatcher, context, name }: { dispatcher: Dispatcher; context: GeminiContext; name: string },
): TokenSource {
  if (config.kind === 'gemini') return createApiKeySource(config.api_key);
  if (config.api_key !== undefined) return createApiKeySource(config.api_key);
  if (config.access_token !== undefined) return createStaticTokenSource(config.access_token);
  return createGoogleCredentials({
    ...(config.credentials === undefined || config.credentials === 'adc'
      ? {}
      : { keyFile: config.credentials }),
    env: context.env,
    dispatcher,
    onRenewalFailure: (error) => {
      context.log.warn(
        { upstream: name, reason: error instanceof Error ? error.message : String(error) },
        'token not renewed',
      );
    },
  });
}
