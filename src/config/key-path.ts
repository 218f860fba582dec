/** Steps from the root of the configuration to a value: names and list positions. */
export type KeyPath = readonly PropertyKey[];

/** The path as a person writes it: `models[0].upstream`, `endpoints["a b"].upstream`; empty for the root. */
export function formatKeyPath(path: KeyPath): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (/^[\w*-]+$/.test(String(step))) text += text === '' ? String(step) : `.${String(step)}`;
    else text += `[${JSON.stringify(String(step))}]`;
  }
  return text;
}

/** The value a path leads to; `undefined` where it leads nowhere. Sees own properties only. */
export function valueAt(root: unknown, path: KeyPath): unknown {
  let value = root;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[step];
  }
  return value;
}
