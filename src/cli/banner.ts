import type { LoadedConfig } from '../config/load.ts';
import { shownModelName } from '../model-store/resolve-model.ts';
import { SERVER_KINDS } from '../translate/relay/server-kinds.ts';

export interface Banner {
  url: string;
  version: string;
  config: LoadedConfig;
}

/** One line about an upstream: what it is, where it lives, and who stands in for it. */
function describeUpstream(name: string, upstream: LoadedConfig['upstreams'][string]): string {
  const fallbacks = upstream.fallback.map((fallback) => fallback.upstream);
  const behind = fallbacks.length === 0 ? '' : `; else ${fallbacks.join(', ')}`;
  return `  Upstream ${name}: ${describePlace(upstream)}${behind}`;
}

function describePlace(upstream: LoadedConfig['upstreams'][string]): string {
  switch (upstream.kind) {
    case 'embedded':
      return `${shownModelName(upstream.model)}, embedded`;
    case 'vertex': {
      const project = upstream.project ?? 'the project of the credentials';
      const place =
        upstream.base_url ??
        `${upstream.location}, ${upstream.api_key === undefined ? project : 'express mode'}`;
      return `Gemini on Vertex AI, ${place}`;
    }
    case 'gemini':
      return `Gemini Developer API${upstream.base_url === undefined ? '' : `, ${upstream.base_url}`}`;
    default: {
      const model = upstream.model === undefined ? '' : `${upstream.model} on `;
      return `${model}${SERVER_KINDS[upstream.kind].product}, ${upstream.base_urls.join(', ')}`;
    }
  }
}

/** What the server says when it has started: where it listens, and who answers for which model. */
export function banner({ url, version, config }: Banner): string {
  const lines = [`Parlance ${version} listens on ${url}`, ''];
  for (const [name, upstream] of Object.entries(config.upstreams))
    lines.push(describeUpstream(name, upstream));
  for (const { match, upstream } of config.models) {
    lines.push(`  ${match === '*' ? 'Every model' : `Models ${match}`} -> ${upstream}`);
  }
  for (const [id, { upstream }] of Object.entries(config.endpoints)) {
    lines.push(`  ${id === '*' ? 'Every endpoint' : `Endpoint ${id}`} -> ${upstream}`);
  }
  lines.push(
    '',
    `  OpenAI base URL      ${url}/v1`,
    `  Vertex AI base URL   ${url}/v1/projects/PROJECT/locations/LOCATION/endpoints/openapi`,
    `  Developer API base   ${url}/v1beta/openai`,
    '',
    ...config.notices.flatMap((notice) => [notice, '']),
  );
  return `${lines.join('\n')}\n`;
}

/** What to do next, once every upstream can answer. */
export function readyText(url: string, config: Pick<LoadedConfig, 'auth'>): string {
  const credential = config.auth.routes.plain.includes('open')
    ? ''
    : ` -H "Authorization: Bearer ${credentialOf(config)}" \\\n   `;
  return `Ready. Try:

  curl ${url}/v1/chat/completions -H 'Content-Type: application/json' \\
   ${credential} -d '{"model": "google/gemini-2.5-flash", "messages": [{"role": "user", "content": "Why is the sky blue?"}]}'

`;
}

/** What a shell puts in place of a credential: a variable that says what it is, or the program that gives one. */
function credentialOf({ auth }: Pick<LoadedConfig, 'auth'>): string {
  return auth.routes.plain.includes('keys') ? '$KEY' : '$(gcloud auth print-access-token)';
}
