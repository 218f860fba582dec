import { defineConfig, type OxlintOverride } from 'oxlint';

/**
 * Which way imports run: a folder may import itself and the layers above it in this list, nothing else.
 * Folders of one layer do not know each other.
 */
const LAYERS: readonly (readonly string[])[] = [
  [
    'caller-policy.ts',
    'code-of.ts',
    'errors.ts',
    'glob-pattern.ts',
    'ids.ts',
    'lru-map.ts',
    'single-flight.ts',
  ],
  ['wire'],
  ['translate'],
  ['upstream', 'locks'],
  ['observability', 'model-store', 'auth', 'state', 'media'],
  ['backends'],
  ['routing'],
  ['server'],
  ['config'],
  ['compose'],
  ['cli'],
];

/** Folders whose code runs in any JavaScript runtime: no Node.js modules, no packages. */
const NEUTRAL = new Set(['wire', 'translate']);

/** The one file that may load the native engine, and the one that may load what decodes images. */
const NATIVE_BINDING = 'src/backends/embedded/engine/llama-binding.ts';
const NATIVE_PACKAGE = {
  regex: '^node-llama-cpp$',
  message: `Only ${NATIVE_BINDING} knows the native engine.`,
};
const IMAGE_DECODER = 'src/backends/embedded/media-engine/prepare-image.ts';
const IMAGE_PACKAGE = {
  regex: '^sharp$',
  message: `Only ${IMAGE_DECODER} decodes images: it runs in a process of its own.`,
};

/** What files of a layer must not import. */
function restrictionsOf(level: number, name: string): { regex: string; message: string }[] {
  const others = LAYERS.flatMap((names, at) => (at >= level ? names : [])).filter((other) => other !== name);
  const places = others.map((other) =>
    other.endsWith('.ts') ? `${other.replace('.', '\\.')}$` : `${other}/`,
  );
  return [
    NATIVE_PACKAGE,
    IMAGE_PACKAGE,
    ...(places.length === 0
      ? []
      : [
          {
            regex: `^(\\.\\./)+(${places.join('|')})`,
            message: `${name} may not import this: imports run towards errors.ts only, see the layers in oxlint.config.ts.`,
          },
        ]),
    ...(NEUTRAL.has(name)
      ? [{ regex: '^[^.]', message: `${name} runs in any JavaScript runtime: no modules from outside.` }]
      : []),
  ];
}

const boundaries: OxlintOverride[] = LAYERS.flatMap((names, level) =>
  names.map((name) => ({
    files: [name.endsWith('.ts') ? `src/${name}` : `src/${name}/**`],
    rules: { 'no-restricted-imports': ['error', { patterns: restrictionsOf(level, name) }] },
  })),
);

export default defineConfig({
  plugins: ['typescript', 'unicorn', 'oxc', 'import', 'promise', 'vitest'],
  categories: { correctness: 'error', suspicious: 'error', perf: 'error' },
  rules: {
    'typescript/no-explicit-any': 'error',
    'typescript/no-floating-promises': 'error',
    'typescript/no-misused-promises': 'error',
    'typescript/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    'typescript/no-unsafe-type-assertion': 'off',
    'typescript/consistent-type-imports': 'error',
    'import/no-cycle': 'error',
    'no-await-in-loop': 'off',
    // TypeScript's noImplicitReturns knows an exhaustive switch, this rule does not.
    'typescript/consistent-return': 'off',
    'consistent-return': 'off',
    'import/no-named-as-default-member': 'off',
    'no-underscore-dangle': 'off',
    'import/no-unassigned-import': 'off',
    'unicorn/no-array-sort': 'off',
    eqeqeq: ['error', 'always', { null: 'ignore' }],
    'no-console': 'error',
    'vitest/expect-expect': ['error', { assertFunctionNames: ['expect', 'fc.assert'] }],
  },
  overrides: [
    ...boundaries,
    { files: [NATIVE_BINDING, IMAGE_DECODER], rules: { 'no-restricted-imports': 'off' } },
    { files: ['src/cli/**', 'bench/**', 'scripts/**', 'test/**'], rules: { 'no-console': 'off' } },
  ],
  ignorePatterns: ['dist', 'coverage', '/examples'],
});
