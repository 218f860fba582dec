import { setTimeout as delay } from 'node:timers/promises';
import type { Transport } from './http-get.ts';
import { describeFault, isTransient } from './transfer-fault.ts';

const MAX_RETRIES = 5;

/** One try: calls `progressed` when the first byte of use has arrived. */
export type Attempt<T> = (progressed: () => void) => Promise<T>;

/** Runs `attempt`, and again up to five times while it fails in a way that may pass. */
export async function retryTransient<T>(
  attempt: Attempt<T>,
  transport: Transport,
  signal: AbortSignal,
): Promise<T> {
  let madeProgress = false;
  for (let retries = 0; ; retries += 1) {
    try {
      return await attempt(() => {
        madeProgress = true;
      });
    } catch (error) {
      signal.throwIfAborted();
      if (retries === MAX_RETRIES || !isTransient(error, madeProgress)) throw error;
      transport.log(`${describeFault(error)}; retry ${retries + 1} of ${MAX_RETRIES}`);
      await delay(transport.retryDelayMilliseconds * 2 ** retries, undefined, { signal });
    }
  }
}
