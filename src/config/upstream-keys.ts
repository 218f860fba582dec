/** Keys that several kinds of upstream have. */
import { z } from 'zod';
import { headerText, wholeNumber } from './value-schemas.ts';

export const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** A Gemini API key, one of Vertex AI's express mode, or that of a model server. */
export const apiKeySchema = headerText(1);

export const requestTimeoutSchema = wholeNumber(
  { min: 100, max: DAY_MS },
  'Longest time for one request, waiting included, in milliseconds; then 504.',
).default(600_000);

const fallbackEntrySchema = z
  .preprocess(
    (value) => (typeof value === 'string' ? { upstream: value } : value),
    z.strictObject(
      {
        upstream: z
          .string()
          .describe(
            'Another upstream, asked when this one cannot answer and nothing was sent to the client; the list is gone through in order. Instead of the group, the name alone.',
          ),
        model: z
          .string()
          .min(1, 'must not be empty')
          .exactOptional()
          .describe('Model name that it is asked for. When absent: the one the client wrote.'),
      },
      {
        error: ({ code }) =>
          code === 'invalid_type'
            ? 'must be the name of an upstream, or `{ upstream: NAME, model: MODEL }`'
            : undefined,
      },
    ),
  )
  // Editors may offer the name alone; it is written out before the group is checked.
  .meta({ type: ['object', 'string'] });

/** Absent: empty. The names are checked against each other by `checkReferences`. */
export const fallbackSchema = z
  .array(fallbackEntrySchema)
  .default([])
  .describe('Upstreams that are asked, in this order, when this one cannot answer.');

/** How long an upstream that is called over HTTP may take to answer. */
export const answerTimeoutKeys = {
  first_byte_timeout_ms: wholeNumber(
    { min: 100, max: DAY_MS },
    'Longest wait for the beginning of an answer, in milliseconds. A model may think for minutes before it writes.',
  ).default(120_000),
  idle_timeout_ms: wholeNumber(
    { min: 100, max: DAY_MS },
    'Longest silence within an answer that has begun, in milliseconds.',
  ).default(120_000),
  request_timeout_ms: requestTimeoutSchema,
};

export const connectTimeoutSchema = wholeNumber(
  { min: 100, max: HOUR_MS },
  'Longest time to connect, TLS included, in milliseconds.',
);

/** An absolute HTTP URL that holds no secrets and can be continued by a path. */
export const httpUrlSchema = z
  .string()
  .refine(isBaseUrl, 'must be an `https://` or `http://` URL without user name, query and `#`');

export function isBaseUrl(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) return false;
  return url.username === '' && url.password === '' && !/[?#]/.test(text);
}
