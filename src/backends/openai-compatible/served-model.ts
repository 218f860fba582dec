import { GatewayError } from '../../errors.ts';
import type { BackendModel, ChatCall } from '../backend.ts';

/** What is known of the models behind an upstream. */
export interface KnownModels {
  /** The upstream's name. */
  readonly upstream: string;
  /** What the configuration says. */
  readonly configured: string | undefined;
  /** What the server lists; `undefined` where it could not be asked. */
  readonly listed: readonly BackendModel[] | undefined;
}

/** Models named in a message at most. */
const MAX_NAMED = 10;

/**
 * The name the server is asked for: the endpoint's, the upstream's, the client's if the server lists it, the only one
 * the server has, and else the client's as it is.
 *
 * @returns `undefined` when nobody has named one, and the server does not list its models
 * @throws {GatewayError} `missing_required_parameter` when nobody has named one of several
 */
export function servedModel(
  { asked, model, isModelFixed }: Pick<ChatCall, 'asked' | 'model' | 'isModelFixed'>,
  { upstream, configured, listed = [] }: KnownModels,
): string | undefined {
  if (isModelFixed) return model;
  if (configured !== undefined) return configured;
  const known = [asked, model].find((name) => listed.some(({ id }) => id === name));
  if (known !== undefined) return known;
  const [only, ...others] = listed;
  if (only !== undefined && others.length === 0) return only.id;
  if (asked !== '') return asked;
  if (only === undefined) return undefined;
  const names = listed.slice(0, MAX_NAMED).map(({ id }) => id);
  throw new GatewayError(
    'missing_required_parameter',
    `Name a model: the upstream ${upstream} has ${names.join(', ')}${listed.length > MAX_NAMED ? ' and more' : ''}.`,
    { param: 'model' },
  );
}
