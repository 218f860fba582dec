import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Path of a program of this machine; `undefined` when it has none. */
export function findProgram(name: string): string | undefined {
  const places = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, name));
  return places.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
