import type { Problem } from '../../errors.ts';
import { describeValue } from '../validation/describe-value.ts';
import type { Check } from '../validation/problem-collector.ts';
import { checkBoolean, textOf } from '../validation/scalar-checks.ts';
import { objectOf } from '../validation/structure-checks.ts';
import { type ChatRequestOptions, validateBody } from './validate-body.ts';

const checkList: Check = (value, collector) => {
  if (!Array.isArray(value)) collector.report(`must be an array, not ${describeValue(value)}`);
};

/** Servers name models by paths, tags and adapters; the name never becomes part of a URL. */
const MAX_MODEL_NAME = 256;

const checkEnvelope = objectOf(
  { messages: checkList, model: textOf({ max: MAX_MODEL_NAME }), stream: checkBoolean },
  ['messages'],
);

/**
 * What has to be right in a request that is passed on to a model server: only what routing and the relay themselves
 * read. Parameter support is the server's. Contract section 12.
 */
export function validateEnvelope(body: unknown, options: ChatRequestOptions): Problem[] {
  return validateBody(body, checkEnvelope, options);
}
