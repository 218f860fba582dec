import { statSync } from 'node:fs';
import { RELATIVE_PATHS, resolvePath } from './resolve-path.ts';

/**
 * The folders that stand for buckets, as absolute paths, by the bucket without a slash at its end.
 *
 * @param report gets each folder that is not there, by its key
 */
export function resolveFolders(
  storage: Readonly<Record<string, string>>,
  base: string,
  report: (key: string, message: string) => void,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(storage).map(([key, written]) => {
      const path = resolvePath(written, base);
      if (!isFolder(path)) report(key, `is not the path of a folder that can be read; ${RELATIVE_PATHS}`);
      return [key.replace(/\/$/, ''), path];
    }),
  );
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
