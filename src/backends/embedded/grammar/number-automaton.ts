/**
 * Automata of the decimal texts of numbers under `minimum`, `maximum` and `multipleOf`.
 *
 * Texts have at most 15 significant digits and no exponent. Within 15 digits different decimals are different doubles
 * and their order is that of the doubles, so that comparing digit by digit is exact even for exclusive bounds.
 */
import {
  buildAutomaton,
  intersectAutomata,
  limitLength,
  type Automaton,
  type StateSpace,
} from './automaton.ts';
import { charactersOf, type CodePointSet } from './code-point-set.ts';
import { patternAutomaton } from './pattern-automaton.ts';
import type { WorkBudget } from './work-budget.ts';

export interface Bound {
  readonly value: number;
  readonly exclusive: boolean;
}

export interface NumberRange {
  readonly integer: boolean;
  readonly minimum?: Bound | undefined;
  readonly maximum?: Bound | undefined;
  /** Numbers for which {@link canEnforceMultipleOf} holds. */
  readonly multipleOf: readonly number[];
}

/** Digits of a text. */
const MAX_DIGITS = 15;
/** Largest divisor that is no power of ten: every remainder is a state. */
const MAX_DIVISOR = 100;
/** Divisors below one whose multiples are doubles without rounding. */
const EXACT_FRACTIONS: ReadonlySet<number> = new Set([0.5, 0.25, 0.125]);

/** Whether a text that is a multiple of `divisor` is one for validators that divide doubles, too. */
export function canEnforceMultipleOf(divisor: number): boolean {
  if (EXACT_FRACTIONS.has(divisor)) return true;
  return (
    Number.isInteger(divisor) &&
    (divisor <= MAX_DIVISOR || (isPowerOfTen(divisor) && divisor < 10 ** MAX_DIGITS))
  );
}

/**
 * The numbers of a range. It is empty when no number of at most 15 digits lies there.
 *
 * @throws {BudgetExceeded} when the automaton gets too large
 */
export function numberAutomaton(range: NumberRange, budget: WorkBudget): Automaton {
  const { minimum, maximum } = range;
  let automaton = knownShape(range, budget);
  const restrict = <State>(space: StateSpace<State>) => {
    automaton = intersectAutomata(automaton, buildAutomaton(space, budget), budget);
  };
  if (minimum !== undefined && Number.isFinite(minimum.value)) restrict(new BoundTexts(minimum, 'minimum'));
  if (maximum !== undefined && Number.isFinite(maximum.value)) restrict(new BoundTexts(maximum, 'maximum'));
  for (const divisor of range.multipleOf) {
    if (divisor > 1 && !isPowerOfTen(divisor)) restrict(remainders(divisor));
  }
  return automaton;
}

const shapes = new Map<boolean, Automaton>();

function knownShape(range: NumberRange, budget: WorkBudget): Automaton {
  if (range.multipleOf.length > 0) return shapeAutomaton(range, budget);
  const shape = shapes.get(range.integer) ?? shapeAutomaton(range, budget);
  shapes.set(range.integer, shape);
  return shape;
}

/** Digits, sign and point as JSON has them (RFC 8259 section 6), with what `multipleOf` says about the last digits. */
function shapeAutomaton({ integer, multipleOf }: NumberRange, budget: WorkBudget): Automaton {
  const zeros = Math.max(
    0,
    ...multipleOf.filter(isPowerOfTen).map((divisor) => Math.round(Math.log10(divisor))),
  );
  // Remainders and digit counts multiply; nine digits are enough for multiples of, say, 60.
  const digits = multipleOf.some((divisor) => divisor > 1 && !isPowerOfTen(divisor)) ? 9 : MAX_DIGITS;
  const whole = String.raw`(?:0|[1-9]\d{0,${Math.max(0, digits - 1 - zeros)}}0{${zeros}})`;
  const divisor = multipleOf.length === 0 ? undefined : Math.max(...multipleOf);
  if (integer || (divisor !== undefined && divisor >= 1)) {
    return patternAutomaton(`^(?:0|-?${whole.replace('0|', '')})$`, budget);
  }
  const fraction = divisor === undefined ? String.raw`\d+` : `(?:${multiplesBelowOne(divisor).join('|')})`;
  const anyLength = patternAutomaton(String.raw`^-?${whole}(?:\.${fraction})?$`, budget);
  // Sign and point do not count as digits; a text without a point is short enough by its own pattern.
  return limitLength(anyLength, 1, 16, budget);
}

/** Fraction digits of 0, d, 2d, … below one. */
function multiplesBelowOne(divisor: number): string[] {
  return Array.from({ length: 1 / divisor }, (_, index) => (index * divisor).toString().slice(2) || '0');
}

function isPowerOfTen(value: number): boolean {
  return /^1(?:0*|e\+\d+)$/.test(String(value));
}

const DIGITS: readonly CodePointSet[] = Array.from({ length: 10 }, (_, digit) => charactersOf(String(digit)));
const MINUS = charactersOf('-');
const POINT = charactersOf('.');

/** Integers that `divisor` divides: the state is the remainder of the digits so far. */
function remainders(divisor: number): StateSpace<number> {
  return {
    start: 0,
    key: String,
    accepts: (remainder) => remainder === 0,
    *steps(remainder) {
      yield [MINUS, remainder];
      for (const [digit, on] of DIGITS.entries()) yield [on, (remainder * 10 + digit) % divisor];
    },
  };
}

interface Decimal {
  /** Digits before the point, without leading zeros; `0` alone for zero. */
  readonly integer: string;
  /** Digits after the point, without trailing zeros. */
  readonly fraction: string;
}

/**
 * The magnitude of `value` without an exponent, from its shortest decimal that is read back as the same double.
 * Digits that no text reaches are cut off; a last 1 stands for them.
 */
function writtenOut(value: number): Decimal {
  const [mantissa = '', exponent = '0'] = Math.abs(value).toString().split('e');
  const [whole = '', part = ''] = mantissa.split('.');
  const point = whole.length + Number(exponent);
  const digits = '0'.repeat(Math.max(0, 1 - point)) + (whole + part).padEnd(point, '0');
  const split = Math.max(point, 1);
  const fraction = digits.slice(split).replace(/0+$/, '');
  return {
    integer: digits
      .slice(0, split)
      .replace(/^0+(?=\d)/, '')
      .slice(0, MAX_DIGITS + 1),
    fraction: fraction.length > MAX_DIGITS ? `${fraction.slice(0, MAX_DIGITS)}1` : fraction,
  };
}

interface Reading {
  /** `unread` before the first character; `decided` when the sign alone settles the comparison. */
  readonly at: 'unread' | 'sign' | 'integer' | 'fraction' | 'decided';
  /** Digits read of the integer part, or of the fraction while the text still equals the bound. */
  readonly digits: number;
  /** In the integer part: order of the digits read against as many digits of the bound. In the fraction: of the values. */
  readonly order: number;
}

/** Texts of numbers on one side of a bound. */
class BoundTexts implements StateSpace<Reading> {
  readonly start: Reading = { at: 'unread', digits: 0, order: 0 };
  readonly #bound: Decimal;
  readonly #exclusive: boolean;
  /** Whether the magnitudes compared are those of negative numbers. */
  readonly #negative: boolean;
  /** Whether magnitudes must exceed the bound's, and numbers of the other sign are therefore out. */
  readonly #larger: boolean;

  constructor({ value, exclusive }: Bound, side: 'minimum' | 'maximum') {
    this.#bound = writtenOut(value);
    this.#exclusive = exclusive;
    // Below zero exclusively means negative with a magnitude above 0: -0 is not below 0.
    this.#negative = value < 0 || (value === 0 && exclusive && side === 'maximum');
    this.#larger = this.#negative === (side === 'maximum');
  }

  key({ at, digits, order }: Reading): string {
    return `${at} ${digits} ${order}`;
  }

  accepts(reading: Reading): boolean {
    const { at } = reading;
    if (at === 'unread' || at === 'sign') return false;
    if (at === 'decided') return true;
    const { fraction } = this.#bound;
    let order = at === 'integer' ? this.#integerOrder(reading) : reading.order;
    const fractionLeft = at === 'integer' ? fraction.length > 0 : fraction.length > reading.digits;
    if (order === 0 && fractionLeft) order = -1;
    return order === 0 ? !this.#exclusive : order > 0 === this.#larger;
  }

  *steps(reading: Reading): Iterable<readonly [CodePointSet, Reading]> {
    const { at } = reading;
    if (at === 'unread') {
      if (this.#negative) yield [MINUS, { ...reading, at: 'sign' }];
      else if (!this.#larger) yield [MINUS, { ...reading, at: 'decided' }];
      if (this.#negative && this.#larger) return;
    }
    const unsignedIsDecided = at === 'unread' && this.#negative;
    if (at === 'decided' || at === 'integer') yield [POINT, this.#afterPoint(reading)];
    for (const [digit, on] of DIGITS.entries()) {
      yield [on, unsignedIsDecided ? { ...reading, at: 'decided' } : this.#afterDigit(reading, digit)];
    }
  }

  #afterPoint(reading: Reading): Reading {
    if (reading.at === 'decided') return reading;
    return { at: 'fraction', digits: 0, order: this.#integerOrder(reading) };
  }

  #afterDigit(reading: Reading, digit: number): Reading {
    const { at, digits, order } = reading;
    if (at === 'decided') return reading;
    const { integer, fraction } = this.#bound;
    if (at === 'fraction') {
      if (order !== 0) return reading;
      const next = Math.sign(digit - Number(fraction[digits] ?? 0));
      return { at, digits: next === 0 ? Math.min(digits + 1, fraction.length) : 0, order: next };
    }
    const next = order === 0 ? Math.sign(digit - Number(integer[digits] ?? 0)) : order;
    return { at: 'integer', digits: Math.min(digits + 1, integer.length + 1), order: next };
  }

  /** Order of the integer part read against the bound's: by length first. */
  #integerOrder({ digits, order }: Reading): number {
    return digits === this.#bound.integer.length ? order : Math.sign(digits - this.#bound.integer.length);
  }
}
