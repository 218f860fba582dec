/**
 * Shows that the library entry points need no runtime and no package, and stay small: each is bundled for no platform
 * in particular, with nothing left to import, and its minified size held against a budget.
 *
 * Usage: node scripts/check-neutral-bundle.ts
 * The exit code is 1 when an entry point cannot be bundled that way or is over its budget.
 */
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const ROOT = join(import.meta.dirname, '..');

/** Minified bytes at most: what it was when last looked at, and a tenth. Raise it on purpose only. */
const BUDGETS: Readonly<Record<string, number>> = {
  'src/translate/index.ts': 131_000,
  'src/wire/index.ts': 32_500,
};

/**
 * One script that holds a module and everything it imports.
 *
 * @param source the module's text; relative imports start at the root of the checkout
 * @param globalName variable that gets the exports; without one the script is a module itself
 * @throws when the module imports anything that is not in the checkout
 */
export async function bundleNeutral(source: string, globalName?: string): Promise<string> {
  const { outputFiles, metafile } = await build({
    stdin: { contents: source, resolveDir: ROOT, loader: 'ts' },
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    platform: 'neutral',
    target: 'es2024',
    packages: 'external',
    logLevel: 'silent',
    ...(globalName === undefined ? { format: 'esm' } : { format: 'iife', globalName }),
  });
  const imports = Object.values(metafile.inputs).flatMap((input) => input.imports);
  const foreign = imports.filter(({ external }) => external === true).map(({ path }) => path);
  if (foreign.length > 0) throw new Error(`needs more than the language: ${foreign.join(', ')}`);
  return outputFiles[0]!.text;
}

/** What is wrong with an entry point; `undefined` when nothing is. */
async function checkEntry(entry: string, budget: number): Promise<string | undefined> {
  const code = await bundleNeutral(`export * from './${entry}';`);
  const bytes = Buffer.byteLength(code);
  console.log(`${entry}: ${bytes} bytes minified, ${gzipSync(code).length} gzipped, budget ${budget}`);
  return bytes > budget ? `is ${bytes - budget} bytes over its budget` : undefined;
}

if (import.meta.main) {
  for (const [entry, budget] of Object.entries(BUDGETS)) {
    const problem = await checkEntry(entry, budget).catch((error: unknown) =>
      error instanceof Error ? error.message : String(error),
    );
    if (problem === undefined) continue;
    console.error(`${entry}: ${problem}`);
    process.exitCode = 1;
  }
}
