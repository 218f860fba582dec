import { describe, expect, it } from 'vitest';
import { temporaryFiles } from './temporary-files.ts';

const files = temporaryFiles();
const noticesOf = (text: string, HOST?: string) => files.load(text, { HOST }).notices;

const EMBEDDED = 'upstreams: { small: { kind: embedded } }';
const SERVER = 'upstreams: { own: { kind: ollama } }';

describe('passthrough to the embedded model', () => {
  it.each([
    ['auth: { mode: passthrough }', 'vertex, devapi, plain'],
    ['auth: { routes: { devapi: passthrough } }', 'devapi'],
  ])('%s is told when other machines can call', (auth, families) => {
    expect(noticesOf(`${auth}\n${EMBEDDED}`, '0.0.0.0')).toEqual([
      expect.stringMatching(new RegExp(`small .* reaches 0\\.0\\.0\\.0 .*\\(on routes: ${families}\\)\\.$`)),
    ]);
  });

  it.each([
    ['on this machine', `auth: { mode: passthrough }\n${EMBEDDED}`, '127.0.0.1'],
    ['without passthrough', EMBEDDED, '0.0.0.0'],
    ['with another upstream', `auth: { mode: passthrough }\n${SERVER}`, '0.0.0.0'],
  ])('is no matter %s', (_, text, host) => {
    expect(noticesOf(text, host)).toEqual([]);
  });
});
