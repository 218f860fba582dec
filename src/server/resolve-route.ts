import type { RouteFamily } from '../translate/events/render-options.ts';

/** What a URL path asks for. Contract sections 1.1, 12 and 13. */
export type Route =
  | { readonly kind: 'chat'; readonly family: RouteFamily; readonly endpoint?: string }
  | { readonly kind: 'models'; readonly family: RouteFamily }
  | { readonly kind: 'model'; readonly family: RouteFamily; readonly id: string }
  | { readonly kind: 'health' }
  | { readonly kind: 'ready' }
  | { readonly kind: 'not-implemented'; readonly what: string };

const PROJECT = String.raw`(?:[a-z0-9.:-]{1,64})`;
const LOCATION = String.raw`(?:[a-z0-9-]{1,32})`;
const ENDPOINT = String.raw`[A-Za-z0-9][A-Za-z0-9._-]{0,127}`;
const VERTEX = String.raw`^/v1(?:beta1)?/projects/${PROJECT}/locations/${LOCATION}/endpoints`;

const CHAT = String.raw`/chat/completions$`;
const VERTEX_OPENAPI_CHAT = new RegExp(`${VERTEX}/openapi${CHAT}`);
const VERTEX_ENDPOINT_CHAT = new RegExp(`${VERTEX}/(${ENDPOINT})${CHAT}`);
const VERTEX_MODELS = new RegExp(`${VERTEX}/openapi/models(?:/(.+))?$`);
const VERTEX_PREDICT = new RegExp(`${VERTEX}/${ENDPOINT}:(predict|rawPredict|streamRawPredict)$`);
const DEVAPI_CHAT = new RegExp(`^/v1beta(?:/openai)?${CHAT}`);
const DEVAPI_MODELS = /^\/v1beta\/openai\/models(?:\/(.+))?$/;
const DEVAPI_VIDEOS = /^\/v1beta\/openai\/videos(?:\/.*)?$/;
const PLAIN_CHAT = new RegExp(`^(?:/v1)?${CHAT}`);
const PLAIN_MODELS = /^(?:\/v1)?\/models(?:\/(.+))?$/;

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
  if (VERTEX_OPENAPI_CHAT.test(path)) return { kind: 'chat', family: 'vertex' };
  const endpoint = VERTEX_ENDPOINT_CHAT.exec(path)?.[1];
  if (endpoint !== undefined) return { kind: 'chat', family: 'vertex', endpoint };
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
    const id = match[1];
    if (id === undefined) return { kind: 'models', family };
    const decoded = decode(id);
    return decoded === undefined ? undefined : { kind: 'model', family, id: decoded };
  }
  return undefined;
}

function unimplementedRoute(path: string): Route | undefined {
  const predict = VERTEX_PREDICT.exec(path)?.[1];
  if (predict !== undefined) return { kind: 'not-implemented', what: `:${predict}` };
  if (DEVAPI_VIDEOS.test(path)) return { kind: 'not-implemented', what: 'video generation' };
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
  }
}
