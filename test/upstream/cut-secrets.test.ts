import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../src/errors.ts';
import { cutSecrets, secretsIn, withoutSent } from '../../src/upstream/cut-secrets.ts';
import { TransportError } from '../../src/upstream/transport-error.ts';
import { excerptOf } from '../../src/translate/error/excerpt.ts';

const SENT = {
  'content-type': 'application/json',
  'x-request-id': 'req_1234567890',
  'x-goog-user-project': 'my-quota-project',
  authorization: 'Bearer sk-0123456789"quoted"/secret',
  'x-goog-api-key': 'AIza-secret-key-of-mine',
  cookie: 'session=opaque-value-1; other=opaque-value-2',
  'x-team': 'search',
};
const TOKEN = 'sk-0123456789"quoted"/secret';

const cut = (text: string) => cutSecrets(text, secretsIn(SENT));

describe('cutSecrets', () => {
  it.each([
    ['nothing of it', 'The model is overloaded.', 'The model is overloaded.'],
    [
      'a key',
      'Wrong key AIza-secret-key-of-mine, AIza-secret-key-of-mine!',
      'Wrong key [x-goog-api-key], [x-goog-api-key]!',
    ],
    ['a header', `authorization: Bearer ${TOKEN}`, 'authorization: [authorization]'],
    ['a token without its scheme', `Unknown token ${TOKEN}.`, 'Unknown token [authorization].'],
    ['a part of a header', 'No session "opaque-value-2".', 'No session "[cookie]".'],
    ['keys that begin alike', 'opaque-value-2, opaque-value-1', '[cookie], [cookie]'],
    ['JSON', JSON.stringify({ message: TOKEN }), '{"message":"[authorization]"}'],
    ['an address', `?key=${encodeURIComponent(TOKEN)}&x`, '?key=[authorization]&x'],
    ['the beginning of a key', 'Wrong key AIza-secret-ke***', 'Wrong key [x-goog-api-key]***'],
    ['a key where the text was cut off', 'Wrong key AIza-se…', 'Wrong key [x-goog-api-key]…'],
    [
      'what is no credential',
      'search req_1234567890 my-quota-project application/json Bearer AIza',
      'search req_1234567890 my-quota-project application/json Bearer AIza',
    ],
  ])('with %s', (_name, text, expected) => {
    expect(cut(text)).toBe(expected);
  });

  it('leaves nothing that tells a secret, wherever it stands and however the text is cut', () => {
    const visible = fc.string({
      unit: fc.constantFrom(...Array.from('aB3-_/"\\=%')),
      minLength: 16,
      maxLength: 40,
    });
    const around = fc.string({ maxLength: 220 });
    const spelling = fc.constantFrom<(value: string) => string>(
      (value) => value,
      (value) => JSON.stringify(value),
      encodeURIComponent,
    );
    fc.assert(
      fc.property(visible, around, around, spelling, (value, before, after, spell) => {
        const text = `${before} ${spell(value)} ${after}`;
        const secrets = [{ name: 'key', value }];
        for (const shown of [cutSecrets(text, secrets), cutSecrets(excerptOf(text), secrets)]) {
          for (let at = 0; at + 12 <= shown.length; at++)
            expect(shown.slice(at, at + 12)).not.toBe(value.slice(0, 12));
          expect(shown).not.toContain(value);
        }
      }),
    );
  });
});

describe('withoutSent', () => {
  it('cuts every text of a failure that may come from elsewhere, and keeps the rest', () => {
    const cause = new Error('underneath');
    const error = new GatewayError('rate_limit_exceeded', `Slow down, ${TOKEN}`, {
      param: 'AIza-secret-key-of-mine',
      retryAfterSeconds: 7,
      shouldRetry: false,
      passedOver: ['10.0.0.1:80 500 internal_error'],
      google: { code: 429, status: 'X', details: [{ a: [TOKEN, 1, null] }] },
      upstream: { status: 429, type: TOKEN, code: 'AIza-secret-key-of-mine' },
      cause,
    });
    expect(withoutSent(error, SENT)).toMatchObject({
      code: 'rate_limit_exceeded',
      message: 'Slow down, [authorization]',
      param: '[x-goog-api-key]',
      retryAfterSeconds: 7,
      shouldRetry: false,
      passedOver: ['10.0.0.1:80 500 internal_error'],
      google: { code: 429, status: 'X', details: [{ a: ['[authorization]', 1, null] }] },
      upstream: { status: 429, type: '[authorization]', code: '[x-goog-api-key]' },
      cause,
    });
  });

  it('adds nothing to a failure', () => {
    const { google, upstream, param } = withoutSent(new GatewayError('timeout', 'x'), SENT) as GatewayError;
    expect([google, upstream, param]).toEqual([undefined, undefined, null]);
  });

  it.each([new TransportError('reset', 'the connection broke'), new Error('ours'), 'text', undefined])(
    'leaves %s as it is',
    (error) => {
      expect(withoutSent(error, SENT)).toBe(error);
    },
  );
});
