import type { OnPullProgress, PullPhase, PullProgress } from '../model-store/pull-progress.ts';

export interface ProgressBarOptions {
  readonly write: (text: string) => void;
  /** Whether one line can be redrawn; otherwise a new line is written now and then. */
  readonly isTTY: boolean;
  /** Width of the terminal in characters, asked for at every redraw. @default 80 */
  readonly columns?: () => number;
  /** Milliseconds on a steady clock. @default performance.now */
  readonly now?: () => number;
}

export interface ProgressBar {
  readonly update: OnPullProgress;
  /** Ends the redrawn line, so that what is written next starts on its own. */
  finish(): void;
}

const REDRAW_MILLISECONDS = 100;
const LINE_MILLISECONDS = 5000;
const BAR_CHARACTERS = 24;
const CLEAR_TO_END = '\u001B[K';

const VERBS: Readonly<Record<PullPhase, string>> = {
  resolve: 'Asking',
  download: 'Downloading from',
  extract: 'Unpacking',
  verify: 'Checking file from',
  done: 'Ready:',
};

/** Shows the progress of a pull: one living line on a terminal, elsewhere a line every five seconds and every ten percent of a download. */
export function createProgressBar(options: ProgressBarOptions): ProgressBar {
  const now = options.now ?? ((): number => performance.now());
  const columns = options.columns ?? ((): number => 80);
  let lineOpen = false;
  let shown: { progress: PullProgress; at: number } | undefined;

  const isDue = (progress: PullProgress): boolean => {
    if (
      shown === undefined ||
      progress.phase !== shown.progress.phase ||
      progress.source !== shown.progress.source
    ) {
      return true;
    }
    const age = now() - shown.at;
    if (options.isTTY) return age >= REDRAW_MILLISECONDS || fractionOf(progress) === 1;
    // Unpacking and checking take seconds: ten lines about them would bury the download.
    return (
      age >= LINE_MILLISECONDS ||
      (progress.phase === 'download' && tenths(progress) !== tenths(shown.progress))
    );
  };

  return {
    update(progress) {
      if (!isDue(progress)) return;
      shown = { progress, at: now() };
      if (options.isTTY) {
        // The last column stays free: some terminals wrap as soon as it is written.
        options.write(`\r${formatProgress(progress, columns() - 1)}${CLEAR_TO_END}`);
        lineOpen = true;
      } else {
        options.write(`${formatProgress(progress, Number.POSITIVE_INFINITY, { bar: false })}\n`);
      }
    },
    finish() {
      if (lineOpen) options.write('\n');
      lineOpen = false;
    },
  };
}

/**
 * One line about a pull, at most `width` characters long: the bar goes first when there is no room for it,
 * then time left, speed and sizes.
 */
export function formatProgress(progress: PullProgress, width: number, { bar = true } = {}): string {
  const head = `${VERBS[progress.phase]} ${progress.source}`;
  if (progress.phase === 'resolve') return fit(`${head} ...`, width);
  if (progress.phase === 'done') return fit(`${head} (${formatBytes(progress.receivedBytes)})`, width);

  const fraction = fractionOf(progress);
  const percent = fraction === undefined ? [] : [`${Math.floor(fraction * 100)}%`];
  const total = progress.totalBytes === undefined ? '' : ` of ${formatBytes(progress.totalBytes)}`;
  const facts = [`${formatBytes(progress.receivedBytes)}${total}`];
  if (progress.bytesPerSecond !== undefined) facts.push(`${formatBytes(progress.bytesPerSecond)}/s`);
  if (progress.secondsLeft !== undefined) facts.push(`${formatDuration(progress.secondsLeft)} left`);

  if (bar && fraction !== undefined) {
    const line = [head, drawBar(fraction), ...percent, ...facts].join('  ');
    if (line.length <= width) return line;
  }
  for (let kept = facts.length; kept > 0; kept -= 1) {
    const line = [head, ...percent, ...facts.slice(0, kept)].join('  ');
    if (line.length <= width) return line;
  }
  return fit([head, ...percent].join('  '), width);
}

/** Decimal units, as file listings on the web have them. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${Math.round(bytes)} B`;
  const units = ['kB', 'MB', 'GB', 'TB'] as const;
  let value = bytes / 1000;
  let unit = 0;
  // 999.95 kB would be rounded to 1000.0 kB.
  while (value >= 999.95 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value.toFixed(1)} ${units[unit]}`;
}

/** Coarse on purpose: an estimate in seconds over hours is no better than one in minutes. */
export function formatDuration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(whole / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function drawBar(fraction: number): string {
  const full = Math.round(fraction * BAR_CHARACTERS);
  return `[${'#'.repeat(full)}${'-'.repeat(BAR_CHARACTERS - full)}]`;
}

function fractionOf({ receivedBytes, totalBytes }: PullProgress): number | undefined {
  if (totalBytes === undefined || totalBytes === 0) return undefined;
  return Math.min(1, receivedBytes / totalBytes);
}

function tenths(progress: PullProgress): number {
  return Math.floor((fractionOf(progress) ?? 0) * 10);
}

function fit(text: string, width: number): string {
  return text.length <= width ? text : text.slice(0, Math.max(0, width));
}
