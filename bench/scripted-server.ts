/**
 * Our HTTP server with a backend that has its whole answer ready: what remains is the cost of the server itself. As a
 * process it reports its port on the IPC channel and ends with it.
 */
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { Backend, BackendModel, ChatReply, Readiness } from '../src/backends/backend.ts';
import { type Gate, Gatekeeper } from '../src/auth/inbound/gatekeeper.ts';
import { createLog } from '../src/observability/log.ts';
import { ModelRouter } from '../src/routing/model-router.ts';
import { createHttpServer } from '../src/server/http-server.ts';
import type { ChatEventBatch } from '../src/translate/events/chat-event.ts';
import { SCRIPTED_BATCHES } from './chat-fixtures.ts';

const OPEN: Gate = { kind: 'open' };

/** Answers every request with the same prepared events, all at once. */
class ScriptedBackend implements Backend {
  readonly name = 'scripted';
  readonly kind = 'embedded';
  readonly input = 'request';
  readonly answerTimeoutMs = 60_000;

  chat(): Promise<ChatReply> {
    return Promise.resolve({ events: replay(SCRIPTED_BATCHES), modelVersion: 'scripted', ignored: [] });
  }

  models(): readonly BackendModel[] {
    return [];
  }

  readiness(): Readiness {
    return { ready: true };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

async function* replay(batches: readonly ChatEventBatch[]): AsyncGenerator<ChatEventBatch> {
  for (const batch of batches) yield batch;
}

/** The server with its usual limits and log level. */
export function createScriptedServer(logLevel: string): FastifyInstance {
  const backend = new ScriptedBackend();
  return createHttpServer({
    log: createLog(logLevel),
    router: new ModelRouter({
      backends: new Map([[backend.name, backend]]),
      models: [{ match: '*', upstream: backend.name }],
      endpoints: {},
    }),
    gatekeeper: new Gatekeeper({ vertex: OPEN, devapi: OPEN, plain: OPEN }),
    unsupported: 'reject',
    usageMode: 'openai',
    streamKeepAliveMs: 15_000,
    limits: {
      maxBodyBytes: 64 * 1024 * 1024,
      largeBodyBytes: 64 * 1024 * 1024,
      maxHeaderBytes: 16_384,
      requestTimeoutMs: 120_000,
      keepAliveMs: 72_000,
    },
  });
}

if (import.meta.main) {
  const server = createScriptedServer('info');
  await server.listen({ host: '127.0.0.1', port: 0 });
  process.send?.((server.server.address() as AddressInfo).port);
  process.on('disconnect', () => process.exit(0));
}
