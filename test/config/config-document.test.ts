import { describe, expect, it } from 'vitest';
import { readConfigDocument } from '../../src/config/config-document.ts';

const TEXT = `server: &s
  port: 8080
  host: "a"
empty:
list:
  - first
  - { name: x }
alias: *s
`;

describe('readConfigDocument', () => {
  it.each([
    ['a scalar', ['server', 'port'], 'value', '2:9'],
    ['the key of a scalar', ['server', 'port'], 'key', '2:3'],
    ['a quoted scalar', ['server', 'host'], 'value', '3:9'],
    ['the key of a group', ['server'], 'value', '1:1'],
    ['the group around what is missing', ['server', 'nothing', 'below'], 'value', '1:1'],
    ['the key of an empty value', ['empty'], 'value', '4:1'],
    ['a list item', ['list', 0], 'value', '6:5'],
    ['a key in a list item', ['list', 1, 'name'], 'value', '7:13'],
    ['the list around what is missing', ['list', 9], 'value', '5:1'],
    ['an alias', ['alias'], 'value', '8:8'],
    ['what an alias stands for', ['alias', 'port'], 'value', '2:9'],
    ['the start for the root', [], 'value', '1:1'],
  ] as const)('points at %s', (_, path, part, expected) => {
    const { line, column } = readConfigDocument(TEXT, {}).positionOf(path, part);
    expect(`${line}:${column}`).toBe(expected);
  });

  it.each([
    ['LF', '\n'],
    ['CRLF', '\r\n'],
  ])('counts lines that end in %s', (_, end) => {
    const document = readConfigDocument(['# note', 'a:', '  b: ${X}', '', 'c: 1'].join(end), { X: 'x' });
    expect(document).toMatchObject({ problems: [], readable: true, value: { a: { b: 'x' }, c: 1 } });
    expect(document.positionOf(['a', 'b'])).toEqual({ line: 3, column: 6 });
    expect(document.positionOf(['c'])).toEqual({ line: 5, column: 4 });
  });

  it('keeps numeric keys as they are written', () => {
    expect(readConfigDocument('0123: a\n1e3: b\ntrue: c', {}).value).toEqual({
      '0123': 'a',
      '1e3': 'b',
      true: 'c',
    });
  });

  it('follows YAML 1.2, where `yes` is text and `<<` is a key', () => {
    expect(readConfigDocument('%YAML 1.1\n---\na: yes\n<<: { b: 1 }', {}).value).toEqual({
      a: 'yes',
      '<<': { b: 1 },
    });
  });

  it.each(['', '\n\n', '# only a comment\n', '---\n', 'null', '~'])('finds nothing in %j', (text) => {
    expect(readConfigDocument(text, {})).toMatchObject({ value: undefined, problems: [], readable: true });
  });

  it.each([
    'a: [s3cret',
    'a: "s3cret',
    'a: x\ns3cret',
    '}s3cret',
    'a: @s3cret',
    '? [s3cret]\n: b',
    'a: *s3cret',
  ])('does not quote the file, which may hold secrets, when %j is no YAML', (text) => {
    const { problems } = readConfigDocument(text, {});
    expect(problems).not.toEqual([]);
    expect(JSON.stringify(problems)).not.toContain('cret');
  });
});
