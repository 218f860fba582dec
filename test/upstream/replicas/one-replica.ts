import { vi } from 'vitest';
import { ReplicaLease } from '../../../src/upstream/replicas/replica-lease.ts';
import type { ReplicaState } from '../../../src/upstream/replicas/replica.ts';
import { TrackedReplica } from '../../../src/upstream/replicas/tracked-replica.ts';

const address = { url: 'http://a:1', origin: 'http://a:1', pathPrefix: '', name: 'a:1' };

/** Opens after 2 failures, for a second; recovers over ten. */
export function oneReplica({ now }: { now?: () => number } = {}) {
  /** Milliseconds, unless another clock is given. */
  const clock = { now: 0 };
  const onChange = vi.fn<(replica: TrackedReplica, state: ReplicaState, reason: string) => void>();
  const replica = new TrackedReplica(address, {
    circuit: { failures: 2, openMs: 1000, maxOpenMs: 4000 },
    slowStartMs: 10_000,
    now: now ?? (() => clock.now),
    onChange,
  });
  const lease = (): ReplicaLease => new ReplicaLease(replica);
  const failOnce = (fault: 'failed' | 'unreachable' = 'failed'): void => {
    const failed = lease();
    failed.fail(`it was ${fault}`, fault);
    failed.release();
  };
  return { clock, onChange, replica, lease, failOnce };
}
