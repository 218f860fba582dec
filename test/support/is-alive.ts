import { lookAtProcess } from '../../src/locks/running-process.ts';

/** Whether a process runs; one that has ended does not, whether or not anybody has asked how. */
export function isAlive(pid: number | undefined): boolean {
  return pid !== undefined && lookAtProcess(pid).isAlive;
}
