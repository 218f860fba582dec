import { parseArgs } from 'node:util';
import { hasCredentials } from '../../auth/outbound/google-credentials.ts';
import { createParlance, type Parlance } from '../../compose/create-parlance.ts';
import type { EmbeddedUpstream } from '../../compose/embedded-upstream.ts';
import { ConfigError } from '../../config/config-error.ts';
import { loadConfig, type LoadedConfig } from '../../config/load.ts';
import { toGatewayError } from '../../errors.ts';
import { openModelStore } from '../../model-store/model-store.ts';
import { shownModelName } from '../../model-store/resolve-model.ts';
import { banner, readyText } from '../banner.ts';
import { logStrayErrors } from '../../observability/log-stray-errors.ts';
import { createProgressBar } from '../progress-bar.ts';

const HELP = `Usage: parlance serve [--config FILE] [--host HOST] [--port PORT]

Answers Chat Completions requests on the URLs of Vertex AI, of the Gemini Developer API and of OpenAI.
Without a configuration file every model and endpoint is answered by a small model that runs inside Parlance.

Options:
  --config FILE  the configuration (default: PARLANCE_CONFIG, else ./parlance.yaml if it is there)
  --host HOST    address to listen on (default: HOST, else the configuration's, else 127.0.0.1)
  --port PORT    port to listen on (default: PORT, else the configuration's, else 8080)
  -h, --help     this text
`;

/** Waits between attempts to fetch a model, in milliseconds: a network that is down may come back. */
const FETCH_RETRY_DELAYS = [30_000, 60_000, 300_000];

/** How often the start of an engine is looked at, in milliseconds. */
const READY_POLL = 50;

/** `parlance serve`: runs until it is told to stop. @returns the exit code */
export async function runServeCommand(args: readonly string[], version: string): Promise<number> {
  const options = readOptions(args);
  if (typeof options === 'number') return options;
  let config: LoadedConfig;
  let parlance: Parlance;
  try {
    const env = { ...process.env, ...options.env };
    config = loadConfig({
      env,
      cwd: process.cwd(),
      hasGoogleCredentials: hasCredentials(env),
      ...(options.config === undefined ? {} : { path: options.config }),
    });
    parlance = createParlance(config);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(error.format());
    return 1;
  }
  logStrayErrors(parlance.log);
  const stop = stopSignal();
  let url: string;
  try {
    url = await parlance.listen();
  } catch (error) {
    process.stderr.write(`${startProblem(error, config)}\n`);
    return 1;
  }
  process.stdout.write(banner({ url, version, config }));
  const models = Promise.all(
    parlance.embedded.map((upstream) =>
      startEngine(upstream, { home: config.home, signal: stop.signal, log: parlance.log }),
    ),
  );
  void announceReady(models, { url, config, signal: stop.signal });
  await stop.requested;
  process.stdout.write('Stopping: no new requests, running answers may finish.\n');
  await parlance.close();
  return 0;
}

async function announceReady(
  started: Promise<boolean[]>,
  { url, config, signal }: { url: string; config: LoadedConfig; signal: AbortSignal },
): Promise<void> {
  const states = await started;
  if (states.every(Boolean) && !signal.aborted) process.stdout.write(readyText(url, config));
}

function readOptions(args: readonly string[]): number | { config?: string; env: Record<string, string> } {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        config: { type: 'string' },
        host: { type: 'string' },
        port: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (values.help === true) {
      process.stdout.write(HELP);
      return 0;
    }
    return {
      ...(values.config === undefined ? {} : { config: values.config }),
      env: {
        ...(values.host === undefined ? {} : { HOST: values.host }),
        ...(values.port === undefined ? {} : { PORT: values.port }),
      },
    };
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`);
    return 2;
  }
}

/** SIGTERM and SIGINT ask for an orderly end; a second one ends at once. */
function stopSignal(): { signal: AbortSignal; requested: Promise<void> } {
  const controller = new AbortController();
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(1);
      controller.abort();
      resolve();
    });
  }
  return { signal: controller.signal, requested: promise };
}

/** Fetches the model's files if they are not there, starts its engine, and waits until it answers. */
async function startEngine(
  { backend, model, projector }: EmbeddedUpstream,
  { home, signal, log }: { home: string; signal: AbortSignal; log: Parlance['log'] },
): Promise<boolean> {
  const bar = createProgressBar({
    write: (text) => process.stdout.write(text),
    isTTY: process.stdout.isTTY,
    columns: () => process.stdout.columns,
  });
  const store = openModelStore({
    home,
    log: (line) => {
      bar.finish();
      log.warn(line);
    },
  });
  const fetchFile = async (name: string): Promise<string> => {
    const known = store.locate(name);
    if (known !== undefined) return known.path;
    const shown = shownModelName(name);
    process.stdout.write(`Fetching the model ${shown} into ${store.directory}, once.\n`);
    backend.reportNotReady(`the model ${shown} is being fetched`);
    const { path } = await store.pull(name, {
      signal,
      onProgress: (progress) => {
        bar.update(progress);
        backend.reportNotReady(fetchState(shown, progress));
      },
    });
    bar.finish();
    return path;
  };
  for (let attempt = 0; !signal.aborted; attempt++) {
    try {
      const path = await fetchFile(model);
      const projectorPath = projector === undefined ? undefined : await fetchFile(projector);
      backend.start(path, projectorPath);
      return await isReady(backend, signal);
    } catch (error) {
      bar.finish();
      if (signal.aborted) return false;
      const { message } = toGatewayError(error);
      backend.reportNotReady(message);
      const delay = FETCH_RETRY_DELAYS[Math.min(attempt, FETCH_RETRY_DELAYS.length - 1)] ?? 0;
      process.stderr.write(`${message}\nThe server stays up and tries again in ${delay / 1000} seconds.\n`);
      await pause(delay, signal);
    }
  }
  return false;
}

function fetchState(
  model: string,
  { receivedBytes, totalBytes }: { receivedBytes: number; totalBytes?: number },
): string {
  const share =
    totalBytes === undefined ? '' : `, ${Math.floor((receivedBytes / totalBytes) * 100)} % so far`;
  return `the model ${model} is being fetched${share}`;
}

async function isReady(backend: EmbeddedUpstream['backend'], signal: AbortSignal): Promise<boolean> {
  while (!signal.aborted) {
    if (backend.readiness().ready) return true;
    await pause(READY_POLL, signal);
  }
  return false;
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}

function startProblem(error: unknown, { server: { host, port } }: LoadedConfig): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'EADDRINUSE':
      return `Port ${port} on ${host} is taken by another program. Choose another one: PORT=8081 npm start`;
    case 'EACCES':
      return `This user may not listen on port ${port}. Choose one from 1024 up: PORT=8080 npm start`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `${host} is not an address of this machine. Set HOST, or server.host in the configuration.`;
    default: {
      const message = error instanceof Error ? error.message : String(error);
      // What is no call of the system's is what had to be opened before: it says itself what is wrong.
      const isCall = error instanceof Error && 'syscall' in error;
      return isCall ? `Cannot listen on ${host}:${port}: ${message}` : message;
    }
  }
}
