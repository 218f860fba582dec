import { describe, expect, it } from 'vitest';
import { JsonFence } from '../../../src/translate/events/json-fence.ts';

const cases: [string, string][] = [
  ['{"a":1}', '{"a":1}'],
  ['```json\n{"a":1}\n```', '{"a":1}'],
  ['```\n[1]\n```\n', '[1]'],
  ['  ```json\r\n{"a":"```"}\r\n```', '{"a":"```"}'],
  ['{"a":"```json"}', '{"a":"```json"}'],
  ['`not a fence', '`not a fence'],
  ['', ''],
  ['   ', '   '],
  ['```json\n{"a":1}', '{"a":1}'],
];

describe('JsonFence', () => {
  it.each(cases)('%j becomes %j, wherever it is cut', (input, output) => {
    for (let first = 0; first <= input.length; first++) {
      for (let second = first; second <= input.length; second++) {
        const fence = new JsonFence();
        const pieces = [input.slice(0, first), input.slice(first, second), input.slice(second)];
        expect(pieces.map((piece) => fence.push(piece)).join('') + fence.end()).toBe(output);
      }
    }
  });
});
