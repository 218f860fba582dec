import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import type { FileUpstream } from './schema.ts';

export interface ResolvedUpstream {
  readonly upstream: FileUpstream;
  readonly problems: readonly { readonly key: string; readonly message: string }[];
}

/**
 * Makes an upstream independent of where its file lies: a `model` path becomes absolute (catalogue names and URLs
 * stay), a `chat_template` path becomes the text of that file.
 *
 * @param folder absolute; where relative paths start
 */
export function resolveUpstreamFiles(upstream: FileUpstream, folder: string): ResolvedUpstream {
  const model = isModelPath(upstream.model) ? resolvePath(upstream.model, folder) : upstream.model;
  if (upstream.chat_template === undefined) return { upstream: { ...upstream, model }, problems: [] };
  const template = readTemplate(upstream.chat_template, folder);
  if (template !== undefined)
    return { upstream: { ...upstream, model, chat_template: template }, problems: [] };
  const message =
    'is neither a Jinja template (it has no `{{` or `{%`) nor the path of a file that can be read; relative paths start at the folder of the configuration file';
  return { upstream, problems: [{ key: 'chat_template', message }] };
}

const isModelPath = (model: string) =>
  !model.startsWith('https://') && (/[\\/]/.test(model) || /\.gguf$/i.test(model));

const resolvePath = (path: string, folder: string) =>
  path.startsWith('~/') ? resolve(homedir(), path.slice(2)) : resolve(folder, path);

/** A template has Jinja's braces: without them it would leave the conversation out. */
function readTemplate(template: string, folder: string): string | undefined {
  if (/\{[{%]/.test(template)) return template;
  try {
    return readFileSync(resolvePath(template, folder), 'utf8');
  } catch {
    return undefined;
  }
}
