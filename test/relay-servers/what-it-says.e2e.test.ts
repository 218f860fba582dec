/** What Parlance tells about the model servers behind it: at start, in its lists, and to `parlance explain`. */
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClientMachine, createClientMachine } from '../support/client-machine.ts';
import { type LlamaCppServer, startLlamaCppServer } from '../support/llama-cpp-server.ts';
import { MISSING_SERVERS } from './missing-servers.ts';
import { type ParlanceInFront, startInFrontOf } from './parlance-in-front-of.ts';

const PROGRAM = resolve(import.meta.dirname, '../../bin/parlance.js');
const API_KEY = 'the-key-of-the-gemma-server';

describe.skipIf(MISSING_SERVERS !== '')(`in front of two model servers, Parlance${MISSING_SERVERS}`, () => {
  let gemma: LlamaCppServer;
  let other: LlamaCppServer;
  let config: string;
  let parlance: ParlanceInFront;
  let machine: ClientMachine;

  beforeAll(async () => {
    const options = { slots: 1, contextSize: 256 };
    [gemma, other] = await Promise.all([
      startLlamaCppServer({ ...options, alias: 'gemma-2-9b-it', apiKey: API_KEY }),
      startLlamaCppServer({ ...options, alias: 'meta-llama/Llama-3.1-8B-Instruct' }),
    ]);
    config = `
upstreams:
  gemma: { kind: llamacpp, base_url: "${gemma.url}", api_key: ${API_KEY}, fallback: [other] }
  other: { kind: openai, base_url: ["${other.url}/v1", "${gemma.url}/v1"], model: llama }
models:
  - { match: "gemma-*", upstream: gemma }
  - { match: "*", upstream: other }
endpoints:
  "1234567890": { upstream: gemma }
`;
    parlance = await startInFrontOf(config);
    machine = await createClientMachine({});
  });

  afterAll(async () => {
    await machine.remove();
    await parlance.stop();
    await Promise.all([gemma.stop(), other.stop()]);
  });

  it('says at start where they are, and for what they answer', () => {
    const lines = parlance.output().split('\n');
    expect(lines).toContain(`  Upstream gemma: llama.cpp, ${gemma.url}/v1; else other`);
    expect(lines).toContain(
      `  Upstream other: llama on OpenAI-compatible server, ${other.url}/v1, ${gemma.url}/v1`,
    );
    expect(lines).toContain('  Models gemma-* -> gemma');
    expect(lines).toContain('  Every model -> other');
    expect(lines).toContain('  Endpoint 1234567890 -> gemma');
    expect(parlance.output()).not.toContain(API_KEY);
  });

  it.each([
    { path: '/v1', prefix: '' },
    { path: '/v1beta/openai', prefix: 'models/' },
    { path: '/v1/projects/my-project/locations/us-central1/endpoints/openapi', prefix: 'google/' },
  ])('lists their models at $path', async ({ path, prefix }) => {
    const models = parlance.client('openapi').withOptions({ baseURL: `${parlance.url}${path}` }).models;
    const listed = [];
    for await (const model of models.list()) listed.push(model);
    expect(listed).toEqual([
      {
        id: `${prefix}gemma-2-9b-it`,
        object: 'model',
        created: expect.any(Number),
        owned_by: 'llamacpp',
        parlance: { upstream: 'gemma', kind: 'llamacpp', model: 'gemma-2-9b-it' },
      },
      {
        id: `${prefix}llama`,
        object: 'model',
        created: expect.any(Number),
        owned_by: 'openai',
        parlance: { upstream: 'other', kind: 'openai', model: 'llama' },
      },
    ]);
    expect(await models.retrieve('gemma-2-9b-it')).toMatchObject({ id: `${prefix}gemma-2-9b-it` });
  });

  /** Runs `parlance explain` with the same configuration. */
  async function explain(request: object): Promise<{ exitCode: number | null; output: unknown }> {
    const [configFile, requestFile] = ['parlance.yaml', 'request.json'].map((name) =>
      join(machine.home, name),
    ) as [string, string];
    await writeFile(configFile, config);
    await writeFile(requestFile, JSON.stringify(request));
    const { exitCode, stdout, stderr } = await machine.run(process.execPath, [
      PROGRAM,
      'explain',
      requestFile,
      '--config',
      configFile,
      '--json',
    ]);
    expect(stderr).toBe('');
    expect(stdout).not.toContain(API_KEY);
    return { exitCode, output: JSON.parse(stdout) };
  }

  describe('explains a request, which', () => {
    const messages = [{ role: 'developer', content: 'Be brief.' }];

    it('would be sent', async () => {
      const { exitCode, output } = await explain({
        model: 'gemma-2-9b-it',
        messages,
        extra_body: { top_k: 1 },
      });
      expect(exitCode).toBe(0);
      expect(output).toMatchObject({
        outcome: 'sent',
        upstream: { name: 'gemma', kind: 'llamacpp' },
        model: 'gemma-2-9b-it',
        request: {
          method: 'POST',
          url: `${gemma.url}/v1/chat/completions`,
          body: { messages: [{ role: 'system', content: 'Be brief.' }], top_k: 1 },
        },
      });
    });

    it('would be refused', async () => {
      const { exitCode, output } = await explain({ model: 'gemma-2-9b-it', messages: 'Hello' });
      expect(exitCode).toBe(1);
      expect(output).toMatchObject({ outcome: 'refused', status: 400, error: { param: 'messages' } });
    });
  });
});
