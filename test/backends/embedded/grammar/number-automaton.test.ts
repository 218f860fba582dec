import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { automatonAccepts, isEmptyAutomaton } from '../../../../src/backends/embedded/grammar/automaton.ts';
import {
  canEnforceMultipleOf,
  numberAutomaton,
  type Bound,
  type NumberRange,
} from '../../../../src/backends/embedded/grammar/number-automaton.ts';
import { WorkBudget } from '../../../../src/backends/embedded/grammar/work-budget.ts';

const automatonOf = (range: Partial<NumberRange>) =>
  numberAutomaton({ integer: false, multipleOf: [], ...range }, new WorkBudget(1_000_000));

const from = (value: number): Bound => ({ value, exclusive: false });
const beyond = (value: number): Bound => ({ value, exclusive: true });

describe('number texts', () => {
  it.each<[range: Partial<NumberRange>, accepted: string[], refused: string[]]>([
    [
      { integer: true, minimum: from(0), maximum: from(100) },
      ['0', '7', '99', '100'],
      ['-1', '101', '00', '1.0', '-0', ''],
    ],
    [
      { integer: true, minimum: from(-12), maximum: from(-3) },
      ['-12', '-3', '-9'],
      ['-13', '-2', '0', '3', '-'],
    ],
    [{ integer: true, minimum: beyond(1.5), maximum: beyond(4) }, ['2', '3'], ['1', '4']],
    [
      { minimum: from(0.5), maximum: beyond(10) },
      ['0.5', '0.50', '1', '9.999'],
      ['0.4', '0.49', '0', '10', '10.0', '.5', '1.', '1e0'],
    ],
    [{ minimum: beyond(0) }, ['0.001', '1', '123456789.5'], ['0', '0.0', '-1', '-0']],
    [{ maximum: beyond(0) }, ['-0.1', '-5'], ['0', '-0', '-0.0', '1']],
    [
      { minimum: beyond(0.1), maximum: beyond(0.30000000000000004) },
      ['0.2', '0.3', '0.11'],
      ['0.1', '0.10', '0.31', '0.4'],
    ],
    [
      { minimum: from(-1e-7), maximum: from(5e-324) },
      ['-0.0000001', '0', '0.0', '-0.00000001'],
      ['-0.0000002', '0.000000000001'],
    ],
    [
      { integer: true, minimum: from(-(2 ** 63)), maximum: from(2 ** 63) },
      ['0', '-999999999999999'],
      ['1234567890123456'],
    ],
    [{ integer: true, multipleOf: [7] }, ['0', '7', '-14', '700000007'], ['8', '-1', '10']],
    [{ integer: true, multipleOf: [4, 6] }, ['12', '24'], ['4', '6', '8']],
    [{ integer: true, multipleOf: [100] }, ['0', '100', '-12300'], ['10', '150', '00']],
    [{ multipleOf: [0.25] }, ['0', '1', '1.0', '0.25', '-2.5', '3.75'], ['0.1', '0.3', '1.125']],
    [{ multipleOf: [2] }, ['2', '-4'], ['2.0', '3', '0.5']],
  ])('%j', (range, accepted, refused) => {
    const automaton = automatonOf(range);
    expect(accepted.filter((text) => !automatonAccepts(automaton, text))).toEqual([]);
    expect(refused.filter((text) => automatonAccepts(automaton, text))).toEqual([]);
  });

  it('of a random range agree with arithmetic', () => {
    const bound = fc.option(
      fc.record({
        value: fc.oneof(fc.integer({ min: -2000, max: 2000 }), fc.double({ min: -20, max: 20, noNaN: true })),
        exclusive: fc.boolean(),
      }),
      { nil: undefined },
    );
    const text = fc
      .tuple(
        fc.integer({ min: -3000, max: 3000 }),
        fc.option(fc.integer({ min: 0, max: 999 }), { nil: undefined }),
      )
      .map(([whole, fraction]) => (fraction === undefined ? `${whole}` : `${whole}.${fraction}`));
    fc.assert(
      fc.property(
        bound,
        bound,
        fc.array(text, { minLength: 20, maxLength: 20 }),
        (minimum, maximum, texts) => {
          const automaton = automatonOf({ minimum, maximum });
          const inRange = (value: number) =>
            (minimum === undefined || (minimum.exclusive ? value > minimum.value : value >= minimum.value)) &&
            (maximum === undefined || (maximum.exclusive ? value < maximum.value : value <= maximum.value));
          const mistaken = texts.filter((one) => automatonAccepts(automaton, one) !== inRange(Number(one)));
          expect(mistaken).toEqual([]);
        },
      ),
      { numRuns: 80 },
    );
  });

  it.each<[range: Partial<NumberRange>]>([
    [{ integer: true, minimum: from(0.1), maximum: from(0.9) }],
    [{ minimum: from(5), maximum: beyond(5) }],
    [{ integer: true, minimum: from(1e300) }],
    [{ integer: true, minimum: from(1), maximum: from(6), multipleOf: [7] }],
  ])('%j has none', (range) => {
    expect(isEmptyAutomaton(automatonOf(range))).toBe(true);
  });

  it.each([1, 2, 60, 100, 1000, 1e14, 0.5, 0.125])('multiples of %d can be told', (divisor) => {
    expect(canEnforceMultipleOf(divisor)).toBe(true);
  });

  it.each([101, 0.01, 0.1, 1.5, 1e15, 1e21])('multiples of %d cannot be told', (divisor) => {
    expect(canEnforceMultipleOf(divisor)).toBe(false);
  });
});
