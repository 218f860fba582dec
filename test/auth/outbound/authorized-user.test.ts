import { describe, expect, it } from 'vitest';
import { authorizedUserFile, credentialFixture, failureOf, never, tokenOf } from './credential-fixture.ts';
import { USER_SECRETS } from './token-server.ts';

const fixture = credentialFixture();

describe('a person who signed in with gcloud', () => {
  it('gets a token for the refresh token at the token_uri of the file', async () => {
    const { server, openFile } = fixture();
    expect(await tokenOf(openFile(authorizedUserFile(server)))).toBe('ya29.1');
    expect(server.requests[0]?.form).toEqual({ grant_type: 'refresh_token', ...USER_SECRETS });
  });

  it("asks Google's own endpoint when the file names none", async () => {
    const { openFile, secureOrigins } = fixture();
    expect(await tokenOf(openFile({ type: 'authorized_user', ...USER_SECRETS }))).toBe('ya29.1');
    expect(secureOrigins).toEqual(['https://oauth2.googleapis.com']);
  });

  it('is told to sign in again, without a word of the secrets the server quoted', async () => {
    const { server, openFile } = fixture();
    const file = {
      ...authorizedUserFile(server),
      refresh_token: '1//revoked',
      client_secret: 'GOCSPX-other',
    };
    const { message } = await failureOf(openFile(file).headers(never));
    expect(message).toContain('answered 400 invalid_grant: Token [secret] of [secret] has been revoked.');
    expect(message).toContain('`gcloud auth application-default login`');
    expect(message).not.toMatch(/1\/\/revoked|GOCSPX/);
  });

  it.each(['client_id', 'client_secret', 'refresh_token'])('needs "%s" in the file', async (name) => {
    const { server, openFile } = fixture();
    const error = await failureOf(openFile({ ...authorizedUserFile(server), [name]: null }).headers(never));
    expect(error.message).toContain(`"${name}" is missing`);
  });
});
