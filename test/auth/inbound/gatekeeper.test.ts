import { describe, expect, it } from 'vitest';
import { type Gate, Gatekeeper } from '../../../src/auth/inbound/gatekeeper.ts';
import type { Authenticator, Principal } from '../../../src/auth/inbound/principal.ts';
import { StaticKeys } from '../../../src/auth/inbound/static-keys.ts';
import { GatewayError } from '../../../src/errors.ts';
import { failureOf, never } from './identity-server.ts';

const KEY = 'key-of-the-configuration';

/** Knows the credentials that begin with its name, and remembers what it was asked. */
class NamedAuthenticator implements Authenticator {
  readonly asked: string[] = [];
  readonly signals: AbortSignal[] = [];
  readonly #name: string;
  readonly #failure: GatewayError | undefined;

  constructor(name: string, failure?: GatewayError) {
    this.#name = name;
    this.#failure = failure;
  }

  async authenticate(credential: string, signal: AbortSignal): Promise<Principal | undefined> {
    this.asked.push(credential);
    this.signals.push(signal);
    if (!credential.startsWith(this.#name)) return undefined;
    if (this.#failure !== undefined) throw this.#failure;
    return { kind: 'oidc', id: `${this.#name}:somebody`, tenant: this.#name };
  }
}

const signal = () => never;
const unasked = () => expect.unreachable('there is nobody to ask');

function closed(authenticators: readonly Authenticator[] = [], keys: readonly string[] = [KEY]): Gate {
  return { kind: 'closed', keys: new StaticKeys(keys), authenticators };
}

const everywhere = (gate: Gate) => new Gatekeeper({ vertex: gate, devapi: gate, plain: gate });

/** What became of a call, without waiting where nobody was asked. */
async function outcome(
  gatekeeper: Gatekeeper,
  family: 'vertex' | 'devapi' | 'plain',
  credential: string | undefined,
): Promise<string> {
  try {
    const { kind, credential: passed } = await gatekeeper.admit(family, credential, signal);
    return passed === undefined ? kind : `${kind} with ${passed}`;
  } catch (error) {
    return error instanceof GatewayError ? `${error.status} ${error.code}` : String(error);
  }
}

describe('the gates of three families', () => {
  const mixed = new Gatekeeper({
    vertex: { kind: 'passthrough' },
    devapi: closed(),
    plain: { kind: 'open' },
  });

  it.each([
    ['vertex', undefined, '401 invalid_api_key'],
    ['vertex', 'ya29.any', 'anonymous with ya29.any'],
    ['vertex', KEY, `anonymous with ${KEY}`],
    ['devapi', undefined, '401 invalid_api_key'],
    ['devapi', 'ya29.any', '401 invalid_api_key'],
    ['devapi', KEY, 'key'],
    ['plain', undefined, 'anonymous'],
    ['plain', 'ya29.any', 'anonymous'],
    ['plain', KEY, 'anonymous'],
  ] as const)('let pass on %s with %s: %s', async (family, credential, expected) => {
    expect(await outcome(mixed, family, credential)).toBe(expected);
  });
});

describe('an open gate and one that passes credentials on', () => {
  it.each([{ kind: 'open' }, { kind: 'passthrough' }] as const)(
    '($kind) tell callers apart by what they sent, and nobody is asked',
    ({ kind }) => {
      const gatekeeper = everywhere({ kind });
      const tenants = ['first', 'second', 'first'].map((credential) => {
        const principal = gatekeeper.admit('plain', credential, unasked);
        return principal instanceof Promise ? 'later' : principal.tenant;
      });
      expect(new Set(tenants).size).toBe(2);
      expect(tenants[0]).toBe(tenants[2]);
      expect(tenants.join()).not.toMatch(/first|second|later/);
    },
  );

  it.each(['a b', 'a\r\nx-team: evil', 'a\n', 'a\0', 'a\u007f', 'schl\u00fcssel', '\u20ac', ' '])(
    '(passthrough) refuse %j, which no header can hold',
    (credential) => {
      const gatekeeper = everywhere({ kind: 'passthrough' });
      expect(() => gatekeeper.admit('plain', credential, signal)).toThrowError(
        expect.objectContaining({ status: 401, code: 'invalid_api_key' }) as Error,
      );
    },
  );

  it('(open) knows all callers without a credential as one', () => {
    expect(everywhere({ kind: 'open' }).admit('plain', undefined, signal)).toEqual({
      kind: 'anonymous',
      id: 'anonymous',
      tenant: 'anonymous',
    });
  });
});

describe('a closed gate', () => {
  it('opens for a key at once, and asks no authenticator', () => {
    const authenticator = new NamedAuthenticator('key');
    const principal = everywhere(closed([authenticator])).admit('plain', KEY, unasked);
    expect(principal).toMatchObject({ kind: 'key' });
    expect(authenticator.asked).toEqual([]);
  });

  it.each([
    ['first-token', 'first:somebody', [1, 0, 0]],
    ['second-token', 'second:somebody', [1, 1, 0]],
    ['third-token', 'third:somebody', [1, 1, 1]],
  ])('asks in turn until somebody knows %s', async (credential, id, asked) => {
    const authenticators = ['first', 'second', 'third'].map((name) => new NamedAuthenticator(name));
    expect(await everywhere(closed(authenticators)).admit('plain', credential, signal)).toMatchObject({ id });
    expect(authenticators.map((authenticator) => authenticator.asked.length)).toEqual(asked);
    expect(authenticators[0]?.signals).toEqual([never]);
  });

  it('leaves the decision to the first that knows a credential, a later one too', async () => {
    const both = ['same', 'same'].map((name) => new NamedAuthenticator(name));
    await everywhere(closed(both)).admit('plain', 'same-token', signal);
    expect(both.map(({ asked }) => asked.length)).toEqual([1, 0]);
  });

  it.each(['invalid_api_key', 'permission_denied', 'upstream_credentials', 'overloaded'] as const)(
    'stays shut when the first that knows a credential says %s, whoever comes next',
    async (code) => {
      const refusing = new NamedAuthenticator('token', new GatewayError(code, 'No.'));
      const willing = new NamedAuthenticator('token');
      const admitted = everywhere(closed([refusing, willing])).admit('plain', 'token-1', signal);
      expect(await failureOf(Promise.resolve(admitted))).toMatchObject({ code, message: 'No.' });
      expect(willing.asked).toEqual([]);
    },
  );

  it.each([
    { name: 'nobody to ask', authenticators: [], message: 'The API key is not one of this server.' },
    {
      name: 'somebody to ask',
      authenticators: [new NamedAuthenticator('other')],
      message: 'The credential is none that this server knows.',
    },
  ])('stays shut for a credential that nobody knows, with $name', async ({ authenticators, message }) => {
    const admitted = everywhere(closed(authenticators)).admit('plain', 'foreign', signal);
    expect(await failureOf(Promise.resolve(admitted))).toMatchObject({
      status: 401,
      code: 'invalid_api_key',
      message,
    });
  });

  it.each(['closed', 'passthrough'])('says what to send when nothing came (%s)', (kind) => {
    const authenticator = new NamedAuthenticator('');
    const gate: Gate = kind === 'closed' ? closed([authenticator]) : { kind: 'passthrough' };
    expect(() => everywhere(gate).admit('plain', undefined, signal)).toThrowError(
      expect.objectContaining({
        status: 401,
        code: 'invalid_api_key',
        message: 'No API key was sent. Send it as "Authorization: Bearer KEY".',
      }) as Error,
    );
    expect(authenticator.asked).toEqual([]);
  });

  it('opens for nobody without keys and authenticators', async () => {
    const admitted = everywhere(closed([], [])).admit('plain', KEY, signal);
    expect(await failureOf(Promise.resolve(admitted))).toMatchObject({ code: 'invalid_api_key' });
  });

  it('never says what was sent', async () => {
    const admitted = everywhere(closed([new NamedAuthenticator('other')])).admit('plain', 's3cret', signal);
    const { message } = await failureOf(Promise.resolve(admitted));
    expect(message).not.toContain('s3cret');
  });
});
