import { describe, expect, it } from 'vitest';
import { temporaryFiles } from './temporary-files.ts';

const files = temporaryFiles();
const noticesOf = (upstream: string) => files.load(`upstreams: { up: ${upstream} }`, {}).notices;

describe('plain HTTP', () => {
  it.each([
    ['http://10.0.0.5:9000/gemini', ['10.0.0.5']],
    ['http://proxy.example', ['proxy.example']],
    ['http://localhost.example', ['localhost.example']],
    ['http://[2001:db8::1]:80', ['2001:db8::1']],
    ['http://127.0.0.1:9000', []],
    ['http://localhost', []],
    ['http://[::1]:9000', []],
    ['https://proxy.example', []],
  ])('to %s is worth a notice that names %j', (url, hosts) => {
    for (const kind of ['gemini', 'vllm']) {
      const notices = noticesOf(`{ kind: ${kind}, api_key: s3cret, base_url: "${url}" }`);
      expect(notices).toHaveLength(hosts.length);
      for (const host of hosts) expect(notices[0]).toContain(host);
      expect(notices.join()).not.toContain('s3cret');
    }
  });

  it.each<[upstream: string, hosts: string[]]>([
    ['{ kind: vllm, base_url: "http://10.0.0.5:8000" }', []],
    ['{ kind: vllm, base_url: "http://10.0.0.5:8000", headers: {} }', []],
    ['{ kind: ollama, api_key: k }', []],
    ['{ kind: vllm, base_url: "http://10.0.0.5:8000", headers: { x-team: a } }', ['10.0.0.5:']],
    [
      '{ kind: tgi, api_key: k, base_url: ["http://a:1", "https://b", "http://c", "http://a:2", "http://[::1]"] }',
      ['a, c:'],
    ],
  ])('between servers, as in %s, is told at %j', (upstream, hosts) => {
    expect(noticesOf(upstream)).toEqual(hosts.map((host) => expect.stringContaining(` at ${host}`)));
  });
});
