import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../src/errors.ts';
import { readJsonBody } from '../../src/server/read-json-body.ts';

/** `undefined` when the body was read. */
function codeOfRefusal(body: Buffer): unknown {
  try {
    readJsonBody(body);
    return undefined;
  } catch (error) {
    return error instanceof GatewayError ? error.code : error;
  }
}

describe('readJsonBody', () => {
  it('reads any JSON value', () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        expect(readJsonBody(Buffer.from(json)).json).toEqual({ text: json, value: JSON.parse(json) });
      }),
    );
  });

  it.each([undefined, null, '', 'text', Buffer.alloc(0)])('misses a body in %j', (body) => {
    expect(() => readJsonBody(body)).toThrow('has no body');
  });

  it('refuses any other bytes as invalid_json, and nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), (bytes) => {
        const code = codeOfRefusal(Buffer.from(bytes));
        expect(['invalid_json', undefined]).toContain(code);
      }),
    );
  });
});
