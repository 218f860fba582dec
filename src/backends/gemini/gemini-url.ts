import { GatewayError } from '../../errors.ts';

/** Where a Gemini upstream lives. */
export type GeminiPlace =
  | {
      readonly upstream: 'vertex';
      /** `undefined`: the project of the credentials. */
      readonly project: string | undefined;
      /** An API key stands for project and location. */
      readonly isExpress: boolean;
      readonly location: string;
      readonly version: string;
      /** Replaces the host that follows from the location. */
      readonly baseUrl?: string | undefined;
    }
  | { readonly upstream: 'gemini'; readonly version: string; readonly baseUrl?: string | undefined };

export type GeminiMethod = 'generateContent' | 'streamGenerateContent';

export interface GeminiUrl {
  readonly origin: string;
  readonly path: string;
}

const MULTI_REGIONS: ReadonlySet<string> = new Set(['us', 'eu']);

/** Google's host for a location. gemini-native section 1.1. */
export function vertexHost(location: string): string {
  if (location === 'global') return 'aiplatform.googleapis.com';
  if (MULTI_REGIONS.has(location)) return `aiplatform.${location}.rep.googleapis.com`;
  return `${location}-aiplatform.googleapis.com`;
}

/**
 * URL of a method on a model.
 *
 * @param model bare model id; `projects/…/endpoints/ID` and `endpoints/ID` name a tuned model
 * @throws {GatewayError} `model_not_found` for a name that is more than one path segment
 */
export function geminiUrl(place: GeminiPlace, model: string, method: GeminiMethod): GeminiUrl {
  const query = method === 'streamGenerateContent' ? '?alt=sse' : '';
  const { origin, prefix } = apiRoot(place);
  return {
    origin,
    path: `${prefix}/${place.version}/${resourceName(place, model)}:${method}${query}`,
  };
}

/** What stands before the version in every URL of a place. */
export function apiRoot(place: GeminiPlace): { readonly origin: string; readonly prefix: string } {
  const { origin, pathname } = new URL(place.baseUrl ?? defaultBase(place));
  return { origin, prefix: pathname === '/' ? '' : pathname.replace(/\/$/, '') };
}

function defaultBase(place: GeminiPlace): string {
  return place.upstream === 'gemini'
    ? 'https://generativelanguage.googleapis.com'
    : `https://${vertexHost(place.location)}`;
}

const ENDPOINT = /^(?:projects\/[^/]+\/locations\/[^/]+\/)?endpoints\/([^/]+)$/;

function resourceName(place: GeminiPlace, model: string): string {
  if (place.upstream === 'gemini') {
    const tuned = /^tunedModels\/([^/]+)$/.exec(model)?.[1];
    return tuned === undefined ? `models/${segment(model)}` : `tunedModels/${segment(tuned)}`;
  }
  const parent =
    place.isExpress || place.project === undefined
      ? ''
      : `projects/${segment(place.project)}/locations/${segment(place.location)}/`;
  const endpoint = ENDPOINT.exec(model)?.[1];
  if (endpoint !== undefined) return `${parent}endpoints/${segment(endpoint)}`;
  return `${parent}publishers/google/models/${segment(model)}`;
}

/** One path segment, whatever a client wrote: a name can never climb out of its place in the URL. */
function segment(name: string): string {
  if (name === '' || name === '.' || name === '..' || name.includes('/')) {
    throw new GatewayError('model_not_found', `The model ${JSON.stringify(name)} is not a Gemini model.`, {
      param: 'model',
    });
  }
  return encodeURIComponent(name);
}
