/** The spellings of a model's name. Contract section 1.2. */

const RESOURCE_NAME = /^(?:projects\/[^/]+\/locations\/[^/]+\/)?publishers\/([^/]+)\/models\/([^/]+)$/;

/** The name without `google/`, `models/` or the resource path in front of it; other publishers stay. */
export function bareModelName(asked: string): string {
  const [, publisher, model] = RESOURCE_NAME.exec(asked) ?? [];
  if (publisher !== undefined && model !== undefined) {
    return publisher === 'google' ? model : `${publisher}/${model}`;
  }
  if (asked.startsWith('models/')) return asked.slice('models/'.length);
  if (asked.startsWith('google/')) return asked.slice('google/'.length);
  return asked;
}

/** All names under which a routing rule may know a model: as asked, bare, and with Google as publisher. */
export function modelNameSpellings(asked: string): string[] {
  const bare = bareModelName(asked);
  const names = [asked, bare];
  if (!bare.includes('/')) names.push(`google/${bare}`);
  return names;
}
