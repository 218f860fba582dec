// Which way imports run. `npm run check:boundaries` fails on every edge that is not listed here.
// The layers, lowest first; a folder may import itself and anything below it.
const layers = [
  ['src/errors.ts'],
  ['src/wire'],
  ['src/translate'],
  ['src/observability', 'src/model-store', 'src/auth'],
  ['src/backends'],
  ['src/routing'],
  ['src/server'],
  ['src/config'],
  ['src/compose.ts'],
  ['src/cli'],
];

const pattern = (paths) => `^(${paths.map((path) => path.replaceAll('.', '\\.')).join('|')})`;

/** One rule a layer: it must not reach anything above it. */
const upwardRules = layers.slice(0, -1).map((paths, level) => ({
  name: `no-upward-import-from-${paths[0].replace('src/', '')}`,
  severity: 'error',
  from: { path: pattern(paths) },
  to: { path: pattern(layers.slice(level + 1).flat()) },
}));

/** Folders of one layer do not know each other. */
const siblingRules = layers.flatMap((paths) =>
  paths
    .filter(() => paths.length > 1)
    .map((path) => ({
      name: `no-sibling-import-from-${path.replace('src/', '')}`,
      severity: 'error',
      from: { path: pattern([path]) },
      to: { path: pattern(paths.filter((other) => other !== path)) },
    })),
);

export default {
  forbidden: [
    { name: 'no-cycle', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-orphan', severity: 'error', from: { orphan: true, pathNot: 'engine-process\\.ts$|^src/cli/main\\.ts$' }, to: {} },
    {
      name: 'neutral-core',
      comment: 'wire and translate run anywhere: no Node built-ins, no packages',
      severity: 'error',
      from: { path: '^src/(wire|translate)/' },
      to: { dependencyTypes: ['core', 'npm', 'npm-dev', 'npm-optional'] },
    },
    {
      name: 'config-schema-stays-home',
      comment: 'everything below compose receives plain options, never the configuration object',
      severity: 'error',
      from: { pathNot: '^src/(config|compose|cli)' },
      to: { path: '^src/config' },
    },
    {
      name: 'no-sibling-backend',
      comment: 'what two backends share moves down',
      severity: 'error',
      from: { path: '^src/backends/([^/]+)/' },
      to: { path: '^src/backends/([^/]+)/', pathNot: '^src/backends/$1/' },
    },
    {
      name: 'native-engine-in-one-file',
      severity: 'error',
      from: { pathNot: '^src/backends/embedded/engine/llama-binding\\.ts$' },
      to: { path: 'node_modules/node-llama-cpp' },
    },
    ...upwardRules,
    ...siblingRules,
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.mjs'] },
  },
};
