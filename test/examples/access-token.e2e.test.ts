/** What the examples send as access token on a machine where somebody is signed in to Google. */
import { generateKeyPairSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { listen } from '../../scripts/listen.ts';
import { type ClientMachine, createClientMachine } from '../support/client-machine.ts';
import { NO_PYTHON, PYTHON } from '../support/client-python.ts';

const EXAMPLES = resolve(import.meta.dirname, '../../examples');
const ACCESS_TOKEN = 'ya29.a-token-for-tests';

/** Stands in for Google: gives out access tokens at /token, and notes how it was asked for a completion. */
let google: Server;
let url: string;
let authorization: string | undefined;
let machine: ClientMachine;

beforeAll(async () => {
  google = createServer((request, response) => {
    request.resume().once('end', () => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(answer(request)));
    });
  });
  url = `http://127.0.0.1:${await listen(google)}`;
  machine = await createClientMachine({ env: { PARLANCE_URL: url }, accessToken: ACCESS_TOKEN });
});

beforeEach(() => {
  authorization = undefined;
});

afterAll(async () => {
  google.close();
  google.closeAllConnections();
  await machine.remove();
});

function answer(request: IncomingMessage): object {
  if (request.url === '/token') {
    return { access_token: ACCESS_TOKEN, expires_in: 3600, token_type: 'Bearer' };
  }
  ({ authorization } = request.headers);
  return { id: 'x', object: 'chat.completion', created: 1, model: 'x', choices: [] };
}

/** The key file of a service account whose tokens come from `url`. */
function serviceAccount(): string {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return JSON.stringify({
    type: 'service_account',
    project_id: 'my-project',
    private_key_id: '1',
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    client_email: 'tests@my-project.iam.gserviceaccount.com',
    client_id: '1',
    token_uri: `${url}/token`,
  });
}

describe('the access token', () => {
  it('of a curl example is that of gcloud', async () => {
    const { exitCode } = await machine.run('bash', [join(EXAMPLES, 'curl/gemini.sh')]);
    expect(exitCode).toBe(0);
    expect(authorization).toBe(`Bearer ${ACCESS_TOKEN}`);
  });

  it('of a Node example is OPENAI_API_KEY', async () => {
    const { exitCode } = await machine.run(process.execPath, [join(EXAMPLES, 'node/gemini.mjs')], {
      OPENAI_API_KEY: ACCESS_TOKEN,
    });
    expect(exitCode).toBe(0);
    expect(authorization).toBe(`Bearer ${ACCESS_TOKEN}`);
  });

  it.skipIf(NO_PYTHON !== '')(`of a Python example is that of google-auth${NO_PYTHON}`, async () => {
    const keyFile = join(machine.home, 'service-account.json');
    await writeFile(keyFile, serviceAccount());
    const { exitCode, stderr } = await machine.run(PYTHON, [join(EXAMPLES, 'python/gemini.py')], {
      GOOGLE_APPLICATION_CREDENTIALS: keyFile,
    });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(authorization).toBe(`Bearer ${ACCESS_TOKEN}`);
  });
});
