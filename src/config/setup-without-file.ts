import { API_KEY_VARIABLES, isSet, PROJECT_VARIABLE } from './complete-upstream.ts';
import type { Environment } from './interpolate.ts';
import type { FileConfig } from './schema.ts';
import { DEFAULT_UPSTREAM, upstreamSchema } from './upstream-schemas.ts';

export interface Setup extends Required<Pick<FileConfig, 'upstreams' | 'models' | 'endpoints'>> {
  /** What was chosen and why, for the user. Names variables, never what they hold. */
  readonly notice: string;
}

/** Gemini models in Google's spelling; routing tries the others too. */
const GEMINI_MODELS = 'google/gemini-*';
/** Name of the upstream with the embedded model. */
const LOCAL = 'local';

/**
 * Upstreams and routes for a server that was given no file, from what its environment holds: a Gemini API key, else
 * Google credentials with a project, else nothing but the embedded model, which in any case answers for the rest.
 */
export function setUpWithoutFile(env: Environment, hasGoogleCredentials: boolean): Setup {
  const keyVariable = API_KEY_VARIABLES.find((name) => isSet(env, name));
  if (keyVariable !== undefined) {
    return withGemini('gemini', `${keyVariable} is set`, 'the Gemini Developer API');
  }
  if (hasGoogleCredentials && isSet(env, PROJECT_VARIABLE)) {
    return withGemini('vertex', `there are Google credentials and ${PROJECT_VARIABLE} is set`, 'Vertex AI');
  }
  const notice = `There is no configuration file: every model name and every endpoint is answered by ${EMBEDDED_MODEL}.`;
  const hint = ` Google credentials were found and are not used; set ${PROJECT_VARIABLE} to have Gemini models answered by Vertex AI.`;
  return {
    upstreams: { [LOCAL]: DEFAULT_UPSTREAM },
    models: [{ match: '*', upstream: LOCAL }],
    endpoints: { '*': { upstream: LOCAL } },
    notice: hasGoogleCredentials ? notice + hint : notice,
  };
}

const EMBEDDED_MODEL = `the embedded model ${DEFAULT_UPSTREAM.model}`;

function withGemini(kind: 'gemini' | 'vertex', reason: string, product: string): Setup {
  return {
    upstreams: { [kind]: upstreamSchema.parse({ kind }), [LOCAL]: DEFAULT_UPSTREAM },
    models: [
      { match: GEMINI_MODELS, upstream: kind },
      { match: '*', upstream: LOCAL },
    ],
    endpoints: { '*': { upstream: LOCAL } },
    notice: `There is no configuration file, and ${reason}: Gemini models are answered by ${product}, which may charge for it; every other model name and every endpoint by ${EMBEDDED_MODEL}.`,
  };
}
