import { Agent } from 'undici';
import { afterAll, describe, expect, it } from 'vitest';
import { AccountGate } from '../../src/auth/inbound/account-rules.ts';
import type { IssuerOptions } from '../../src/auth/inbound/id-token-issuer.ts';
import { IdTokens } from '../../src/auth/inbound/id-tokens.ts';
import { attempt, failure, temporaryFiles } from './temporary-files.ts';

const files = temporaryFiles();
const load = (text: string) => files.load(text, {}).auth;
const dispatcher = new Agent();
afterAll(() => dispatcher.close());

/** Each problem as `line:column path: message`, the path from `auth` on. */
const problemsOf = (text: string) =>
  failure(() => load(text)).problems.map(
    ({ line, column, path, message }) => `${line}:${column} ${path.replace('auth.', '')}: ${message}`,
  );

const beginnings = (problems: readonly string[], expected: readonly string[]) =>
  problems.map((problem, index) => problem.slice(0, expected[index]?.length));

const google = (allow: string) => `auth:\n  mode: google\n  google:\n    allow: ${allow}`;
const oidc = (issuer: string, more = '') =>
  `auth:\n  mode: google\n  oidc:\n    - issuer: "${issuer}"\n      audiences: [a]\n      allow: { domains: [example.com] }${more}`;

describe('rules', () => {
  it.each([
    '{ everyone: true }',
    '{ everyone: "true" }',
    '{ domains: [example.com, Sub.Example.COM, xn--bcher-kva.example] }',
    '{ emails: [ann@example.com, "o\'hara+x@EXAMPLE.com", run@p.iam.gserviceaccount.com] }',
    '{ subjects: ["108123456789012345678", "auth0|5f7c"] }',
    '{ projects: [my-project, "123456789012", "example.com:old"] }',
    '{ everyone: false, subjects: [x] }',
  ])('%s are rules that a gate takes', (allow) => {
    const rules = load(google(allow)).google!.allow;
    expect(() => new AccountGate(rules)).not.toThrow();
  });

  it.each<[allow: string, problems: string[]]>([
    ['{}', ['4:5 google.allow: must say who may call, for example `allow: { domains: [example.com] }`']],
    ['{ everyone: false, domains: [] }', ['4:5 google.allow: must say who may call']],
    [
      '{ everyone: true, emails: [ann@example.com] }',
      ['4:24 google.allow.everyone: `everyone` leaves the other rules without effect'],
    ],
    [
      '{ everyone: true, domain: [example.com] }',
      ['4:30 google.allow.domain: unknown key; did you mean `domains`?'],
    ],
    ['{ domains: example.com }', ['4:23 google.allow.domains: must be a list']],
    ['{ domains: ["*.example.com"] }', ['4:24 google.allow.domains[0]: must be a domain such as']],
    ['{ domains: ["@example.com"] }', ['4:24 google.allow.domains[0]: must be a domain such as']],
    ['{ domains: [example] }', ['4:24 google.allow.domains[0]: must be a domain such as']],
    ['{ domains: [10.0.0.1] }', ['4:24 google.allow.domains[0]: must be a domain such as']],
    ['{ domains: ["https://example.com"] }', ['4:24 google.allow.domains[0]: must be a domain such as']],
    ['{ domains: [bücher.example] }', ['4:24 google.allow.domains[0]: must be a domain such as']],
    ['{ emails: [ann] }', ['4:23 google.allow.emails[0]: must be one e-mail address such as']],
    ['{ emails: ["*@example.com"] }', ['4:23 google.allow.emails[0]: must be one e-mail address such as']],
    ['{ emails: ["Ann <ann@example.com>"] }', ['4:23 google.allow.emails[0]: must be one e-mail address']],
    [
      '{ subjects: [108123456789012345678] }',
      ['4:25 google.allow.subjects[0]: must be text; put it in quotes'],
    ],
    ['{ subjects: [""] }', ['4:25 google.allow.subjects[0]: must be a subject']],
    ['{ projects: [My Project] }', ['4:25 google.allow.projects[0]: must be a project id']],
    ['{ projects: [123456789012] }', ['4:25 google.allow.projects[0]: must be text; put it in quotes']],
  ])('%s are none', (allow, expected) => {
    expect(beginnings(problemsOf(google(allow)), expected)).toEqual(expected);
  });

  it('are needed', () => {
    const text = 'auth:\n  mode: google\n  google:\n    audiences: [a]';
    expect(beginnings(problemsOf(text), ['3:3 google.allow: must say who may call'])).toEqual([
      '3:3 google.allow: must say who may call',
    ]);
  });
});

describe('an issuer', () => {
  it.each<[issuer: string, more: string]>([
    ['https://login.example.com', ''],
    ['https://login.example.com/realms/a/', ''],
    ['http://127.0.0.1:9000', ''],
    ['http://localhost:9000', ''],
    ['http://[::1]:9000', ''],
    ['https://login.example.com', '\n      keys_url: https://login.example.com/keys?p=1'],
    ['https://login.example.com', '\n      keys_url: http://127.0.0.1/keys'],
  ])('%s%s is taken, and can be asked', (issuer, more) => {
    const { audiences, keys_url: keysUrl, allow } = load(oidc(issuer, more)).oidc[0]!;
    const options: IssuerOptions = {
      name: 'a',
      issuer,
      audiences,
      rules: allow,
      ...(keysUrl !== undefined && { keysUrl: new URL(keysUrl) }),
    };
    expect(() => new IdTokens({ issuers: [options], dispatcher, now: Date.now }).close()).not.toThrow();
  });

  it.each<[issuer: string, more: string, problem: string]>([
    ['http://login.example.com', '', '4:15 oidc[0].issuer: must be an `https://` URL'],
    ['http://127.0.0.1.example.com', '', '4:15 oidc[0].issuer: must be an `https://` URL'],
    ['http://10.0.0.1', '', '4:15 oidc[0].issuer: must be an `https://` URL'],
    ['login.example.com', '', '4:15 oidc[0].issuer: must be an `https://` URL'],
    ['https://u:s3cret@login.example.com', '', '4:15 oidc[0].issuer: must be an `https://` URL'],
    ['https://login.example.com?a', '', '4:15 oidc[0].issuer: must be an `https://` URL'],
    ['https://login.example.com ', '', '4:15 oidc[0].issuer: must be an `https://` URL'],
    ['', '', '4:15 oidc[0].issuer: must be an `https://` URL'],
    ['my-issuer', '\n      keys_url: https://a/keys', '4:15 oidc[0].issuer: must be an `https://` URL'],
    ['http://a', '\n      keys_url: https://a/keys', '4:15 oidc[0].issuer: must be an `https://` URL'],
    ['https://accounts.google.com', '', '4:15 oidc[0].issuer: is Google: say it as `google: {'],
    ['https://a', '\n      keys_url: http://a/keys', '7:17 oidc[0].keys_url: must be an `https://` URL'],
    ['https://a', '\n      keys_url: keys.json', '7:17 oidc[0].keys_url: must be an `https://` URL'],
    ['https://a', '\n      keys_url: https://u:s3cret@a', '7:17 oidc[0].keys_url: must be an `https://` URL'],
    ['https://a', '\n      key_url: https://a', '7:7 oidc[0].key_url: unknown key; did you mean `keys_url`?'],
  ])('%s%s is refused, and not repeated', (issuer, more, problem) => {
    const text = oidc(issuer, more);
    expect(problemsOf(text)[0]?.slice(0, problem.length)).toBe(problem);
    expect(attempt(() => load(text))?.format()).not.toContain('s3cret');
  });

  it.each<[entry: string, problems: string[]]>([
    [
      '{ audiences: [], allow: { everyone: true }, issuer: "https://a" }',
      ['4:9 oidc[0].audiences: name at least one audience'],
    ],
    ['{ issuer: "https://a" }', ['4:7 oidc[0].audiences: is missing']],
    ['{ issuer: "https://a", audiences: [a] }', ['4:7 oidc[0].allow: must say who may call']],
    [
      '{ issuer: "https://a", audiences: [""], allow: { everyone: true } }',
      ['4:42 oidc[0].audiences[0]: must not be empty'],
    ],
    [
      '{ issuer: "https://a", audiences: [a], allow: { everyone: true, projects: [p] } }',
      ['4:71 oidc[0].allow.projects: unknown key'],
    ],
    ['https://a', ['4:7 oidc[0]: must be a group of keys']],
  ])('%s is not complete', (entry, expected) => {
    const found = problemsOf(`auth:\n  mode: google\n  oidc:\n    - ${entry}`);
    expect(beginnings(found, expected).slice(0, expected.length)).toEqual(expected);
  });
});
