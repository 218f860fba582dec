import { dirname } from 'node:path';
import type { z } from 'zod';
import { IMPLICIT_UPSTREAM } from './check-references.ts';
import { clearTextNotice } from './clear-text-notice.ts';
import { completeUpstream, type UpstreamConfig, type UpstreamProblem } from './complete-upstream.ts';
import { readConfigDocument } from './config-document.ts';
import { ConfigError } from './config-error.ts';
import type { ConfigProblem } from './config-error.ts';
import { readConfigSource } from './config-source.ts';
import type { ConfigSource } from './config-source.ts';
import { deepFreeze } from './deep-freeze.ts';
import type { DeepReadonly } from './deep-freeze.ts';
import { exposedFileNotices } from './exposed-file-notice.ts';
import { unbackedUpstreams } from './fallback-graph.ts';
import { homeFolder } from './home-folder.ts';
import type { Environment } from './interpolate.ts';
import { formatKeyPath } from './key-path.ts';
import type { LocatedProblem } from './located-problem.ts';
import { hostSchema, logLevelSchema, portSchema } from './schema.ts';
import type { FileConfig } from './schema.ts';
import { PROXY_VARIABLES } from '../upstream/connection-pools.ts';
import { passthroughNotice } from './passthrough-notice.ts';
import { setUpWithoutFile } from './setup-without-file.ts';
import { resolveFolders } from './storage-folders.ts';
import { resolveUpstreamFiles } from './upstream-files.ts';
import { DEFAULT_UPSTREAM } from './upstream-schemas.ts';
import { validateConfig } from './validate.ts';

export interface LoadOptions {
  /** The file to read, before `PARLANCE_CONFIG` and `./parlance.yaml`. Relative to `cwd`. */
  readonly path?: string | undefined;
  readonly env: Environment;
  /** Absolute path. */
  readonly cwd: string;
  /** Whether Application Default Credentials are set up; asked only when there is no file. @default false */
  readonly hasGoogleCredentials?: boolean;
}

interface CompleteConfig extends Omit<FileConfig, 'upstreams' | 'models' | 'endpoints'> {
  /** By name. Has no prototype, so that any text can be looked up. */
  upstreams: Record<string, UpstreamConfig>;
  models: NonNullable<FileConfig['models']>;
  /** By endpoint id, `*` for any other. Has no prototype, so that an id from a URL can be looked up. */
  endpoints: NonNullable<FileConfig['endpoints']>;
  /** The file that was read, absolute; `null` when there is none. */
  file: string | null;
  /** Folder of models and state, absolute: `PARLANCE_HOME` or `~/.parlance`. */
  home: string;
  /** What the user should be told at start: choices made that nobody wrote down, and risks of those somebody did. */
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
  checkProxies(env, problems);
  const parsed = parseSource(source, options, problems);
  if (parsed === undefined || problems.length > 0) throw new ConfigError(source.label, inFileOrder(problems));

  const { config, upstreams, notices } = parsed;
  const server = {
    ...config.server,
    ...(overrides.host !== undefined && { host: overrides.host }),
    ...(overrides.port !== undefined && { port: overrides.port }),
  };
  return deepFreeze<CompleteConfig>({
    ...config,
    server,
    log: { level: overrides.level ?? config.log.level },
    upstreams: withoutPrototype(upstreams),
    ...fillRoutes(config, upstreams),
    file: source.file,
    home: homeFolder(env, cwd),
    notices: [
      ...notices,
      ...Object.entries(upstreams).flatMap(([name, upstream]) => clearTextNotice(name, upstream)),
      ...passthroughNotice({ server, auth: config.auth, upstreams }),
      ...exposedFileNotices({ source, config, upstreams, env }),
    ],
  });
}

interface ParsedSource {
  readonly config: FileConfig;
  readonly upstreams: Record<string, UpstreamConfig>;
  readonly notices: readonly string[];
}

/** The file's configuration with its upstreams completed; adds what is wrong with it to `problems`. */
function parseSource(
  source: ConfigSource,
  { env, hasGoogleCredentials = false }: LoadOptions,
  problems: ConfigProblem[],
): ParsedSource | undefined {
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

  const { config: written, problems: found } = validateConfig(document.value ?? {});
  found.forEach(report);
  if (written === undefined) return undefined;
  const { notice, ...setup } =
    source.file === null ? setUpWithoutFile(env, hasGoogleCredentials) : { notice: undefined };
  const folder = source.file === null ? undefined : dirname(source.file);
  const storage = resolveFolders(written.storage, folder ?? '', (name, message) => {
    report({ path: ['storage', name], message, part: 'value' });
  });
  const config = { ...written, ...setup, storage };
  const named = config.upstreams ?? { [IMPLICIT_UPSTREAM]: DEFAULT_UPSTREAM };
  const upstreams = Object.entries(named).map(([name, upstream]) => {
    const reportUpstream = (problem: UpstreamProblem) => {
      const { message } = problem;
      if ('variable' in problem) problems.push({ path: problem.variable, message });
      else report({ path: ['upstreams', name, problem.key], message, part: 'value' });
    };
    const placed = folder === undefined ? upstream : resolveUpstreamFiles(upstream, folder, reportUpstream);
    return [name, completeUpstream(placed, env, reportUpstream)] as const;
  });
  return {
    config,
    upstreams: Object.fromEntries(upstreams),
    notices: notice === undefined ? [] : [notice],
  };
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

const PROXY_PROTOCOLS = /^(?:https?|socks5?):$/;

/** Their text is not shown: it may hold a password. */
function checkProxies(env: Environment, problems: ConfigProblem[]): void {
  for (const names of Object.values(PROXY_VARIABLES)) {
    const name = names.find((variable) => env[variable] !== undefined);
    const text = name === undefined ? '' : env[name];
    if (name === undefined || !text || PROXY_PROTOCOLS.test(URL.parse(text)?.protocol ?? '')) continue;
    const message = 'must be a URL such as `http://proxy.example.com:8080` (environment variable)';
    problems.push({ path: name, message });
  }
}

/**
 * A single upstream, its fallbacks aside, serves what is not assigned; one of Google's has no endpoints whose ids it
 * could serve.
 */
function fillRoutes(
  config: FileConfig,
  upstreams: Record<string, UpstreamConfig>,
): Pick<CompleteConfig, 'models' | 'endpoints'> {
  const fallbacks = Object.entries(upstreams).map(
    ([name, { fallback }]) => [name, fallback.map(({ upstream }) => upstream)] as const,
  );
  const [name, ...others] = unbackedUpstreams(new Map(fallbacks));
  const only = name !== undefined && others.length === 0 ? name : undefined;
  const models = only === undefined ? [] : [{ match: '*', upstream: only }];
  const endpoints = only === undefined || isGoogles(upstreams[only]) ? {} : { '*': { upstream: only } };
  return {
    models: config.models ?? models,
    endpoints: withoutPrototype(config.endpoints ?? endpoints),
  };
}

const isGoogles = (upstream: UpstreamConfig | undefined) =>
  upstream?.kind === 'vertex' || upstream?.kind === 'gemini';

const withoutPrototype = <Value>(entries: Record<string, Value>): Record<string, Value> =>
  Object.assign(Object.create(null) as Record<string, Value>, entries);
