import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { Agent, type Dispatcher } from 'undici';
import { afterEach, beforeEach } from 'vitest';

export const START = Date.UTC(2026, 0, 1);

/** What happens to one request instead of the right answer. */
export type Fault = 'hang' | 'cut' | 'huge' | Reply;

export interface Reply {
  readonly status?: number;
  /** Sent as JSON, a string as it is. */
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface IdentityRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** What follows `Bearer `. */
  readonly bearer: string | undefined;
}

/** Stands in for an issuer of credentials on loopback. */
export interface IdentityServer {
  readonly origin: string;
  readonly requests: IdentityRequest[];
  /** What happens to the next requests, in order. */
  readonly faults: Fault[];
  /** What happens to all others, as long as it is set. */
  outage: Fault | undefined;
  /** Requests wait for an answer until this promise is settled. */
  gate: Promise<void>;
  /** Time every answer takes, in milliseconds. */
  delayMs: number;
  /** The most requests with the same target and bearer that were under way at the same time. */
  mostAlike: number;
  /** The right answer. */
  answer: (request: IdentityRequest) => Reply;
  /** Stops listening and breaks what is under way. */
  close(): Promise<void>;
}

/** What one test works with. */
export interface IdentityFixture {
  readonly server: IdentityServer;
  readonly dispatcher: Dispatcher;
  /** Waits until no request is under way any more, and what follows from the answers has happened. */
  readonly idle: () => Promise<void>;
  /** Milliseconds since the epoch. */
  time: number;
  readonly now: () => number;
  /** What was reported as failure of an issuer. */
  readonly failures: string[];
  readonly onFailure: (error: unknown) => void;
}

/** Gives each test of the calling file a server and a clock of its own. */
export function identityFixture(): () => IdentityFixture {
  let fixture: IdentityFixture;
  beforeEach(async () => {
    const failures: string[] = [];
    fixture = {
      server: await startIdentityServer(),
      ...countingDispatcher(),
      time: START,
      now: () => fixture.time,
      failures,
      onFailure: (error) => failures.push(String(error)),
    };
  });
  afterEach(async () => {
    await fixture.dispatcher.destroy();
    await fixture.server.close();
  });
  return () => fixture;
}

/** Knows how many requests are under way. */
function countingDispatcher(): { dispatcher: Dispatcher; idle: () => Promise<void> } {
  let underWay = 0;
  const dispatcher = new Agent().compose((dispatch) => (options, handler) => {
    underWay += 1;
    return dispatch(options, {
      onRequestStart: (controller, context) => handler.onRequestStart?.(controller, context),
      onResponseStart: (controller, status, headers, message) =>
        handler.onResponseStart?.(controller, status, headers, message),
      onResponseData: (controller, chunk) => handler.onResponseData?.(controller, chunk),
      onResponseEnd: (controller, trailers) => {
        underWay -= 1;
        handler.onResponseEnd?.(controller, trailers);
      },
      onResponseError: (controller, error) => {
        underWay -= 1;
        handler.onResponseError?.(controller, error);
      },
    });
  });
  const idle = async (): Promise<void> => {
    // One answer may lead to the next question.
    for (let quiet = 0; quiet < 3; quiet = underWay === 0 ? quiet + 1 : 0) {
      await new Promise((resolve) => void setImmediate(resolve));
    }
  };
  return { dispatcher, idle };
}

async function startIdentityServer(): Promise<IdentityServer> {
  const underWay = new Map<string, number>();
  const http = createServer((request, response) => {
    const { method = '', url = '', headers } = request;
    const bearer = /^Bearer (.*)$/.exec(headers.authorization ?? '')?.[1];
    const received = { method, url, headers, bearer };
    state.requests.push(received);
    const question = `${url} ${bearer}`;
    const alike = (underWay.get(question) ?? 0) + 1;
    underWay.set(question, alike);
    state.mostAlike = Math.max(state.mostAlike, alike);
    response.once('close', () => underWay.set(question, (underWay.get(question) ?? 0) - 1));
    void answerLater(received, response);
  });
  const answerLater = async (received: IdentityRequest, response: ServerResponse): Promise<void> => {
    await state.gate;
    if (state.delayMs > 0) await pause(state.delayMs);
    const fault = state.faults.shift() ?? state.outage;
    send(response, fault ?? state.answer(received));
  };
  await new Promise<void>((resolve) => {
    http.listen(0, '127.0.0.1', resolve);
  });
  const state: IdentityServer = {
    origin: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    requests: [],
    faults: [],
    outage: undefined,
    gate: Promise.resolve(),
    delayMs: 0,
    mostAlike: 0,
    answer: () => ({ status: 404, body: {} }),
    close: () => {
      http.closeAllConnections();
      return new Promise((resolve) => {
        http.close(() => resolve());
      });
    },
  };
  return state;
}

const JSON_TYPE = { 'content-type': 'application/json' };

function send(response: ServerResponse, fault: Fault): void {
  if (fault === 'hang') return;
  if (fault === 'cut') {
    response.writeHead(200, { ...JSON_TYPE, 'content-length': 100 });
    response.write('{"keys', () => response.destroy());
  } else if (fault === 'huge') {
    response.writeHead(200, JSON_TYPE);
    response.end(`{"keys":[],"padding":"${'x'.repeat(1024 * 1024)}"}`);
  } else {
    response.writeHead(fault.status ?? 200, { ...JSON_TYPE, ...fault.headers });
    response.end(typeof fault.body === 'string' ? fault.body : JSON.stringify(fault.body));
  }
}

export const never: AbortSignal = new AbortController().signal;

export { failureOf } from '../failure-of.ts';
