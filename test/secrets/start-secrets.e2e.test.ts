/** Servers that do not start, or break: what they write shows nothing of their configuration. */
import { describe, expect, it } from 'vitest';
import { ServeProcess, type ServeProcessOptions } from '../process/serve-process.ts';
import { Plants } from './plants.ts';

const SERVER = 'kind: vllm, base_url: "http://127.0.0.1:1"';

/** What makes a server end, with a secret in it, and what it has to say about that. */
const ENDS: readonly [name: string, start: (secret: string) => ServeProcessOptions, words: RegExp][] = [
  [
    'mistakes in its configuration',
    (secret) => ({
      config: `
server: { port: "${secret}", prot: "${secret}" }
log: { level: "${secret}" }
auth: { mode: keys, keys: ["${secret} x", { a: "${secret}" }], kez: "${secret}" }
upstreams:
  user: { kind: vllm, base_url: "http://ann:${secret}@127.0.0.1:1" }
  query: { kind: vllm, base_url: "http://127.0.0.1:1/?key=${secret}" }
  list: { ${SERVER}, headers: { x-a: ["${secret}"], authorization: "Bearer ${secret}" } }
  breaks: { ${SERVER}, api_key: "${secret}\\n" }
  both: { kind: vertex, access_token: "${secret}", api_key: "${secret}" }
  file: { kind: vertex, project: p-1, credentials: '{"private_key":"${secret}"}' }
  model: { kind: embedded, model: "http://ann:${secret}@127.0.0.1/m.gguf?key=${secret}" }
  template: { kind: embedded, chat_template: "/${secret}" }
state: { database: "mysql://ann:${secret}@127.0.0.1/db", redis: "http://ann:${secret}@127.0.0.1" }
`,
    }),
    /The configuration has \d\d problems/,
  ],
  [
    'text that is no YAML',
    (secret) => ({ config: `auth: { keys: [${secret}: {]\n  "${secret}` }),
    /parlance\.yaml:\d/,
  ],
  [
    'variables in wrong places',
    (secret) => ({
      config:
        'server: { port: "${PLANTED}" }\nauth: { mode: "${PLANTED}" }\nupstreams: { a: { kind: "${PLANTED}" } }',
      env: { PLANTED: secret },
    }),
    /The configuration has \d problems/,
  ],
  [
    'a proxy that is no URL',
    (secret) => ({
      config: `upstreams: { a: { ${SERVER} } }`,
      env: { HTTPS_PROXY: `http://ann:${secret} @proxy:99999` },
    }),
    /HTTPS_PROXY: must be a URL/,
  ],
  [
    'a database that does not answer',
    (secret) => ({
      config: `auth: { mode: keys }\nupstreams: { a: { ${SERVER} } }\nstate: { database: "postgres://ann:${encodeURIComponent(secret)}@127.0.0.1:1/db" }`,
    }),
    /Postgres at 127\.0\.0\.1:1\/db cannot be used/,
  ],
  [
    'a Redis that does not answer',
    (secret) => ({
      config: `auth: { limits: { concurrent_requests: 1 } }\nupstreams: { a: { ${SERVER} } }\nstate: { redis: "redis://ann:${encodeURIComponent(secret)}@127.0.0.1:1" }`,
    }),
    /Redis at 127\.0\.0\.1:1 cannot be used/,
  ],
  [
    'an error that nobody expected',
    (secret) => ({
      env: {
        PLANTED: secret,
        NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(
          "process.cwd = () => { throw Object.assign(new Error('broken'), { input: process.env.PLANTED }); }",
        )}`,
      },
    }),
    /^Error: broken\n +at process\.cwd/,
  ],
];

describe('a server that ends because of', () => {
  it.concurrent.each(ENDS)('%s', async (name, start, words) => {
    const plants = new Plants();
    const options = start(plants.put(name));
    plants.enter(JSON.stringify(options));
    const server = await ServeProcess.start(options);
    expect(await server.exit).toBe(1);
    expect(server.output).toMatch(words);
    expect(plants.missing()).toEqual([]);
    expect(plants.leaks([{ name: 'the output', text: server.output, owners: [] }])).toEqual([]);
    await server.dispose();
  });
});

it('a server whose model has a signed URL shows it to nobody', async () => {
  const plants = new Plants();
  const signature = encodeURIComponent(plants.put('signature'));
  const password = encodeURIComponent(plants.put('password'));
  const model = `https://ann:${password}@127.0.0.1:1/m.gguf?X-Goog-Signature=${signature}`;
  const config = `log: { level: trace }\nupstreams: { a: { kind: embedded, model: "${model}" } }`;
  plants.enter(config);
  const server = await ServeProcess.start({ config });
  const url = await server.url();
  await expect.poll(() => server.output, { timeout: 10_000 }).toContain('could not be fetched');
  const paths = ['/readyz', '/v1/models', '/v1/models/m'];
  const answers = await Promise.all(paths.map(async (path) => (await fetch(url + path)).text()));
  server.kill('SIGTERM');
  await server.exit;
  const sights = [...answers, server.output].map((text, at) => ({
    name: paths[at] ?? 'the output',
    text,
    owners: [],
  }));
  expect(answers.join()).toContain('https://127.0.0.1:1/m.gguf');
  expect(plants.missing()).toEqual([]);
  expect(plants.leaks(sights)).toEqual([]);
  await server.dispose();
});
