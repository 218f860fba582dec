/** The kinds of single values that the configuration is made of; each takes `${NAME}` in editors. */
import { z } from 'zod';
import { suggestName } from './nearest-name.ts';

interface WholeNumberRange {
  readonly min: number;
  readonly max: number;
}

/**
 * A whole number. Digits in quotes count as one, because a variable's value is always text: `"${PORT}"`.
 */
export function wholeNumber({ min, max }: WholeNumberRange, description: string) {
  const message = `must be a whole number from ${min} to ${max}`;
  return z
    .preprocess(
      (value) => (typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value),
      z.int(message).min(min, message).max(max, message),
    )
    .meta({ description, type: ['integer', 'string'], pattern: String.raw`^\d+$|\$\{` });
}

/** One of a few words. */
export function oneOf<const Words extends readonly string[]>(words: Words, description: string) {
  return z.enum(words, { error: ({ input }) => wrongWord(input, words) }).describe(description);
}

export function wrongWord(input: unknown, words: readonly string[]): string {
  const allowed = `must be ${words.map((word) => `\`${word}\``).join(' or ')}`;
  return typeof input === 'string' ? `${allowed}; ${suggestName(input, words)}` : allowed;
}

/** A switch. The words count too, because a variable's value is always text: `"${GPU}"`. */
export function onOff(description: string) {
  return z
    .preprocess((value) => (value === 'true' || value === 'false' ? value === 'true' : value), z.boolean())
    .meta({ description, type: ['boolean', 'string'], pattern: String.raw`^(true|false)$|\$\{` });
}

/**
 * Text that travels in an HTTP header. Checked by hand, because editors apply a pattern or a length to `${NAME}` itself.
 *
 * @param minLength in characters
 */
export function headerText(minLength: number) {
  return z
    .string()
    .refine(
      (text) => text.length >= minLength,
      minLength === 1 ? 'must not be empty' : `must have at least ${minLength} characters`,
    )
    .refine(
      (text) => /^[\u0021-\u007E]*$/.test(text),
      'must consist of visible ASCII characters, because it travels in an HTTP header',
    );
}
