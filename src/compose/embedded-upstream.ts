import { basename } from 'node:path';
import { EmbeddedBackend } from '../backends/embedded/embedded-backend.ts';
import type { EmbeddedUpstreamConfig } from '../config/complete-upstream.ts';
import type { DeepReadonly } from '../config/deep-freeze.ts';
import { projectorOf } from '../model-store/catalogue.ts';
import { shownModelName } from '../model-store/resolve-model.ts';
import type { MediaResolver } from '../media/media-resolver.ts';
import type { Log } from '../observability/log.ts';

/** An embedded backend and the model its configuration names; the command line sees to the model's file. */
export interface EmbeddedUpstream {
  readonly backend: EmbeddedBackend;
  /** Catalogue name, URL or path. */
  readonly model: string;
  /** What makes the model take images or audio, named like the model. */
  readonly projector?: string;
}

export function createEmbeddedUpstream(
  name: string,
  config: DeepReadonly<EmbeddedUpstreamConfig>,
  { media, log }: { readonly media: MediaResolver; readonly log: Log },
): EmbeddedUpstream {
  const backend = new EmbeddedBackend({
    name,
    modelName: shortModelName(config.model),
    engine: {
      slots: config.slots,
      threads: config.threads,
      gpu: config.gpu,
      ...(config.context_size === undefined ? {} : { contextSize: config.context_size }),
    },
    imageSide: config.image_side,
    media,
    queueSize: config.queue_size,
    answerTimeoutMs: config.request_timeout_ms,
    ...(config.chat_template === undefined ? {} : { chatTemplate: config.chat_template }),
    log: log.child({ upstream: name }),
    created: Math.floor(Date.now() / 1000),
  });
  const projector = config.projector ?? projectorOf(config.model);
  return { backend, model: config.model, ...(projector === undefined ? {} : { projector }) };
}

/** A model's name for lists and headers: catalogue names as they are, files and URLs by their file name. */
function shortModelName(model: string): string {
  return basename(shownModelName(model)).replace(/\.gguf$/i, '');
}
