import { effectiveMember } from '../../../translate/relay/lift-extra-body.ts';
import { isJsonObject, type JsonObject } from '../../../wire/validation/structure-checks.ts';
import type { JsonSchema } from './schema-checker.ts';

export interface CheckPolicy {
  /** `auto`: what is marked `strict`, of servers that do not keep to schemas by themselves. */
  readonly check: 'auto' | 'always' | 'never';
  /** Whether the server keeps to schemas while its model writes. */
  readonly isEnforced: boolean;
}

/** The schema an answer is to be held against; `undefined` when there is none, or no check is wanted. */
export function wantedSchema(
  request: JsonObject,
  { check, isEnforced }: CheckPolicy,
): JsonSchema | undefined {
  if (check === 'never' || (check === 'auto' && isEnforced)) return undefined;
  const { value: format } = effectiveMember(request, 'response_format');
  if (!isJsonObject(format) || format['type'] !== 'json_schema') return undefined;
  const wanted = format['json_schema'];
  if (!isJsonObject(wanted) || (check === 'auto' && wanted['strict'] !== true)) return undefined;
  const { schema } = wanted;
  return isJsonObject(schema) || typeof schema === 'boolean' ? schema : undefined;
}
