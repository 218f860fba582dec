const IDENTIFIER = /^[A-Za-z_$][A-Za-z0-9_$]*$/;
const MAX_KEY_CHARACTERS = 64;
const MAX_PATH_CHARACTERS = 512;

/** One step of a JSON path: a member name or an array index. */
export type PathKey = string | number;

/**
 * The JSON path of a place, as it stands in `param`: `messages[0].content[1].text`, and `["odd key"]` for names
 * that are no identifiers. `null` for the root. Names chosen by the client are cut, so that a path stays readable.
 */
export function formatJsonPath(keys: readonly PathKey[]): string | null {
  if (keys.length === 0) return null;
  let path = '';
  for (const key of keys) {
    if (path.length > MAX_PATH_CHARACTERS) return `${path}…`;
    path += formatKey(key, path === '');
  }
  return path;
}

function formatKey(key: PathKey, isFirst: boolean): string {
  if (typeof key === 'number') return `[${key}]`;
  const name = key.length > MAX_KEY_CHARACTERS ? `${key.slice(0, MAX_KEY_CHARACTERS)}…` : key;
  if (!IDENTIFIER.test(name)) return `[${JSON.stringify(name)}]`;
  return isFirst ? name : `.${name}`;
}
