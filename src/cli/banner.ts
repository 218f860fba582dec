import type { LoadedConfig } from '../config/load.ts';

export interface Banner {
  url: string;
  version: string;
  config: LoadedConfig;
}

/** One line about an upstream: what it is and where it lives. */
function describeUpstream(name: string, upstream: LoadedConfig['upstreams'][string]): string {
  switch (upstream.kind) {
    case 'embedded':
      return `  Upstream ${name}: ${upstream.model}, embedded`;
    case 'vertex': {
      const project = upstream.project ?? 'the project of the credentials';
      const place =
        upstream.base_url ??
        `${upstream.location}, ${upstream.api_key === undefined ? project : 'express mode'}`;
      return `  Upstream ${name}: Gemini on Vertex AI, ${place}`;
    }
    case 'gemini':
      return `  Upstream ${name}: Gemini Developer API${upstream.base_url === undefined ? '' : `, ${upstream.base_url}`}`;
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
export function readyText(url: string): string {
  return `Ready. Try:

  curl ${url}/v1/chat/completions -H 'Content-Type: application/json' \\
    -d '{"model": "google/gemini-2.5-flash", "messages": [{"role": "user", "content": "Why is the sky blue?"}]}'

`;
}
