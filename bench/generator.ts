/** Load generators: processes of their own, so that their work is not counted as the server's. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

export interface GeneratorReport {
  /** What went wrong; absent when every answer was complete and right. */
  readonly problem?: string;
  /** CPU time of the generator itself, in microseconds. */
  readonly cpuMicroseconds: number;
}

/** Runs a generator of this folder. @throws {Error} when it reports a problem */
export async function runGenerator<Report extends GeneratorReport>(
  target: string,
  file: string,
  order: object,
): Promise<Report> {
  const child: ChildProcess = fork(new URL(file, import.meta.url), [JSON.stringify(order)]);
  const report = await Promise.race([
    once(child, 'message').then(([message]) => message as Report),
    once(child, 'exit').then(([code]) => {
      throw new Error(
        `The load on ${target}: the generator ended with code ${String(code)} without a report`,
      );
    }),
  ]);
  if (report.problem !== undefined) throw new Error(`The load on ${target}: ${report.problem}`);
  return report;
}

/** Lets a program be a generator: it takes its order as one JSON argument, reports on the IPC channel and ends. */
export async function obeyOrder(generate: (order: never) => Promise<object | void>): Promise<void> {
  const order = JSON.parse(process.argv[2] ?? '') as never;
  const outcome = await generate(order).catch((error: unknown) => ({
    problem: error instanceof Error ? error.message : String(error),
  }));
  const { user, system } = process.cpuUsage();
  const report: GeneratorReport = { ...outcome, cpuMicroseconds: user + system };
  process.send?.(report, () => {
    process.disconnect();
  });
}
