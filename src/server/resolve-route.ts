import type { RouteFamily } from '../translate/events/render-options.ts';

/** Project and location as a URL of Vertex AI names them. */
export interface UrlPlace {
  readonly project: string;
  readonly location: string;
}

/** What a URL path asks for. Contract sections 1.1, 12 and 13. */
export type Route =
  | {
      readonly kind: 'chat';
      readonly family: RouteFamily;
      readonly endpoint?: string;
      /** Of a URL of Vertex AI. */
      readonly place?: UrlPlace;
    }
  | { readonly kind: 'models'; readonly family: RouteFamily }
  | { readonly kind: 'model'; readonly family: RouteFamily; readonly id: string }
  | { readonly kind: 'health' }
  | { readonly kind: 'ready' }
  /** Perhaps one of the local sign-in, which knows its paths itself. */
  | { readonly kind: 'sign-in' }
  | { readonly kind: 'not-implemented'; readonly family: RouteFamily; readonly what: string };

const PROJECT = String.raw`[a-z0-9.:-]{1,64}`;
const LOCATION = String.raw`[a-z0-9-]{1,32}`;
const ENDPOINT = String.raw`[A-Za-z0-9][A-Za-z0-9._-]{0,127}`;
const VERTEX = String.raw`^/v1(?:beta1)?/projects/(${PROJECT})/locations/(${LOCATION})/endpoints`;

const CHAT = String.raw`/chat/completions$`;
const VERTEX_ENDPOINT_CHAT = new RegExp(`${VERTEX}/(${ENDPOINT})${CHAT}`);
const VERTEX_MODELS = new RegExp(`${VERTEX}/openapi/models(?:/(?<id>.+))?$`);
const VERTEX_PREDICT = new RegExp(`${VERTEX}/${ENDPOINT}:(?<method>predict|rawPredict|streamRawPredict)$`);
const DEVAPI_CHAT = new RegExp(`^/v1beta(?:/openai)?${CHAT}`);
const DEVAPI_MODELS = /^\/v1beta\/openai\/models(?:\/(?<id>.+))?$/;
const DEVAPI_VIDEOS = /^\/v1beta\/openai\/videos(?:\/.*)?$/;
const PLAIN_CHAT = new RegExp(`^(?:/v1)?${CHAT}`);
const PLAIN_MODELS = /^(?:\/v1)?\/models(?:\/(?<id>.+))?$/;

/**
 * The path without what clients add by mistake: doubled slashes, a trailing slash. Escapes stay as they are, so that
 * no spelling of a path can mean another than it says.
 */
export function normalisePath(path: string): string {
  const single = path.replace(/\/{2,}/g, '/');
  return single.length > 1 && single.endsWith('/') ? single.slice(0, -1) : single;
}

/** The route of a normalised path; `undefined` for an unknown one. */
export function resolveRoute(path: string): Route | undefined {
  if (path === '/healthz') return { kind: 'health' };
  if (path === '/readyz') return { kind: 'ready' };
  const [, project, location, endpoint] = VERTEX_ENDPOINT_CHAT.exec(path) ?? [];
  if (project !== undefined && location !== undefined && endpoint !== undefined) {
    const place = { project, location };
    return { kind: 'chat', family: 'vertex', place, ...(endpoint === 'openapi' ? {} : { endpoint }) };
  }
  if (DEVAPI_CHAT.test(path)) return { kind: 'chat', family: 'devapi' };
  if (PLAIN_CHAT.test(path)) return { kind: 'chat', family: 'plain' };
  return modelsRoute(path) ?? unimplementedRoute(path);
}

function modelsRoute(path: string): Route | undefined {
  const families: [RegExp, RouteFamily][] = [
    [VERTEX_MODELS, 'vertex'],
    [DEVAPI_MODELS, 'devapi'],
    [PLAIN_MODELS, 'plain'],
  ];
  for (const [pattern, family] of families) {
    const match = pattern.exec(path);
    if (match === null) continue;
    const id = match.groups?.['id'];
    if (id === undefined) return { kind: 'models', family };
    const decoded = decode(id);
    return decoded === undefined ? undefined : { kind: 'model', family, id: decoded };
  }
  return undefined;
}

function unimplementedRoute(path: string): Route | undefined {
  const predict = VERTEX_PREDICT.exec(path)?.groups?.['method'];
  if (predict !== undefined) return { kind: 'not-implemented', family: 'vertex', what: `:${predict}` };
  if (DEVAPI_VIDEOS.test(path))
    return { kind: 'not-implemented', family: 'devapi', what: 'video generation' };
  return undefined;
}

/** Clients escape the slash in `google/gemini`; a broken escape names nothing. */
function decode(id: string): string | undefined {
  try {
    return decodeURIComponent(id);
  } catch {
    return undefined;
  }
}

/** Methods a route answers, for the `Allow` header. */
export function allowedMethods(route: Route): readonly string[] {
  switch (route.kind) {
    case 'chat':
    case 'not-implemented':
      return ['POST'];
    case 'models':
    case 'model':
    case 'health':
    case 'ready':
      return ['GET', 'HEAD'];
    case 'sign-in':
      return ['GET', 'POST'];
  }
}
