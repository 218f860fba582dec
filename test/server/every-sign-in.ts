/** A server that knows callers in every way at once, and what makes genuine tokens for it. */
import { GoogleAccessTokens } from '../../src/auth/inbound/google-access-tokens.ts';
import { GOOGLE_ISSUER } from '../../src/auth/inbound/id-token-issuer.ts';
import { IdTokens } from '../../src/auth/inbound/id-tokens.ts';
import { StaticKeys } from '../../src/auth/inbound/static-keys.ts';
import { identityFixture, type IdentityFixture } from '../auth/inbound/identity-server.ts';
import { encode, issuerKey, jwkOf } from '../auth/inbound/signed-tokens.ts';
import {
  accountJwt,
  ask,
  EMAIL,
  type KeyFile,
  type LocalFixture,
  localFixture,
  METADATA,
  NOW,
  VERTEX_SCOPE,
} from '../auth/local-google/local-fixture.ts';
import { KEY, startGuarded } from './guarded-server.ts';
import type { TestServer } from './test-server.ts';

/** Keys of the issuer, and of Google. */
export const key = issuerKey('k1');
export const otherKey = issuerKey('k2');
export const googleKey = issuerKey('g1');
/** A key that nobody knows. */
export const evilKey = issuerKey('evil');

/** The audience of Google's ID tokens. */
export const CLIENT = 'client.apps.googleusercontent.com';
export const VERTEX_AUDIENCE = 'https://aiplatform.googleapis.com/';
export const GOOGLE_TOKEN_URL = 'https://oauth2.googleapis.com/token';
/** The one access token that Google knows. */
export const GOOGLE_TOKEN = 'ya29.genuine';

export interface EverySignIn {
  readonly server: TestServer;
  /** What the issuer publishes. */
  readonly published: { keys: object[] };
}

export class SignInPlace {
  readonly identity: () => IdentityFixture = identityFixture();
  readonly local: () => LocalFixture = localFixture();
  /** Another Parlance with a home of its own; its account has the same name. */
  readonly stranger: () => LocalFixture = localFixture();

  /** Asked in the order of real servers: keys, the local sign-in, ID tokens of an issuer and of Google, access tokens. */
  async start(): Promise<EverySignIn> {
    const { server: issuer, dispatcher, now } = this.identity();
    const published = { keys: [jwkOf(key), jwkOf(otherKey)] };
    issuer.answer = ({ url, bearer }) => {
      if (url === '/keys') return { body: published };
      if (url === '/google-keys') return { body: { keys: [jwkOf(googleKey)] } };
      if (url === '/evil-keys') return { body: { keys: [jwkOf(evilKey), jwkOf({ ...evilKey, kid: 'k1' })] } };
      if (bearer !== GOOGLE_TOKEN) return { status: 400, body: { error: 'invalid_token' } };
      return {
        body: { email: 'a@gmail.com', email_verified: 'true', scope: VERTEX_SCOPE, expires_in: '3600' },
      };
    };
    const url = (path: string): URL => new URL(path, issuer.origin);
    const rules = { everyone: true };
    const shared = { dispatcher, now };
    const idTokens = new IdTokens({
      ...shared,
      issuers: [
        { name: 'corp', issuer: issuer.origin, keysUrl: url('/keys'), audiences: ['parlance'], rules },
        { name: 'google', issuer: GOOGLE_ISSUER, keysUrl: url('/google-keys'), audiences: [CLIENT], rules },
      ],
    });
    const accessTokens = new GoogleAccessTokens({
      ...shared,
      rules,
      tokeninfoUrl: url('/tokeninfo'),
      userinfoUrl: url('/userinfo'),
    });
    const signIn = this.local().open();
    const authenticators = [signIn.tokens, idTokens, accessTokens];
    const server = await startGuarded({
      gate: { kind: 'closed', keys: new StaticKeys([KEY]), authenticators },
      signIn: signIn.google,
    });
    return { server, published };
  }

  pass(seconds: number): void {
    this.local().now += seconds * 1000;
    this.stranger().now += seconds * 1000;
    this.identity().time += seconds * 1000;
  }

  /** Where a stranger could lay down keys. */
  evilUrl(): string {
    return `${this.identity().server.origin}/evil-keys`;
  }

  /** Of the issuer. */
  claims(more: object = {}): object {
    const { origin } = this.identity().server;
    return { iss: origin, sub: 'user-1', aud: 'parlance', iat: NOW, exp: NOW + 3600, ...more };
  }

  googleClaims(more: object = {}): object {
    return this.claims({ iss: GOOGLE_ISSUER, aud: CLIENT, azp: CLIENT, ...more });
  }

  /** What a local service account signs for Vertex AI. */
  selfSigned(more: object = {}, header: object = {}, file: KeyFile = this.local().keyFile): string {
    return accountJwt(file, { sub: EMAIL, aud: VERTEX_AUDIENCE, ...more }, header);
  }

  /** What it signs for the token endpoint. */
  assertion(more: object = {}, file: KeyFile = this.local().keyFile): string {
    return accountJwt(file, { aud: GOOGLE_TOKEN_URL, scope: VERTEX_SCOPE, ...more });
  }

  /** An ID token of the local sign-in. */
  async localIdToken(audience: string, { signIn }: LocalFixture = this.local()): Promise<string> {
    const path = '/computeMetadata/v1/instance/service-accounts/default/identity';
    const { body } = await ask(signIn, { url: `${path}?audience=${audience}`, headers: METADATA });
    return String(body);
  }
}

/** The same token with other claims under the old signature. */
export function withClaims(token: string, change: object): string {
  const [header = '', payload = '', signature = ''] = token.split('.');
  const old = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object;
  return `${header}.${encode({ ...old, ...change })}.${signature}`;
}

/** One row of a table: what it is, and how it is made. */
export type TokenCase = readonly [what: string, make: () => string | Promise<string>];
