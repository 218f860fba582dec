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

const asking = (...parts: object[]): object => ({ messages: [{ role: 'user', content: parts }] });
const image = (url: unknown): object => ({ type: 'image_url', image_url: url });

describe('readJsonBody', () => {
  it('reads any JSON value', () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        expect(readJsonBody(Buffer.from(json)).json).toEqual({ text: json, value: JSON.parse(json) });
      }),
    );
  });

  const DATA = Buffer.alloc(90_000, 'media').toString('base64');
  const URI = `data:image/png;base64,${DATA}`;

  it.each<[where: string, body: object, lifted: number]>([
    ['an image', asking({ type: 'text', text: 'What?' }, image({ url: URI })), 1],
    ['an image as a bare string', asking(image(URI)), 1],
    ['a sound', asking({ type: 'input_audio', input_audio: { data: DATA, format: 'wav' } }), 1],
    ['a file', asking({ type: 'file', file: { file_data: URI, filename: 'a.png' } }), 1],
    ['the same image twice', asking(image(URI), image({ url: URI })), 2],
    // Whoever looks at these takes what stands there for what the client wrote.
    ['the model', { ...asking(image(URI)), model: URI }, 0],
    ['metadata', { metadata: { data: DATA } }, 0],
    ['the text of a message', { messages: [{ role: 'user', content: URI }] }, 0],
    ['a text part', asking({ type: 'text', text: URI }), 0],
    ['a schema', { response_format: { json_schema: { schema: { const: URI } } } }, 0],
    ["a member's name", { [URI]: 1 }, 0],
    ['an unknown part', asking({ type: 'hologram', hologram: { data: DATA } }), 0],
    ['no object', [URI], 0],
  ])('keeps large media out of the text, but nothing else: %s', (_, body, count) => {
    const text = JSON.stringify(body);
    const { json, lifted } = readJsonBody(Buffer.from(text));
    expect(lifted.count).toBe(count);
    expect(lifted.restore(json.value)).toEqual(body);
    expect(json.text.length < text.length).toBe(count > 0);
  });

  it('marks the media of each request in another way', () => {
    const body = Buffer.from(JSON.stringify(asking(image(URI))));
    const [one, other] = [readJsonBody(body), readJsonBody(body)];
    expect(one.json.text).not.toBe(other.json.text);
    expect(other.lifted.restore(one.json.value)).toEqual(one.json.value);
  });

  it('tells the place of an error in the whole text', () => {
    const text = `{"messages":[{"content":[{"type":"image_url","image_url":"${URI}"}]}] oops`;
    expect(() => readJsonBody(Buffer.from(text))).toThrow(`column ${text.indexOf('oops') + 1}`);
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
