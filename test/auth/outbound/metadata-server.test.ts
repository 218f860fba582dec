import { createServer } from 'node:http';
import { describe, expect, it } from 'vitest';
import { listen } from '../../../scripts/listen.ts';
import { credentialFixture, failureOf, never, START, tokenOf } from './credential-fixture.ts';

const fixture = credentialFixture();

describe('the metadata server', () => {
  it.each(['GCE_METADATA_HOST', 'GCE_METADATA_ROOT', 'GCE_METADATA_IP'])(
    'is found where %s says',
    async (name) => {
      const { server, open, folder } = fixture();
      const source = open({ env: { HOME: folder, [name]: server.address } });
      expect(await tokenOf(source)).toBe('ya29.2');
      expect(server.requests.map(({ url }) => url)).toEqual([
        '/',
        '/computeMetadata/v1/instance/service-accounts/default/token?scopes=https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcloud-platform',
      ]);
    },
  );

  it('is asked past the proxy, since its answers are not encrypted', async () => {
    const { server, open, folder, secureOrigins } = fixture();
    await tokenOf(open({ env: { HOME: folder, GCE_METADATA_HOST: server.origin } }));
    expect(secureOrigins).toEqual([]);
  });

  it('is looked for once, and its tokens renewed', async () => {
    const all = fixture();
    const source = all.open({ env: { HOME: all.folder, GCE_METADATA_HOST: all.server.address } });
    await tokenOf(source);
    all.now = START + 3_600_000;
    await tokenOf(source);
    expect(all.server.requests.filter(({ url }) => url === '/')).toHaveLength(1);
    expect(all.server.requests).toHaveLength(3);
  });

  it('tells the project', async () => {
    const { server, open, folder } = fixture();
    const source = open({ env: { HOME: folder, GCE_METADATA_HOST: server.address } });
    expect(await source.projectId(never)).toBe('metadata-project');
  });

  it('tells when the machine has no service account', async () => {
    const { server, open, folder } = fixture();
    const source = open({ env: { HOME: folder, GCE_METADATA_HOST: server.address } });
    await source.projectId(never);
    server.faults.push({ status: 404, html: '<h1>Not found</h1>' });
    const { message } = await failureOf(source.headers(never));
    expect(message).toBe(
      `This server's Google credentials do not work: the metadata server ${server.address}: ${server.origin}/computeMetadata/v1/instance/service-accounts/default/token answered 404. Attach a service account to this machine or workload.`,
    );
  });

  it('is not taken for one without the Metadata-Flavor header', async () => {
    const portal = createServer((_, response) => void response.end('<h1>Log in</h1>'));
    const address = `127.0.0.1:${await listen(portal)}`;
    const { open, folder } = fixture();
    const error = await failureOf(open({ env: { HOME: folder, GCE_METADATA_HOST: address } }).headers(never));
    portal.closeAllConnections();
    portal.close();
    expect(error.message).toContain(`no metadata server answers at ${address}`);
  });

  it('is given up quickly when nothing answers, and looked for again the next time', async () => {
    const { server, open, folder } = fixture();
    const source = open({ env: { HOME: folder, GCE_METADATA_HOST: server.address }, detectionTimeoutMs: 50 });
    server.faults.push('hang');
    const { message } = await failureOf(source.projectId(never));
    expect(message).toContain(`no metadata server answers at ${server.address}`);
    expect(await source.projectId(never)).toBe('metadata-project');
  });

  it('leaves a caller that aborts while it is looked for', async () => {
    const { server, open, folder } = fixture();
    const source = open({ env: { HOME: folder, GCE_METADATA_HOST: server.address } });
    const impatient = new AbortController();
    server.gate = new Promise(() => {});
    const left = source.projectId(impatient.signal);
    impatient.abort(new Error('the client left'));
    await expect(left).rejects.toThrow('the client left');
  });
});
