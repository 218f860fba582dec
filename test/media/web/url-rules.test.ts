import { describe, expect, it } from 'vitest';
import { parseUrl, UrlRules, type UrlRulesOptions } from '../../../src/media/web/url-rules.ts';

function check(url: string, rules: UrlRulesOptions = {}): void {
  new UrlRules(rules).check(parseUrl(url));
}

const SCHEME = 'its address is not of https or http';
const USER = 'its address has a user name or password in it';
const NO_HOST = 'its host is no host name';
const PRIVATE = 'its host belongs to private networks';
const DENIED = 'the configuration denies its host';
const NOT_ALLOWED = 'the configuration does not allow its host';
const PORT = 'its port is neither 80 nor 443';

describe('UrlRules', () => {
  it.each<{ url: string; rules?: UrlRulesOptions }>([
    { url: 'https://example.com/cat.png' },
    { url: 'HTTP://EXAMPLE.COM/cat.png?x=1#y' },
    { url: 'http://example.com:443/' },
    { url: 'https://example.com:80/' },
    { url: 'https://example.com./' },
    { url: 'https://localhost.example.com/' },
    { url: 'https://mylocalhost/' },
    { url: 'https://internal.example.com/' },
    { url: 'https://[2606:4700::1]/' },
    { url: 'http://localhost:9000/', rules: { allowPrivate: true } },
    { url: 'https://cdn.example.com:8443/', rules: { allow: ['*.example.com'] } },
    { url: 'https://EXAMPLE.com./', rules: { allow: ['Example.COM'] } },
    { url: 'https://[2606:4700:0::1]/', rules: { allow: ['2606:4700::1'] } },
    { url: 'https://b\u00fccher.example/', rules: { allow: ['xn--bcher-kva.example'] } },
    { url: 'https://www.example.com/', rules: { deny: ['example.com'] } },
  ])('takes $url with $rules', ({ url, rules }) => {
    expect(() => check(url, rules)).not.toThrow();
  });

  it.each<{ url: string; rules?: UrlRulesOptions; reason: string }>([
    { url: 'ftp://example.com/cat.png', reason: SCHEME },
    { url: 'file:///etc/passwd', reason: SCHEME },
    { url: 'data:image/png;base64,AAAA', reason: SCHEME },
    { url: 'gopher://example.com/', reason: SCHEME },
    { url: 'javascript:alert(1)', reason: SCHEME },
    { url: 'blob:https://example.com/x', reason: SCHEME },
    { url: 'ws://example.com/', reason: SCHEME },
    { url: 'https://user@example.com/', reason: USER },
    { url: 'https://:password@example.com/', reason: USER },
    { url: 'https://example.com@127.0.0.1/', reason: USER },
    { url: 'https://./', reason: NO_HOST },
    { url: 'https://.example.com/', reason: NO_HOST },
    { url: 'https://a..b/', reason: NO_HOST },
    { url: 'https://localhost../', reason: NO_HOST },
    { url: 'http://localhost/', reason: PRIVATE },
    { url: 'http://LOCALHOST./', reason: PRIVATE },
    { url: 'http://a.b.localhost/', reason: PRIVATE },
    { url: 'http://printer.local/', reason: PRIVATE },
    { url: 'http://metadata.google.internal/computeMetadata/v1/', reason: PRIVATE },
    { url: 'http://metadata.google.internal./', reason: PRIVATE },
    { url: 'http://nas.home.arpa/', reason: PRIVATE },
    { url: 'http://localhost/', rules: { allow: ['localhost'] }, reason: PRIVATE },
    { url: 'https://example.com/', rules: { deny: ['example.com'] }, reason: DENIED },
    { url: 'https://EXAMPLE.com./', rules: { deny: ['Example.com'] }, reason: DENIED },
    { url: 'https://a.example.com/', rules: { deny: ['*.example.com'], allow: ['*'] }, reason: DENIED },
    { url: 'http://localhost/', rules: { deny: ['*'], allowPrivate: true }, reason: DENIED },
    { url: 'https://example.org/', rules: { allow: ['example.com', '*.example.com'] }, reason: NOT_ALLOWED },
    { url: 'https://example.com.evil.org/', rules: { allow: ['example.com'] }, reason: NOT_ALLOWED },
    {
      url: 'https://example.org/',
      rules: { allow: ['example.com'], allowPrivate: true },
      reason: NOT_ALLOWED,
    },
    { url: 'https://exampleXcom/', rules: { allow: ['example.com'] }, reason: NOT_ALLOWED },
    { url: 'https://example.com:8443/', reason: PORT },
    { url: 'http://example.com:22/', reason: PORT },
    { url: 'http://example.com:0/', reason: PORT },
    { url: 'http://example.com:6379/', rules: { deny: ['other'] }, reason: PORT },
  ])('refuses $url with $rules: $reason', ({ url, rules, reason }) => {
    expect(() => check(url, rules)).toThrow(
      expect.objectContaining({ code: 'unsupported_media', message: reason }),
    );
  });
});

describe('parseUrl', () => {
  it.each([
    '',
    'cat.png',
    '//example.com/cat.png',
    'https://',
    'https://a b/',
    'https://[::1',
    'http://1.2.3.256/',
  ])('takes %j for no URL', (text) => {
    expect(() => parseUrl(text)).toThrow(
      expect.objectContaining({ code: 'invalid_argument', message: 'its address is not a URL' }),
    );
  });

  it.each([
    ['../b?c', 'https://example.com/b?c'],
    ['//other.org./x', 'https://other.org/x'],
    ['http://127.0.0.1../x', 'http://127.0.0.1/x'],
  ])('reads %s relative to another', (text, url) => {
    expect(parseUrl(text, new URL('https://example.com/a/a')).href).toBe(url);
  });
});
