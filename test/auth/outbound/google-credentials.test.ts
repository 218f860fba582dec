import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hasCredentials } from '../../../src/auth/outbound/google-credentials.ts';
import {
  authorizedUserFile,
  credentialFixture,
  failureOf,
  never,
  serviceAccountFile,
  START,
  tokenOf,
} from './credential-fixture.ts';
import type { Fault } from './token-server.ts';

const fixture = credentialFixture();
const WELL_KNOWN = 'gcloud/application_default_credentials.json';

describe('the search', () => {
  it.each([
    { places: ['keyFile', 'named', 'wellKnown', 'metadata'], found: 'keyFile' },
    { places: ['named', 'wellKnown', 'metadata'], found: 'named' },
    { places: ['wellKnown', 'metadata'], found: 'wellKnown' },
    { places: ['metadata'], found: 'metadata' },
  ])('takes $found from $places', async ({ places, found }) => {
    const { server, write, open, folder } = fixture();
    const user = (project: string) => ({ ...authorizedUserFile(server), quota_project_id: project });
    const source = open({
      env: {
        HOME: '/nowhere',
        CLOUDSDK_CONFIG: join(folder, 'gcloud'),
        ...(places.includes('named') && {
          GOOGLE_APPLICATION_CREDENTIALS: write('named.json', user('named')),
        }),
        ...(places.includes('metadata') && { GCE_METADATA_HOST: server.address }),
      },
      ...(places.includes('keyFile') && { keyFile: write('key.json', user('keyFile')) }),
    });
    if (places.includes('wellKnown')) write(WELL_KNOWN, user('wellKnown'));
    const headers = await source.headers(never);
    expect(headers['x-goog-user-project'] ?? 'metadata').toBe(found);
  });

  it("finds gcloud's file in the home folder", async () => {
    const { server, write, open, folder } = fixture();
    write(`.config/${WELL_KNOWN}`, authorizedUserFile(server));
    expect(await tokenOf(open({ env: { HOME: folder } }))).toBe('ya29.1');
  });

  it('lists the places where nothing was and says what to do', async () => {
    const { open, folder } = fixture();
    const closed = '127.0.0.1:1';
    const error = await failureOf(
      open({ env: { CLOUDSDK_CONFIG: folder, GCE_METADATA_HOST: closed } }).headers(never),
    );
    expect(error).toMatchObject({ status: 502, shouldRetry: false });
    expect(error.message).toBe(
      `This server has no Google credentials: GOOGLE_APPLICATION_CREDENTIALS is not set, ${folder}/application_default_credentials.json does not exist, and no metadata server answers at ${closed}. Run \`gcloud auth application-default login\`, or name a credentials file.`,
    );
  });

  it('never falls through from a named file to another identity', async () => {
    const { server, write, open, folder } = fixture();
    write(WELL_KNOWN, authorizedUserFile(server));
    const missing = join(folder, 'missing.json');
    const env = { CLOUDSDK_CONFIG: join(folder, 'gcloud'), GOOGLE_APPLICATION_CREDENTIALS: missing };
    const { message } = await failureOf(open({ env }).headers(never));
    expect(message).toBe(
      `This server's Google credentials do not work: ${missing} (named by GOOGLE_APPLICATION_CREDENTIALS): There is no such file. Correct the path.`,
    );
  });

  it.each([
    ['as it is', (json: string) => json],
    ['encoded', btoa],
  ])('does not show a key that stands in the place of its path, %s', async (_name, write) => {
    const { server, open } = fixture();
    const named = write(JSON.stringify(serviceAccountFile(server), undefined, 2));
    const { message } = await failureOf(
      open({ env: { GOOGLE_APPLICATION_CREDENTIALS: named } }).headers(never),
    );
    expect(message).toBe(
      'This server has no Google credentials: GOOGLE_APPLICATION_CREDENTIALS holds no path, but what belongs into a file. Write it into one, and name that.',
    );
  });

  it('reads the file anew for each token, so that a rotated key is used', async () => {
    const { server, write, openFile } = fixture();
    const source = openFile({ ...authorizedUserFile(server), quota_project_id: 'before' });
    const refused = await source.headers(never);
    write('credentials.json', { ...authorizedUserFile(server), quota_project_id: 'after' });
    source.invalidate(refused);
    expect(await source.headers(never)).toEqual({
      authorization: 'Bearer ya29.2',
      'x-goog-user-project': 'after',
    });
  });
});

describe('a credentials file', () => {
  it.each([
    { content: '{"type": "service_account", "private_key": "hunter2"', problem: 'is not a JSON object' },
    { content: '["hunter2"]', problem: 'is not a JSON object' },
    { content: '', problem: 'is not a JSON object' },
    { content: '{"private_key": "hunter2"}', problem: '"type" is missing' },
    { content: '{"type": "hunter2"}', problem: '"type" is none that this server knows: service_account,' },
  ])('that is $content is refused: $problem', async ({ content, problem }) => {
    const { openFile, folder } = fixture();
    const { message } = await failureOf(openFile(content).headers(never));
    expect(message).toContain(`${folder}/credentials.json`);
    expect(message).toContain(problem);
    expect(message).not.toContain('hunter2');
  });

  it('that is a folder is refused', async () => {
    const { open, folder } = fixture();
    mkdirSync(join(folder, 'keys'));
    const { message } = await failureOf(open({ keyFile: join(folder, 'keys') }).headers(never));
    expect(message).toContain('/keys: This is a folder, not a file.');
  });

  it('below a file is refused', async () => {
    const { open, write } = fixture();
    const { message } = await failureOf(open({ keyFile: join(write('a', '{}'), 'b') }).headers(never));
    expect(message).toContain('/a/b: The file cannot be read (ENOTDIR).');
  });

  // The superuser reads every file.
  it.skipIf(process.getuid?.() === 0)('that may not be read is refused', async () => {
    const { openFile, write } = fixture();
    const source = openFile('{}');
    chmodSync(write('credentials.json', '{}'), 0o000);
    const { message } = await failureOf(source.headers(never));
    expect(message).toContain(
      'The file cannot be read (EACCES). Let the user that runs this server read it.',
    );
  });
});

describe('headers', () => {
  it('are fetched once for a hundred callers, and kept', async () => {
    const { server, openFile } = fixture();
    const source = openFile(serviceAccountFile(server));
    const tokens = await Promise.all(Array.from({ length: 100 }, () => tokenOf(source)));
    expect(new Set(tokens)).toEqual(new Set(['ya29.1']));
    expect(await tokenOf(source)).toBe('ya29.1');
    expect(server.requests).toHaveLength(1);
  });

  it('are renewed in the background from 300 seconds before they expire', async () => {
    const all = fixture();
    const source = all.openFile(serviceAccountFile(all.server));
    await tokenOf(source);
    all.server.now = all.now = START + 3_299_999;
    expect(await tokenOf(source)).toBe('ya29.1');
    expect(all.server.requests).toHaveLength(1);
    all.server.now = all.now = START + 3_300_000;
    expect(await tokenOf(source)).toBe('ya29.1');
    await expect.poll(() => tokenOf(source)).toBe('ya29.2');
    expect(all.server.requests).toHaveLength(2);
  });

  it('are served while they cannot be renewed, and the failure is reported', async () => {
    const all = fixture();
    const failures: unknown[] = [];
    const source = all.openFile(serviceAccountFile(all.server), {
      onRenewalFailure: (error) => failures.push(error),
    });
    await tokenOf(source);
    all.now = START + 3_400_000;
    all.server.faults.push({ status: 403 });
    expect(await tokenOf(source)).toBe('ya29.1');
    await expect.poll(() => failures).toHaveLength(1);
    expect(await tokenOf(source)).toBe('ya29.1');
    expect(all.server.requests).toHaveLength(2);
  });

  it('are fetched anew once after several calls were refused', async () => {
    const { server, openFile } = fixture();
    const source = openFile(serviceAccountFile(server));
    const refused = await source.headers(never);
    const retried = await Promise.all(
      Array.from({ length: 20 }, () => {
        source.invalidate(refused);
        return tokenOf(source);
      }),
    );
    expect(new Set(retried)).toEqual(new Set(['ya29.2']));
    expect(server.requests).toHaveLength(2);
  });

  it.each([
    { file: 'in-file', variable: undefined, header: 'in-file' },
    { file: 'in-file', variable: 'in-variable', header: 'in-variable' },
    { file: undefined, variable: 'in-variable', header: 'in-variable' },
    { file: undefined, variable: undefined, header: undefined },
  ])('name the quota project $header', async ({ file, variable, header }) => {
    const { server, openFile } = fixture();
    const source = openFile(
      { ...authorizedUserFile(server), ...(file !== undefined && { quota_project_id: file }) },
      { env: { ...(variable !== undefined && { GOOGLE_CLOUD_QUOTA_PROJECT: variable }) } },
    );
    expect((await source.headers(never))['x-goog-user-project']).toBe(header);
  });

  it('are not given to a caller that aborts, and the fetch goes on for the next', async () => {
    const { server, openFile } = fixture();
    const source = openFile(serviceAccountFile(server));
    const gate = Promise.withResolvers<void>();
    server.gate = gate.promise;
    const impatient = new AbortController();
    const left = source.headers(impatient.signal);
    await expect.poll(() => server.requests).toHaveLength(1);
    impatient.abort(new Error('the client left'));
    await expect(left).rejects.toThrow('the client left');
    const next = tokenOf(source);
    gate.resolve();
    expect(await next).toBe('ya29.1');
    expect(server.requests).toHaveLength(1);
  });

  it('cannot be had after closing', async () => {
    const { server, openFile } = fixture();
    const source = openFile(serviceAccountFile(server));
    server.faults.push('hang');
    const waiting = source.headers(never);
    await expect.poll(() => server.requests).toHaveLength(1);
    source.close();
    await expect(waiting).rejects.toThrow('closed');
    await expect(source.headers(never)).rejects.toThrow('closed');
  });
});

describe('a token server', () => {
  it.each<{ name: string; fault: Fault }>([
    { name: 'answers 500', fault: { status: 500, body: { error: 'internal_failure' } } },
    { name: 'answers 503 with a page', fault: { status: 503, html: '<h1>Busy</h1>' } },
    { name: 'answers 429', fault: { status: 429 } },
    { name: 'breaks off', fault: 'cut' },
  ])('that $name is asked again', async ({ fault }) => {
    const { server, openFile } = fixture();
    server.faults.push(fault, fault);
    expect(await tokenOf(openFile(serviceAccountFile(server)))).toBe('ya29.3');
  });

  it.each<{ name: string; fault: Fault; requests: number; problem: RegExp; shouldRetry: boolean }>([
    {
      name: 'keeps answering 500',
      fault: { status: 500, body: { error: 'internal_failure' } },
      requests: 3,
      problem: /\/token answered 500 internal_failure\. Try again later\.$/,
      shouldRetry: true,
    },
    {
      name: 'keeps breaking off',
      fault: 'cut',
      requests: 3,
      problem: /\/token gave no answer: the connection broke \(UND_ERR_SOCKET\)\. Check the network/,
      shouldRetry: true,
    },
    {
      name: 'answers with a page',
      fault: { status: 200, html: '<h1>Log in</h1>' },
      requests: 1,
      problem: /\/token answered with something that is not a JSON object\.$/,
      shouldRetry: false,
    },
    {
      name: 'redirects',
      fault: { status: 302, html: 'elsewhere' },
      requests: 1,
      problem: /\/token answered 302\. Check that this key/,
      shouldRetry: false,
    },
    {
      name: 'gives no token',
      fault: { status: 200, body: { id_token: 'x' } },
      requests: 1,
      problem: /\/token answered without a usable "access_token"\.$/,
      shouldRetry: false,
    },
    {
      name: 'gives a token that is no header value',
      fault: { status: 200, body: { access_token: 'a b\n' } },
      requests: 1,
      problem: /without a usable "access_token"/,
      shouldRetry: false,
    },
    {
      name: 'quotes something that looks like a key',
      fault: {
        status: 400,
        body: { error: 'invalid_request', error_description: `bad\u0007 ${'A'.repeat(80)}` },
      },
      requests: 1,
      problem: /answered 400 invalid_request: bad {2}\[secret\]\. /,
      shouldRetry: false,
    },
    {
      name: 'tells a story',
      fault: { status: 400, body: { error: 'invalid_request', error_description: 'word '.repeat(1000) } },
      requests: 1,
      problem: /^.{0,700}$/,
      shouldRetry: false,
    },
  ])('that $name makes a clear failure', async ({ fault, requests, problem, shouldRetry }) => {
    const { server, openFile } = fixture();
    server.faults.push(fault, fault, fault);
    const error = await failureOf(openFile(serviceAccountFile(server)).headers(never));
    expect(error.message).toMatch(problem);
    expect(error).toMatchObject({ status: 502, shouldRetry });
    expect(server.requests).toHaveLength(requests);
  });

  it('that says nothing is given up', async () => {
    const { server, openFile } = fixture();
    server.faults.push('hang');
    const error = await failureOf(
      openFile(serviceAccountFile(server), { fetchTimeoutMs: 100 }).headers(never),
    );
    expect(error.message).toContain(`${server.origin}/token did not answer in time.`);
    expect(error.shouldRetry).toBe(true);
  });

  it('that is not there makes a clear failure', async () => {
    const { server, openFile } = fixture();
    const file = { ...serviceAccountFile(server), token_uri: 'http://127.0.0.1:1/token?key=hunter2' };
    const { message } = await failureOf(openFile(file).headers(never));
    expect(message).toContain(
      'http://127.0.0.1:1/token gave no answer: no connection (ECONNREFUSED). Check the',
    );
    expect(message).not.toContain('hunter2');
  });

  it.each([
    { expiresIn: undefined, seconds: 3600 },
    { expiresIn: '1800', seconds: 1800 },
    { expiresIn: 'soon', seconds: 3600 },
  ])('that says $expiresIn gives a token for $seconds s', async ({ expiresIn, seconds }) => {
    const all = fixture();
    all.server.faults.push({ status: 200, body: { access_token: 'ya29.first', expires_in: expiresIn } });
    const source = all.openFile(authorizedUserFile(all.server));
    await tokenOf(source);
    all.now = START + seconds * 1000 - 300_001;
    expect(await tokenOf(source)).toBe('ya29.first');
    expect(all.server.requests).toHaveLength(1);
    all.now = START + seconds * 1000;
    expect(await tokenOf(source)).toBe('ya29.2');
  });
});

describe('projectId', () => {
  it.each([
    { env: { GOOGLE_CLOUD_PROJECT: 'one', GCLOUD_PROJECT: 'two' }, file: {}, project: 'one' },
    { env: { GOOGLE_CLOUD_PROJECT: '', GCLOUD_PROJECT: 'two' }, file: {}, project: 'two' },
    { env: {}, file: { quota_project_id: 'quota' }, project: 'key-project' },
    { env: {}, file: { quota_project_id: 'quota', project_id: undefined }, project: 'quota' },
    { env: {}, file: { project_id: undefined }, project: 'gcloud-project' },
  ])('is $project', async ({ env, file, project }) => {
    const { server, openFile, write, folder } = fixture();
    write('gcloud/configurations/config_default', '[core]\nproject = gcloud-project\n');
    const source = openFile(
      { ...serviceAccountFile(server), ...file },
      { env: { ...env, CLOUDSDK_CONFIG: join(folder, 'gcloud') } },
    );
    expect(await source.projectId(never)).toBe(project);
    expect(server.requests).toHaveLength(0);
  });

  it("is gcloud's before the machine's", async () => {
    const { server, open, write, folder } = fixture();
    write('gcloud/configurations/config_default', '[core]\nproject = gcloud-project\n');
    const env = { CLOUDSDK_CONFIG: join(folder, 'gcloud'), GCE_METADATA_HOST: server.address };
    expect(await open({ env }).projectId(never)).toBe('gcloud-project');
  });

  it('is not known when nobody tells it', async () => {
    const { server, openFile } = fixture();
    expect(await openFile(authorizedUserFile(server)).projectId(never)).toBeUndefined();
  });

  it('fails when the credentials cannot be read, whatever the environment says', async () => {
    const { open, folder } = fixture();
    const source = open({ keyFile: join(folder, 'missing.json'), env: { GOOGLE_CLOUD_PROJECT: 'one' } });
    expect((await failureOf(source.projectId(never))).message).toContain('There is no such file');
  });
});

describe('hasCredentials', () => {
  it.each([
    { env: { GOOGLE_APPLICATION_CREDENTIALS: '/anything.json' }, has: true },
    { env: { GOOGLE_APPLICATION_CREDENTIALS: '' }, has: false },
    { env: { GCE_METADATA_HOST: '127.0.0.1:1' }, has: true },
    { env: { GCE_METADATA_IP: '127.0.0.1:1' }, has: true },
    { env: {}, has: false },
  ])('is $has for $env', ({ env, has }) => {
    expect(hasCredentials({ HOME: fixture().folder, ...env })).toBe(has);
  });

  it("sees gcloud's file come and go", () => {
    const { write, folder } = fixture();
    const env = { CLOUDSDK_CONFIG: join(folder, 'gcloud') };
    const path = write(WELL_KNOWN, '{}');
    expect(hasCredentials(env)).toBe(true);
    rmSync(path);
    expect(hasCredentials(env)).toBe(false);
  });
});
