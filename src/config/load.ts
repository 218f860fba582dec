import { availableParallelism, homedir } from 'node:os';
import { dirname, resolve } from 'node:path';
import type { z } from 'zod';
import { readConfigDocument } from './config-document.ts';
import { ConfigError } from './config-error.ts';
import type { ConfigProblem } from './config-error.ts';
import { readConfigSource } from './config-source.ts';
import type { ConfigSource } from './config-source.ts';
import { deepFreeze } from './deep-freeze.ts';
import type { DeepReadonly } from './deep-freeze.ts';
import type { Environment } from './interpolate.ts';
import { formatKeyPath } from './key-path.ts';
import { DEFAULT_UPSTREAM, hostSchema, logLevelSchema, portSchema } from './schema.ts';
import type { FileConfig, FileUpstream } from './schema.ts';
import { resolveUpstreamFiles } from './upstream-files.ts';
import { IMPLICIT_UPSTREAM, validateConfig } from './validate.ts';
import type { LocatedProblem } from './validate.ts';

export interface LoadOptions {
  /** The file to read, before `PARLANCE_CONFIG` and `./parlance.yaml`. Relative to `cwd`. */
  readonly path?: string | undefined;
  readonly env: Environment;
  /** Absolute path. */
  readonly cwd: string;
}

/** An upstream of kind `embedded`. A relative `model` path is absolute here, `chat_template` is always the template itself. */
type EmbeddedUpstreamConfig = FileUpstream & { threads: number };

interface CompleteConfig extends Omit<FileConfig, 'upstreams' | 'models' | 'endpoints'> {
  /** By name. Has no prototype, so that any text can be looked up. */
  upstreams: Record<string, EmbeddedUpstreamConfig>;
  models: NonNullable<FileConfig['models']>;
  /** By endpoint id, `*` for any other. Has no prototype, so that an id from a URL can be looked up. */
  endpoints: NonNullable<FileConfig['endpoints']>;
  /** The file that was read, absolute; `null` when there is none. */
  file: string | null;
  /** Folder of models and state, absolute: `PARLANCE_HOME` or `~/.parlance`. */
  home: string;
  /** What the user should be told at start: choices made that nobody wrote down. */
  notices: string[];
}

/** The whole configuration: spelled as in the file, every default filled in, frozen. */
export type LoadedConfig = DeepReadonly<CompleteConfig>;

/**
 * Reads the configuration: `PORT`, `HOST` and `PARLANCE_LOG_LEVEL` win over the file, the file wins over defaults.
 * Whether the server may listen where it is told to is a question of its own: `assertSafeBind`.
 *
 * @throws {ConfigError} with every problem of the file and the environment
 */
export function loadConfig(options: LoadOptions): LoadedConfig {
  const { env, cwd } = options;
  const source = readConfigSource(options);
  const problems: ConfigProblem[] = [];
  const overrides = readOverrides(env, problems);
  const config = parseSource(source, env, problems);
  if (config === undefined || problems.length > 0) throw new ConfigError(source.label, inFileOrder(problems));

  const { upstreams, models, endpoints } = fillRoutes(config);
  return deepFreeze<CompleteConfig>({
    ...config,
    server: {
      ...config.server,
      ...(overrides.host !== undefined && { host: overrides.host }),
      ...(overrides.port !== undefined && { port: overrides.port }),
    },
    log: { level: overrides.level ?? config.log.level },
    upstreams,
    models,
    endpoints,
    file: source.file,
    home: resolve(cwd, env['PARLANCE_HOME'] || resolve(homedir(), '.parlance')),
    notices: source.file === null ? noticesWithoutFile(env, upstreams) : [],
  });
}

/** The file's configuration with its paths resolved; adds what is wrong with it to `problems`. */
function parseSource(
  source: ConfigSource,
  env: Environment,
  problems: ConfigProblem[],
): FileConfig | undefined {
  const document = readConfigDocument(source.text, env);
  problems.push(...document.problems);
  if (!document.readable) return undefined;
  const broken = new Set(document.problems.map(({ path }) => path));
  const report = ({ path: keyPath, message, part }: LocatedProblem) => {
    const path = formatKeyPath(keyPath);
    // A value that could not be read is not also too short.
    if (part === 'value' && broken.has(path)) return;
    problems.push({ path, ...document.positionOf(keyPath, part), message });
  };

  const { config, problems: found } = validateConfig(document.value ?? {});
  found.forEach(report);
  if (config?.upstreams === undefined || source.file === null) return config;
  const folder = dirname(source.file);
  const upstreams = Object.entries(config.upstreams).map(([name, upstream]) => {
    const resolved = resolveUpstreamFiles(upstream, folder);
    for (const { key, message } of resolved.problems) {
      report({ path: ['upstreams', name, key], message, part: 'value' });
    }
    return [name, resolved.upstream] as const;
  });
  return { ...config, upstreams: Object.fromEntries(upstreams) };
}

/** By line; what has none, such as an environment variable, comes last. */
const inFileOrder = (problems: readonly ConfigProblem[]) =>
  problems.toSorted(
    (a, b) => (a.line ?? Infinity) - (b.line ?? Infinity) || (a.column ?? 0) - (b.column ?? 0),
  );

interface Overrides {
  host: string | undefined;
  port: number | undefined;
  level: FileConfig['log']['level'] | undefined;
}

function readOverrides(env: Environment, problems: ConfigProblem[]): Overrides {
  const read = <Schema extends z.ZodType>(name: string, schema: Schema): z.output<Schema> | undefined => {
    const text = env[name];
    if (text === undefined || text === '') return undefined;
    const { data, error } = schema.safeParse(text);
    if (error !== undefined) {
      problems.push({ path: name, message: `${error.issues[0]!.message} (environment variable)` });
    }
    return data;
  };
  return {
    host: read('HOST', hostSchema),
    port: read('PORT', portSchema),
    level: read('PARLANCE_LOG_LEVEL', logLevelSchema),
  };
}

/** A configuration without upstreams has the embedded one; a single upstream serves what is not assigned. */
function fillRoutes(config: FileConfig): Pick<CompleteConfig, 'upstreams' | 'models' | 'endpoints'> {
  const named = config.upstreams ?? { [IMPLICIT_UPSTREAM]: DEFAULT_UPSTREAM };
  const threads = Math.max(1, availableParallelism() - 1);
  const upstreams = Object.entries(named).map(
    ([name, upstream]) => [name, { threads, ...upstream }] as const,
  );
  const [only] = upstreams.length === 1 ? Object.keys(named) : [];
  return {
    upstreams: withoutPrototype(Object.fromEntries(upstreams)),
    models: config.models ?? (only === undefined ? [] : [{ match: '*', upstream: only }]),
    endpoints: withoutPrototype(config.endpoints ?? (only === undefined ? {} : { '*': { upstream: only } })),
  };
}

const withoutPrototype = <Value>(entries: Record<string, Value>): Record<string, Value> =>
  Object.assign(Object.create(null) as Record<string, Value>, entries);

/** Variables that make other Google software call Google, and that this version does not use. */
const CLOUD_VARIABLES = ['GEMINI_API_KEY', 'GOOGLE_API_KEY', 'GOOGLE_APPLICATION_CREDENTIALS'];

function noticesWithoutFile(env: Environment, upstreams: CompleteConfig['upstreams']): string[] {
  const model = upstreams[IMPLICIT_UPSTREAM]?.model;
  const notices = [
    `There is no configuration file: every model name and every endpoint is answered by the embedded model ${model}.`,
  ];
  const ignored = CLOUD_VARIABLES.filter((name) => env[name]);
  if (ignored.length > 0) {
    notices.push(
      `Set, but not used: ${ignored.join(', ')}. This version does not call Google; the embedded model answers for Gemini model names too.`,
    );
  }
  return notices;
}
