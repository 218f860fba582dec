import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../src/errors.ts';
import { recogniseType } from '../../src/media/recognise-type.ts';

const PNG = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
const text = (content: string): Buffer => Buffer.from(content);

function outcome(bytes: Uint8Array, named: string | undefined): unknown {
  try {
    return recogniseType(Buffer.from(bytes), { subject: 'It', named: [named] });
  } catch (error) {
    return error;
  }
}

describe('recogniseType', () => {
  it.each<[name: string, bytes: Buffer, named: (string | undefined)[], type: string]>([
    ['bytes alone', PNG, [], 'image/png'],
    ['bytes against a name', PNG, ['text/html', 'image/jpeg'], 'image/png'],
    ['PDF said to be an image', text('%PDF-1.7'), ['image/png'], 'application/pdf'],
    ['text by its server', text('a,b\n1,2\n'), ['text/csv'], 'text/csv'],
    ['text by its name', text('# Hi\n'), [undefined, 'text/md'], 'text/md'],
    ['JSON', text('{"a":1}'), ['application/json'], 'application/json'],
    ['JSON of a kind', text('{"a":1}'), ['application/geo+json'], 'application/geo+json'],
    ['text in UTF-8', text('größe 漢'), ['text/plain'], 'text/plain'],
  ])('%s', (_, bytes, named, type) => {
    expect(recogniseType(bytes, { subject: 'It', named })).toBe(type);
  });

  it.each<[name: string, bytes: Buffer, named: (string | undefined)[]]>([
    ['SVG', text('<svg xmlns="http://www.w3.org/2000/svg"/>'), ['image/svg+xml']],
    ['a page', text('<!doctype html><p>404'), ['text/html']],
    ['a page in place of an image', text('<!doctype html><p>404'), ['text/html', 'image/png']],
    ['text said to be an image', text('hello'), ['image/png']],
    ['text of no name', text('hello'), []],
    ['bytes said to be text', Buffer.from([1, 2, 3, 0, 5]), ['text/plain']],
    ['an archive', text('PK\x03\x04'), ['application/zip']],
  ])('refuses %s', (_, bytes, named) => {
    expect(() => recogniseType(bytes, { subject: 'It', named })).toThrow(
      /^It is of no type of media that models take/,
    );
  });

  it('takes or refuses any bytes', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 64 }),
        fc.option(fc.string(), { nil: undefined }),
        (bytes, named) => {
          const type = outcome(bytes, named);
          expect(type instanceof GatewayError || (typeof type === 'string' && type.includes('/'))).toBe(true);
        },
      ),
    );
  });
});
