import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { globPattern } from '../src/glob-pattern.ts';

describe('globPattern', () => {
  it.each([
    ['*', '', true],
    ['*', 'a/b\nc', true],
    ['gemini-*', 'gemini-', true],
    ['gemini-*', 'gemini-2.5-flash', true],
    ['gemini-*', 'x-gemini-2', false],
    ['*-flash', 'gemini-2.5-flash', true],
    ['*-flash', 'gemini-2.5-flash-lite', false],
    ['google/*', 'google/gemini/x', true],
    ['a*b*c', 'a--b--c', true],
    ['a*b*c', 'a--c--b', false],
    ['a**b', 'ab', true],
    ['2.5', '2x5', false],
    ['a?', 'a', false],
    ['[ab]', 'a', false],
    ['a|b', 'a', false],
    ['(a)', 'a', false],
    ['^a$', 'a', false],
    [String.raw`a\d`, 'a1', false],
    [String.raw`a\d`, String.raw`a\d`, true],
    ['a', 'A', false],
    ['a', 'a\n', false],
    ['', '', true],
    ['', 'a', false],
  ])('%j and %j: %s', (glob, text, expected) => {
    expect(globPattern(glob).test(text)).toBe(expected);
  });

  it('takes every character but the star for itself', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (given, other) => {
        const glob = given.replaceAll('*', '');
        expect(globPattern(glob).test(glob)).toBe(true);
        expect(globPattern(glob).test(other)).toBe(glob === other);
      }),
    );
  });

  it('takes a star for any text between two others', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (before, between, after) => {
        const [start, end] = [before.replaceAll('*', ''), after.replaceAll('*', '')];
        expect(globPattern(`${start}*${end}`).test(start + between + end)).toBe(true);
      }),
    );
  });
});
