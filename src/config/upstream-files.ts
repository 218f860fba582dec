import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import type { UpstreamProblem } from './complete-upstream.ts';
import { RELATIVE_PATHS, resolvePath } from './resolve-path.ts';
import type { EmbeddedUpstream, FileUpstream, VertexUpstream } from './upstream-schemas.ts';

/**
 * Makes an upstream independent of where its file lies: paths of a `model`, a `projector` and of `credentials` become absolute
 * (catalogue names, URLs and `adc` stay), a `chat_template` path becomes the text of that file.
 *
 * @param folder absolute; where relative paths start
 * @param report gets what cannot be read; then the result is not to be used
 */
export function resolveUpstreamFiles(
  upstream: FileUpstream,
  folder: string,
  report: (problem: UpstreamProblem) => void,
): FileUpstream {
  switch (upstream.kind) {
    case 'embedded':
      return resolveModel(upstream, folder, report);
    case 'vertex':
      return resolveCredentials(upstream, folder, report);
    default:
      return upstream;
  }
}

function resolveModel(
  upstream: EmbeddedUpstream,
  folder: string,
  report: (problem: UpstreamProblem) => void,
): EmbeddedUpstream {
  const absolute = (name: string): string => (isModelPath(name) ? resolvePath(name, folder) : name);
  const resolved: EmbeddedUpstream = {
    ...upstream,
    model: absolute(upstream.model),
    ...(upstream.projector === undefined ? {} : { projector: absolute(upstream.projector) }),
  };
  if (upstream.chat_template === undefined) return resolved;
  const template = readTemplate(upstream.chat_template, folder);
  if (template !== undefined) return { ...resolved, chat_template: template };
  report({
    key: 'chat_template',
    message: `is neither a Jinja template (it has no \`{{\` or \`{%\`) nor the path of a file that can be read; ${RELATIVE_PATHS}`,
  });
  return upstream;
}

function resolveCredentials(
  upstream: VertexUpstream,
  folder: string,
  report: (problem: UpstreamProblem) => void,
): VertexUpstream {
  const { credentials } = upstream;
  if (credentials === undefined || credentials === 'adc') return upstream;
  const path = resolvePath(credentials, folder);
  if (!isReadableFile(path)) {
    report({
      key: 'credentials',
      message: `is neither \`adc\` nor the path of a file that can be read; ${RELATIVE_PATHS}`,
    });
  }
  return { ...upstream, credentials: path };
}

const isModelPath = (model: string) =>
  !model.startsWith('https://') && (/[\\/]/.test(model) || /\.gguf$/i.test(model));

/** A template has Jinja's braces: without them it would leave the conversation out. */
function readTemplate(template: string, folder: string): string | undefined {
  if (/\{[{%]/.test(template)) return template;
  try {
    return readFileSync(resolvePath(template, folder), 'utf8');
  } catch {
    return undefined;
  }
}

function isReadableFile(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
