/** The spellings of a model's name. Contract section 1.2. */

const NAME = /^[A-Za-z0-9._:@/-]{1,256}$/;
const DOT_OR_EMPTY_SEGMENT = /(?:^|\/)\.{0,2}(?:\/|$)/;
const RESOURCE_NAME = /^(?:projects\/[^/]+\/locations\/[^/]+\/)?publishers\/([^/]+)\/models\/([^/]+)$/;

/** Whether a text can name a model at all; the same rule as for the `model` of a request. */
export function isModelName(text: string): boolean {
  return NAME.test(text) && !DOT_OR_EMPTY_SEGMENT.test(text);
}

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
