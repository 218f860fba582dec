import { availableParallelism } from 'node:os';
import type { z } from 'zod';
import { apiRoot } from './api-root.ts';
import type { Environment } from './interpolate.ts';
import type { ServerUpstream } from './server-upstream-schema.ts';
import { apiKeySchema } from './upstream-keys.ts';
import {
  type EmbeddedUpstream,
  type FileUpstream,
  type GeminiUpstream,
  locationSchema,
  projectSchema,
  type VertexUpstream,
} from './upstream-schemas.ts';

/** `chat_template` is always the template itself, a `model` that is a path is absolute. */
export interface EmbeddedUpstreamConfig extends EmbeddedUpstream {
  threads: number;
}

/**
 * Exactly one of `credentials`, `access_token` and `api_key` is set. `credentials` is `adc` or an absolute path.
 * Without a `project` it is that of the credentials; with `api_key` there is none.
 */
export interface VertexUpstreamConfig extends VertexUpstream {
  /** `global` with `api_key`. */
  location: string;
}

export interface GeminiUpstreamConfig extends GeminiUpstream {
  api_key: string;
}

/** A model server of one's own, as one or several replicas. */
export interface ServerUpstreamConfig extends Omit<ServerUpstream, 'base_url'> {
  /** Roots of the API, such as `http://10.0.0.5:8000/v1`: one a replica, at least one, no two the same. */
  base_urls: string[];
}

export type UpstreamConfig =
  | EmbeddedUpstreamConfig
  | VertexUpstreamConfig
  | GeminiUpstreamConfig
  | ServerUpstreamConfig;

/** Something wrong with a key of an upstream, or with the environment variable that stands for it. */
export type UpstreamProblem =
  | { readonly key: string; readonly message: string }
  | { readonly variable: string; readonly message: string };

export const API_KEY_VARIABLES: readonly string[] = ['GEMINI_API_KEY', 'GOOGLE_API_KEY'];
export const PROJECT_VARIABLE = 'GOOGLE_CLOUD_PROJECT';
const LOCATION_VARIABLE = 'GOOGLE_CLOUD_LOCATION';
const DEFAULT_LOCATION = 'us-central1';
/** Where Ollama listens when nobody tells it otherwise. */
const OLLAMA_URL = 'http://127.0.0.1:11434';

/**
 * Fills in what an upstream takes from its environment and its machine when the file does not say it.
 *
 * @param report gets what is wrong or missing; then the result is not to be used
 */
export function completeUpstream(
  upstream: FileUpstream,
  env: Environment,
  report: (problem: UpstreamProblem) => void,
): UpstreamConfig {
  switch (upstream.kind) {
    case 'embedded':
      return { threads: Math.max(1, availableParallelism() - 1), ...upstream };
    case 'vertex':
      return completeVertex(upstream, env, report);
    case 'gemini':
      return { ...upstream, api_key: upstream.api_key ?? readApiKey(env, report) };
    default:
      return completeServer(upstream);
  }
}

function completeServer({
  base_url: urls = [OLLAMA_URL],
  ...upstream
}: ServerUpstream): ServerUpstreamConfig {
  return { ...upstream, base_urls: urls.map(apiRoot) };
}

function completeVertex(
  upstream: VertexUpstream,
  env: Environment,
  report: (problem: UpstreamProblem) => void,
): VertexUpstreamConfig {
  if (upstream.api_key !== undefined) return { ...upstream, location: 'global' };
  const project = upstream.project ?? readVariable(PROJECT_VARIABLE, projectSchema, { env, report });
  const location = upstream.location ?? readVariable(LOCATION_VARIABLE, locationSchema, { env, report });
  if (project === undefined && upstream.access_token !== undefined) {
    const message = `is missing: an access token does not tell its project; name one, or set ${PROJECT_VARIABLE}`;
    report({ key: 'project', message });
  }
  return {
    ...upstream,
    ...(project !== undefined && { project }),
    location: location ?? DEFAULT_LOCATION,
    ...(upstream.access_token === undefined && { credentials: upstream.credentials ?? 'adc' }),
  };
}

function readApiKey(env: Environment, report: (problem: UpstreamProblem) => void): string {
  const variable = API_KEY_VARIABLES.find((name) => isSet(env, name));
  if (variable !== undefined) return readVariable(variable, apiKeySchema, { env, report }) ?? '';
  report({
    key: 'api_key',
    message: `is missing; set ${API_KEY_VARIABLES.join(' or ')}, or write the key here`,
  });
  return '';
}

/** What a variable says, checked as the file's own value would be. */
function readVariable(
  variable: string,
  schema: z.ZodType<string>,
  { env, report }: { env: Environment; report: (problem: UpstreamProblem) => void },
): string | undefined {
  if (!isSet(env, variable)) return undefined;
  const { data, error } = schema.safeParse(env[variable]);
  if (error !== undefined) {
    report({ variable, message: `${error.issues[0]!.message} (environment variable)` });
  }
  return data;
}

/** A variable that is set to nothing counts as not set. */
export function isSet(env: Environment, variable: string): boolean {
  return env[variable] !== undefined && env[variable] !== '';
}
