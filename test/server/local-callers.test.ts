/** Callers of the local sign-in, many at once, who renew their tokens as these end. */
import { describe, expect, it } from 'vitest';
import { StaticKeys } from '../../src/auth/inbound/static-keys.ts';
import {
  accountJwt,
  localFixture,
  METADATA,
  START,
  VERTEX_SCOPE,
} from '../auth/local-google/local-fixture.ts';
import { startGuarded } from './guarded-server.ts';
import { answer, type Step } from './scripted-backend.ts';
import { chatRequest, type ErrorEnvelope, eventsOf, type TestServer } from './test-server.ts';

const CLIENTS = 50;

/** Life of a token, in seconds. */
const LIFE = 60;

const fixture = localFixture();

async function startPlace(steps: Iterable<Step> = answer('Hello')): Promise<TestServer> {
  const signIn = fixture().open({ lifetimeSeconds: LIFE });
  return startGuarded({
    gate: { kind: 'closed', keys: new StaticKeys([]), authenticators: [signIn.tokens] },
    signIn: signIn.google,
    script: { steps },
  });
}

interface TokenAnswer {
  readonly access_token: string;
  /** Seconds. */
  readonly expires_in: number;
}

type SignIn = (server: TestServer) => Promise<Response>;

const askToken = ({ url }: TestServer, form: Record<string, string>): Promise<Response> =>
  fetch(`${url}/token`, { method: 'POST', body: new URLSearchParams(form) });

const withMetadata: SignIn = ({ url }) =>
  fetch(`${url}/computeMetadata/v1/instance/service-accounts/default/token`, { headers: METADATA });

const withKeyFile: SignIn = (server) =>
  askToken(server, {
    grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    assertion: accountJwt(fixture().keyFile, { aud: `${server.url}/token`, scope: VERTEX_SCOPE }),
  });

const withRefreshToken: SignIn = (server) => {
  const { client_id, client_secret, refresh_token } = fixture().userFile;
  return askToken(server, { grant_type: 'refresh_token', client_id, client_secret, refresh_token });
};

const now = (): number => (fixture().now - START) / 1000;

/** A client that gets a new token when its own is about to end. */
class Client {
  readonly #server: TestServer;
  readonly #signIn: SignIn;
  readonly #earlySeconds: number;
  #token = '';
  #endsAt = 0;
  signIns = 0;

  constructor(server: TestServer, signIn: SignIn, earlySeconds: number) {
    this.#server = server;
    this.#signIn = signIn;
    this.#earlySeconds = earlySeconds;
  }

  /** @returns the status */
  async call(): Promise<number> {
    if (now() >= this.#endsAt - this.#earlySeconds) await this.renew();
    const response = await this.callAgain();
    await response.arrayBuffer();
    return response.status;
  }

  /** With the token it has. */
  callAgain(stream = false): Promise<Response> {
    const headers = { authorization: `Bearer ${this.#token}` };
    return this.#server.post(chatRequest({ stream }), undefined, headers);
  }

  async renew(): Promise<void> {
    const askedAt = now();
    const json = (await (await this.#signIn(this.#server)).json()) as TokenAnswer;
    this.#token = json.access_token;
    this.#endsAt = askedAt + json.expires_in;
    this.signIns += 1;
  }
}

describe('a token of the local sign-in', () => {
  it('is never refused to clients who renew it, whichever way and however late they do', async () => {
    const server = await startPlace();
    const ways = [withMetadata, withKeyFile, withRefreshToken];
    const clients = Array.from(
      { length: CLIENTS },
      (_, index) => new Client(server, ways[index % ways.length] ?? withMetadata, index % 12),
    );
    for (let seconds = 0; seconds <= 3 * LIFE; seconds += 9) {
      fixture().now = START + seconds * 1000;
      const statuses = await Promise.all(clients.map((client) => client.call()));
      expect(statuses).toEqual(Array(CLIENTS).fill(200));
    }
    expect(Math.min(...clients.map(({ signIns }) => signIns))).toBeGreaterThanOrEqual(3);
  });

  it('is good for all who have it to the end of its last second, and for nobody after that', async () => {
    const server = await startPlace();
    const client = new Client(server, withMetadata, 0);
    await client.renew();
    const statuses = async (milliseconds: number): Promise<ReadonlySet<number>> => {
      fixture().now = START + milliseconds;
      const responses = await Promise.all(Array.from({ length: CLIENTS }, () => client.callAgain()));
      return new Set(responses.map(({ status }) => status));
    };
    expect(await statuses(LIFE * 1000 - 1)).toEqual(new Set([200]));
    expect(await statuses(LIFE * 1000)).toEqual(new Set([401]));
    const refused = await client.callAgain();
    expect(refused.headers.get('www-authenticate')).toBe('Bearer realm="parlance", error="invalid_token"');
    expect(((await refused.json()) as ErrorEnvelope).error).toMatchObject({
      type: 'authentication_error',
      code: 'invalid_api_key',
      message: expect.stringContaining('expired at 2026-01-01T00:01:00.000Z'),
    });
    await client.renew();
    expect(await statuses(LIFE * 1000)).toEqual(new Set([200]));
  });

  it('may end while an answer is under way', async () => {
    const [start = [], ...rest] = answer('Hello');
    function* steps(): Generator<Step> {
      yield start;
      fixture().now = START + 2 * LIFE * 1000;
      yield* rest;
    }
    const client = new Client(await startPlace(steps()), withMetadata, 0);
    await client.renew();
    const response = await client.callAgain(true);
    expect(response.status).toBe(200);
    expect(eventsOf(await response.text()).at(-1)).toBe('[DONE]');
    expect((await client.callAgain()).status).toBe(401);
  });
});
