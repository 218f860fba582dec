import { createHash } from 'node:crypto';
import { basename, isAbsolute, resolve } from 'node:path';
import type { CatalogueModel, ModelFile } from './catalogue.ts';

/** What a model name in the configuration or on the command line stands for. */
export type ModelReference =
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'managed'; readonly model: ModelFile }
  /** Neither path, URL nor catalogue name: a file somebody may have put into the models folder. */
  | { readonly kind: 'unmanaged'; readonly candidates: readonly string[] };

const HTTP_URL = /^https?:\/\//i;
const PLAIN_FILE_NAME = /^[A-Za-z0-9][\w.-]*$/;

/** @returns `undefined` when the name can stand for nothing: it is empty or has characters no model name has */
export function resolveModel(name: string, catalogue: readonly CatalogueModel[]): ModelReference | undefined {
  const known = catalogue.find((model) => model.name === name);
  if (known !== undefined) return { kind: 'managed', model: known };
  if (HTTP_URL.test(name)) {
    const model = modelFromUrl(name);
    return model === undefined ? undefined : { kind: 'managed', model };
  }
  if (isAbsolute(name) || /[/\\]/.test(name)) return { kind: 'path', path: resolve(name) };
  if (!PLAIN_FILE_NAME.test(name)) return undefined;
  return { kind: 'unmanaged', candidates: name.endsWith('.gguf') ? [name] : [name, `${name}.gguf`] };
}

/** A model's name for people: a URL without query and user, which often hold a secret. */
export function shownModelName(name: string): string {
  return name.replace(/^(https?:\/\/)(?:[^/?#]*@)?([^?#]*).*$/is, '$1$2');
}

/**
 * A URL becomes a file name that carries a piece of the URL's hash: two repositories may well publish
 * files of one name. Query and user name stay out of it: the secrets in them change.
 */
function modelFromUrl(name: string): ModelFile | undefined {
  if (!URL.canParse(name)) return undefined;
  const url = new URL(name);
  const last = basename(url.pathname);
  if (!/\.gguf$/i.test(last)) return undefined;
  const digest = createHash('sha256').update(`${url.origin}${url.pathname}`).digest('hex').slice(0, 8);
  const stem = last.slice(0, -'.gguf'.length).replaceAll(/[^\w.-]/g, '_');
  return {
    name: shownModelName(url.href),
    file: `${stem}-${digest}.gguf`,
    sources: [{ kind: 'url', url: name }],
  };
}
