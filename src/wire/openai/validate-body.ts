import type { Problem } from '../../errors.ts';
import { describeValue } from '../validation/describe-value.ts';
import { type Check, ProblemCollector } from '../validation/problem-collector.ts';
import { isJsonObject, reportMissing } from '../validation/structure-checks.ts';

export interface ChatRequestOptions {
  /** False where the route or the configuration names the model. Contract section 1.2. */
  readonly modelRequired: boolean;
}

/** All problems of the body of a chat request: that it is an object, has a model where it needs one, and passes `check`. */
export function validateBody(body: unknown, check: Check, { modelRequired }: ChatRequestOptions): Problem[] {
  const collector = new ProblemCollector();
  if (!isJsonObject(body)) {
    collector.report(`The request body must be a JSON object, not ${describeValue(body)}.`);
    return collector.problems;
  }
  const { model } = body;
  if (modelRequired && (model == null || model === '')) reportMissing('model', model, collector);
  check(body, collector);
  return collector.problems;
}
