import type { Principal } from '../auth/inbound/principal.ts';
import type { CallerPolicy } from '../caller-policy.ts';
import { GatewayError } from '../errors.ts';
import { globPattern } from '../glob-pattern.ts';
import { modelNameSpellings } from './model-name.ts';

/** What a request is about. */
export interface Wanted {
  /** As the client wrote it; empty where it named none. */
  readonly model: string;
  readonly endpoint?: string | undefined;
  /** Of the URL. */
  readonly project?: string | undefined;
}

/** Characters of a model's name that a refusal repeats: whether it is a name at all is checked later. */
const MAX_SHOWN = 256;

/** @throws {GatewayError} `permission_denied` for what this caller may not ask for */
export function assertAllowed(
  { id, policy }: Pick<Principal, 'id' | 'policy'>,
  { model, endpoint, project }: Wanted,
): void {
  if (policy === undefined) return;
  const { endpoints, projects } = policy;
  if (endpoints !== undefined && endpoint !== undefined && !endpoints.includes(endpoint)) {
    throw denied(id, `the endpoint ${endpoint}`);
  }
  if (projects !== undefined && (project === undefined || !projects.includes(project))) {
    throw denied(id, project === undefined ? 'a path without a project' : `the project ${project}`);
  }
  // Who was given an endpoint was given what answers there. Any other may pass on the name that the client chose.
  const isGiven = endpoint !== undefined && endpoints !== undefined;
  if (!isGiven && !isModelAllowed(policy, model))
    throw denied(id, `the model ${JSON.stringify(model.slice(0, MAX_SHOWN))}`, 'model');
}

/** Whether a caller may ask for a model by this name. */
export function isModelAllowed(policy: CallerPolicy | undefined, model: string): boolean {
  if (policy?.models === undefined) return true;
  const names = modelNameSpellings(model);
  return policy.models.some((glob) => names.some((name) => globPattern(glob).test(name)));
}

function denied(id: string, what: string, param?: string): GatewayError {
  return new GatewayError(
    'permission_denied',
    `${id} may not use ${what}. Ask who runs this server for it.`,
    param === undefined ? {} : { param },
  );
}
