import { describe, expect, it } from 'vitest';
import { readErrorText } from '../../src/upstream/read-error-text.ts';

const SENT = {
  'content-type': 'application/json',
  'x-request-id': 'req_1234567890',
  authorization: 'Bearer sk-"quoted"/secret',
  'x-goog-api-key': 'AIza-secret-key',
  'x-team': 'search',
};

const read = (text: string) =>
  readErrorText(
    {
      body: (async function* body() {
        yield Buffer.from(text);
      })(),
      sent: SENT,
    },
    10_000,
  );

describe('readErrorText', () => {
  it.each([
    ['nothing of it', 'The model is overloaded.', 'The model is overloaded.'],
    ['a key', 'Wrong key AIza-secret-key, AIza-secret-key!', 'Wrong key [x-goog-api-key], [x-goog-api-key]!'],
    ['a header', 'authorization: Bearer sk-"quoted"/secret', 'authorization: Bearer [authorization]'],
    ['JSON', JSON.stringify({ message: SENT.authorization }), '{"message":"Bearer [authorization]"}'],
    ['an address', `?key=${encodeURIComponent('sk-"quoted"/secret')}&x`, '?key=[authorization]&x'],
    [
      'what is no credential',
      'search req_1234567890 application/json',
      'search req_1234567890 application/json',
    ],
  ])('with %s', async (_name, text, expected) => {
    expect(await read(text)).toBe(expected);
  });

  it('reads no more than it may', async () => {
    await expect(read('x'.repeat(10_001))).rejects.toThrow('larger');
  });
});
