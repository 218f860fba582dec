/** The embedded model at work and when it breaks, and keys that are given out: no log shows a prompt or a key. */
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { runKeysCommand } from '../../src/cli/commands/keys.ts';
import { defaultModelPath } from '../backends/embedded/local-model.ts';
import { ServeProcess } from '../process/serve-process.ts';
import { Plants, type Sight } from './plants.ts';

const plants = new Plants();
const sights: Sight[] = [];
let server: ServeProcess;
let url: string;
/** How much of its output was looked at. */
let seen = 0;

beforeAll(async () => {
  const config = `
log: { level: trace }
auth: { mode: keys }
upstreams: { local: { kind: embedded, model: "${await defaultModelPath()}", context_size: 1024, slots: 2 } }
`;
  server = await ServeProcess.start({ config });
  url = await server.url();
  await vi.waitUntil(() => server.output.includes('Ready.'), { timeout: 60_000, interval: 50 });
});

afterAll(() => server.dispose());

afterEach(() => {
  const written = { name: 'the output of the server', text: server.output.slice(seen), owners: [] };
  seen = server.output.length;
  const leaks = plants.leaks([written, ...sights.splice(0)]);
  if (leaks.length > 0) throw new Error(leaks.join('\n'));
});

/** `parlance keys`. @returns standard output */
async function keys(...args: string[]): Promise<string> {
  let stdout = '';
  let stderr = '';
  const exitCode = await runKeysCommand(args, {
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
    env: { PARLANCE_HOME: server.folder },
    cwd: server.folder,
  });
  sights.push({ name: `what parlance keys ${args[0]} says`, text: stdout + stderr, owners: ['its maker'] });
  return exitCode === 0 ? stdout : '';
}

async function makeKey(name: string): Promise<string> {
  const key = (await keys('create', '--name', name)).trim();
  // Its beginning is shown in lists.
  plants.adopt(`the key ${name}`, key.slice(-20), 'its maker');
  return key;
}

/** A request with something private in all of its fields, which the model writes on for long. */
function send(owner: string, key: string, fields: object = {}): Promise<Response> {
  const secret = (place: string): string => plants.put(`${place} of ${owner}`, owner, 'text');
  const body = JSON.stringify({
    model: 'any',
    messages: [
      { role: 'system', content: secret('system text') },
      { role: 'user', content: `Tell a long story about ${secret('prompt')}.` },
    ],
    stop: [secret('stop')],
    user: secret('user'),
    ...fields,
  });
  plants.enter(body, key);
  return fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body,
  });
}

const keep = (owner: string, text: string): void => {
  sights.push({ name: `the answer to ${owner}`, text, owners: [owner] });
};

describe('a key', () => {
  it('is shown to its maker, this once', async () => {
    const key = await makeKey('once');
    const response = await send('once', key, { max_tokens: 4 });
    keep('once', await response.text());
    expect(response.status).toBe(200);
    expect(await keys('list')).toContain('once');
    const [{ id }] = JSON.parse(await keys('list', '--json')) as [{ id: string }];
    expect(await keys('revoke', id)).toContain('revoked');
    expect((await send('revoked', key)).status).toBe(401);
  });
});

describe('a schema', () => {
  it('that the engine is bound to', async () => {
    const secret = plants.put('schema of bound', 'bound', 'text');
    const schema = { type: 'object', properties: { [secret]: { enum: [secret] } }, required: [secret] };
    const format = { type: 'json_schema', json_schema: { name: 'planted', schema } };
    const response = await send('bound', await makeKey('bound'), { response_format: format });
    keep('bound', await response.text());
    expect(response.status).toBe(200);
  });

  it('that the engine cannot be bound to', async () => {
    const secret = plants.put('schema of unbound', 'unbound', 'text');
    const schema = { type: 'string', pattern: `(?<=${secret})` };
    const format = { type: 'json_schema', json_schema: { name: 'planted', schema } };
    const response = await send('unbound', await makeKey('unbound'), { response_format: format });
    keep('unbound', await response.text());
    expect(response.status).toBe(400);
  });
});

/** The process of the engine that was made ready last. */
const enginePid = (): number => Number(/.*"pid":(\d+).*"engine ready"/s.exec(server.output)?.[1]);

describe('an engine', () => {
  it.each(['SIGKILL', 'SIGSEGV', 'SIGABRT'] as const)(
    'that ends with %s in the middle of answers',
    async (signal) => {
      const pid = enginePid();
      const key = await makeKey(signal);
      const owners = [`one with ${signal}`, `another with ${signal}`];
      const answers = await Promise.all(
        owners.map((owner) => send(owner, key, { stream: true, max_tokens: 500 })),
      );
      // Both are begun: what has not begun yet would be answered by the next engine.
      const readers = answers.map(({ body }) => body!.pipeThrough(new TextDecoderStream()).getReader());
      const begun = await Promise.all(readers.map((reader) => reader.read()));
      process.kill(pid, signal);
      for (const [at, reader] of readers.entries()) {
        let text = begun[at]!.value ?? '';
        for (let piece = await reader.read(); !piece.done; piece = await reader.read()) text += piece.value;
        keep(owners[at]!, text);
        expect(text).toContain('engine_crashed');
      }
      await vi.waitUntil(() => enginePid() !== pid, { timeout: 60_000, interval: 50 });
    },
  );
});

it('all secrets came in, and none was shown before it was known', () => {
  expect(plants.size).toBeGreaterThan(30);
  expect(plants.missing()).toEqual([]);
  expect(plants.leaks([{ name: 'the output', text: server.output, owners: [] }])).toEqual([]);
});
