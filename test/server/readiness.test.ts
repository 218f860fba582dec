import { expect, it } from 'vitest';
import type { Readiness } from '../../src/backends/backend.ts';
import { createLog } from '../../src/observability/log.ts';
import { FallbackBackend } from '../../src/routing/fallback-backend.ts';
import { ModelRouter } from '../../src/routing/model-router.ts';
import { createHttpServer } from '../../src/server/http-server.ts';
import { gatekeeperOf } from '../support/gatekeeper.ts';
import { ScriptedBackend } from './scripted-backend.ts';

const UP: Readiness = { ready: true };
const STARTING: Readiness = { ready: false, reason: 'the model is being loaded', retryAfterSeconds: 2.5 };
const OUT: Readiness = { ready: false, reason: 'a:1 HTTP 503', retryAfterSeconds: 1, isOutage: true };

it.each<[upstreams: Record<string, Readiness>, status: number, retryAfter: string | undefined]>([
  [{}, 200, undefined],
  [{ a: UP }, 200, undefined],
  [{ a: STARTING }, 503, '3'],
  [{ a: OUT }, 503, '1'],
  [{ a: UP, b: UP }, 200, undefined],
  // An outage behind the server is not ended by taking the server out.
  [{ a: UP, b: OUT }, 200, undefined],
  [{ a: OUT, b: OUT }, 503, '1'],
  // What starts will be there.
  [{ a: UP, b: STARTING }, 503, '3'],
  [{ a: OUT, b: STARTING }, 503, '3'],
  [{ a: UP, b: OUT, c: STARTING }, 503, '3'],
])('with upstreams %j, /readyz says %i', async (readiness, status, retryAfter) => {
  const backends = Object.entries(readiness).map(
    ([name, is]) => new ScriptedBackend({ name, readiness: is }),
  );
  const server = createHttpServer({
    log: createLog('silent'),
    gatekeeper: gatekeeperOf(undefined),
    router: new ModelRouter({
      backends: new Map(backends.map((backend) => [backend.name, backend])),
      models: [],
      endpoints: {},
    }),
    unsupported: 'reject',
    usageMode: 'openai',
    streamKeepAliveMs: 0,
    limits: {
      maxBodyBytes: 1000,
      largeBodyBytes: 1000,
      maxHeaderBytes: 16_384,
      requestTimeoutMs: 60_000,
      keepAliveMs: 5000,
    },
  });
  const response = await server.inject('/readyz');
  expect([response.statusCode, response.headers['retry-after']]).toEqual([status, retryAfter]);
  expect(response.json()).toEqual({ status: status === 200 ? 'ready' : 'not ready', upstreams: readiness });
  await server.close();
});

it.each<[own: Readiness, fallback: Readiness, expected: Readiness]>([
  [UP, OUT, UP],
  [OUT, UP, UP],
  [STARTING, UP, UP],
  [OUT, OUT, OUT],
  // The fallback has a line of its own.
  [OUT, STARTING, OUT],
  [STARTING, OUT, STARTING],
])('an upstream that is %j, with one behind it that is %j, is %j', (own, fallback, expected) => {
  const backed = new FallbackBackend(new ScriptedBackend({ readiness: own }), [
    { backend: new ScriptedBackend({ readiness: fallback }) },
  ]);
  expect(backed.readiness()).toEqual(expected);
});
