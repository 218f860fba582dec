import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ModelExchange } from '../../../../src/backends/openai-compatible/answer/model-exchange.ts';

const WRITTEN = '"model":"s"';
const WANTED = '"model":"größe"';

function exchanged(...blocks: string[]): (string | undefined)[] {
  const exchange = new ModelExchange(WRITTEN, WANTED);
  return blocks.map((block) => exchange.apply(Buffer.from(block))?.toString());
}

describe('ModelExchange', () => {
  it.each<{ name: string; blocks: string[]; expected: (string | undefined)[] }>([
    {
      name: 'the same beginning',
      blocks: [`data: {${WRITTEN},"a":1}\n\n`, `data: {${WRITTEN},"a":2}\n\ndata: {${WRITTEN},"a":3}\n\n`],
      expected: [`data: {${WANTED},"a":1}\n\n`, `data: {${WANTED},"a":2}\n\ndata: {${WANTED},"a":3}\n\n`],
    },
    {
      name: 'the same end',
      blocks: [`data: {"a":"1",${WRITTEN}}\r\n\r\n`, `data: {"a":"22",${WRITTEN}}\r\n\r\n`],
      expected: [`data: {"a":"1",${WANTED}}\r\n\r\n`, `data: {"a":"22",${WANTED}}\r\n\r\n`],
    },
    {
      name: 'neither',
      blocks: [`data: {"a":"1",${WRITTEN},"b":1}\n\n`, `data: {"a":"22",${WRITTEN},"b":2}\n\n`],
      expected: [`data: {"a":"1",${WANTED},"b":1}\n\n`, `data: {"a":"22",${WANTED},"b":2}\n\n`],
    },
    {
      name: 'another name',
      blocks: [
        `data: {${WRITTEN}}\n\n`,
        `data: {"model":"t"}\n\n`,
        `data: {${WRITTEN}}\n\ndata: {"model":"t"}\n\n`,
      ],
      expected: [`data: {${WANTED}}\n\n`, undefined, undefined],
    },
    {
      name: 'a name that goes on',
      blocks: [`data: {"model":"s"}\n\n`, `data: {"model":"s2"}\n\n`],
      expected: [`data: {${WANTED}}\n\n`, undefined],
    },
    {
      name: 'an object inside',
      blocks: [
        `data: {"a":{${WRITTEN}}}\n\n`,
        `data: {"a":[${WRITTEN}]}\n\n`,
        `data: {"a":{"}":1,${WRITTEN}}}\n\n`,
      ],
      expected: [undefined, undefined, undefined],
    },
    {
      name: 'an object inside of one that ends alike',
      blocks: [`data: {"a":1,${WRITTEN}}\n\n`, `data: {"b":{"a":1,${WRITTEN}}}\n\n`],
      expected: [`data: {"a":1,${WANTED}}\n\n`, undefined],
    },
    {
      name: 'a name of a member that ends alike',
      blocks: [`data: {"a":1,${WRITTEN}}\n\n`, `data: {"a":1,"a\\"model":"s"}\n\n`],
      expected: [`data: {"a":1,${WANTED}}\n\n`, undefined],
    },
    {
      name: 'a comment before it',
      blocks: [`: {${WRITTEN}}\n\ndata: {${WRITTEN}}\n\n`, `: a\ndata: {${WRITTEN}}\n\n`],
      expected: [expect.anything() as never, undefined],
    },
    {
      name: 'only the next event',
      blocks: [`data: {"a":1}\n\ndata: {${WRITTEN}}\n\n`],
      expected: [undefined],
    },
    { name: 'another line behind it', blocks: [`data: {${WRITTEN}}\nid: 1\n\n`], expected: [undefined] },
  ])('$name', ({ blocks, expected }) => {
    expect(exchanged(...blocks)).toEqual(expected);
  });

  it('finds the member of the first level in any object, or nothing', () => {
    const value = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom<unknown>('s', '"model":"s"', '\\', 1, null, true),
        fc.array(tie('value'), { maxLength: 3 }),
        tie('object'),
      ),
      object: fc.dictionary(fc.constantFrom('model', 'a', 'b', 'a"model', '{'), tie('value'), { maxKeys: 4 }),
    })).object;
    const property = fc.property(fc.array(value, { minLength: 1, maxLength: 6 }), (objects) => {
      const exchange = new ModelExchange(WRITTEN, WANTED);
      for (const object of objects) {
        const shown = exchange.apply(Buffer.from(`data: ${JSON.stringify(object)}\n\n`))?.toString();
        if (shown === undefined) continue;
        expect(object['model']).toBe('s');
        expect(JSON.parse(shown.slice(6))).toEqual({ ...object, model: 'größe' });
      }
    });
    expect(() => fc.assert(property, { numRuns: 1000 })).not.toThrow();
  });
});
