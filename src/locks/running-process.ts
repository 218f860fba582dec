import { readFileSync } from 'node:fs';
import { codeOf } from '../code-of.ts';

/** What this machine tells about a process. */
export interface RunningProcess {
  readonly isAlive: boolean;
  /** When it was started, in ticks since a named boot of the machine; `null` where the system does not tell. */
  readonly birth: string | null;
}

export function lookAtProcess(pid: number): RunningProcess {
  if (!hasProcess(pid)) return { isAlive: false, birth: null };
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const status = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // After the program's name in parentheses, which may hold anything: fields 3 and on of proc_pid_stat(5).
    const fields = status.slice(status.lastIndexOf(')') + 2).split(' ');
    // A zombie has ended; where nobody asks how, as in many containers, it keeps its id for ever.
    return { isAlive: fields[0] !== 'Z', birth: `${boot}:${fields[19]}` };
  } catch {
    return { isAlive: true, birth: null };
  }
}

function hasProcess(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}
