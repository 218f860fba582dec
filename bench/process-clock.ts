/** CPU time and memory of processes, from Linux's /proc. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';

/** /proc counts CPU time in hundredths of a second, whatever the kernel's own tick is. */
const TICK_MICROSECONDS = 10_000;

/** Fields of /proc/PID/stat behind the command name, which may itself contain spaces and brackets. */
function statFields(pid: number): string[] {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** CPU time a process has used so far, user and system, in microseconds; steps of 10 ms. */
export function cpuMicroseconds(pid: number): number {
  const fields = statFields(pid);
  return (Number(fields[11]) + Number(fields[12])) * TICK_MICROSECONDS;
}

/** The same, with what its ended children used. */
export function cpuMicrosecondsWithEnded(pid: number): number {
  const fields = statFields(pid);
  return cpuMicroseconds(pid) + (Number(fields[13]) + Number(fields[14])) * TICK_MICROSECONDS;
}

/** Memory of a process that is in RAM, in mebibytes. */
export function residentMebibytes(pid: number): number {
  return statusMebibytes(pid, 'VmRSS');
}

/** The most memory a process had in RAM since its start or {@link forgetPeak}, in mebibytes. */
export function peakMebibytes(pid: number): number {
  return statusMebibytes(pid, 'VmHWM');
}

/** Lets {@link peakMebibytes} begin anew. */
export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

function statusMebibytes(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const match = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(
    readFileSync(`/proc/${pid}/status`, 'latin1'),
  );
  if (match === null) throw new Error(`process ${pid} has no memory: it has ended`);
  return Number(match[1]) / 1024;
}

/** Process ids of the children of a process. */
export function childProcesses(pid: number): number[] {
  const children: number[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      if (Number(statFields(Number(name))[1]) === pid) children.push(Number(name));
    } catch {
      // It ended while we were looking.
    }
  }
  return children;
}

/** CPU time the whole machine has used since it started, in microseconds. */
function machineMicroseconds(): number {
  const [user = 0, nice = 0, system = 0, , , interrupt = 0, softInterrupt = 0, stolen = 0] = (
    readFileSync('/proc/stat', 'latin1').split('\n')[0] ?? ''
  )
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + interrupt + softInterrupt + stolen) * TICK_MICROSECONDS;
}

/** How busy the machine was with other things while something was measured. */
export interface MachineLoad {
  /** Share of all cores that other processes used, from 0 to 1. */
  readonly foreignShare: number;
  /** Average number of runnable processes over the last minute. */
  readonly loadAverage: number;
}

/**
 * Begins to watch the machine.
 *
 * @param pids processes that belong to the measurement, besides this one; all must live until the end
 * @returns ends the watch; takes the microseconds used by processes that have come and gone meanwhile
 */
export function watchMachine(pids: readonly number[]): (shortLived?: number) => MachineLoad {
  const own = [process.pid, ...pids];
  const ownTime = (): number => own.reduce((sum, pid) => sum + cpuMicroseconds(pid), 0);
  const start = { at: performance.now(), machine: machineMicroseconds(), own: ownTime() };
  return (shortLived = 0) => {
    const elapsed = (performance.now() - start.at) * 1000 * availableParallelism();
    const foreign = machineMicroseconds() - start.machine - (ownTime() - start.own) - shortLived;
    return { foreignShare: Math.min(1, Math.max(0, foreign / elapsed)), loadAverage: loadavg()[0] ?? 0 };
  };
}
