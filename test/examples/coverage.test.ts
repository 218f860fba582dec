import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const EXAMPLES = resolve(import.meta.dirname, '../../examples');
const LANGUAGES = ['curl', 'python', 'node'];

const files = LANGUAGES.flatMap((language) =>
  readdirSync(join(EXAMPLES, language), { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => ({ language, name })),
);

describe('every example', () => {
  it.each(files)('$language/$name is listed in the README', ({ language, name }) => {
    expect(readFileSync(join(EXAMPLES, 'README.md'), 'utf8')).toContain(`(${language}/${name})`);
  });

  it.each(files.filter(({ name }) => !['access_token.py', 'requirements.txt'].includes(name)))(
    '$language/$name is run by a test',
    ({ language, name }) => {
      const tests = [`${language}.e2e.test.ts`, 'endpoint-programs.ts', '../auth/sign-in.e2e.test.ts'].map(
        (file) => readFileSync(join(import.meta.dirname, file), 'utf8'),
      );
      expect(tests.join('')).toContain(`'${name}'`);
    },
  );

  it('is in the README only if it is there', () => {
    const readme = readFileSync(join(EXAMPLES, 'README.md'), 'utf8');
    const linked = [...readme.matchAll(/\((\w+\/[\w.-]+)\)/g)].map(([, path]) => path);
    const known = files.map(({ language, name }) => `${language}/${name}`);
    expect(new Set(linked)).toEqual(new Set(known));
  });
});
