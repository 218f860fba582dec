import fc from 'fast-check';
import { vi } from 'vitest';
import { ReplicaSet } from '../../../src/upstream/replicas/replica-set.ts';
import type { Lease, Replica, ReplicaFault } from '../../../src/upstream/replicas/replica.ts';
import { TransportError } from '../../../src/upstream/transport-error.ts';

const OPEN_MS = 2000;
const SLOW_START_MS = 8000;
const MAX_SPARE_MS = 5000;

export type Step =
  | { readonly do: 'take'; readonly passed: readonly number[] }
  | { readonly do: 'succeed'; readonly lease: number }
  | { readonly do: 'release'; readonly lease: number }
  | { readonly do: 'fail'; readonly lease: number; readonly fault: ReplicaFault; readonly hint: number }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'probes'; readonly replica: number; readonly outcome: ProbeOutcome };
type ProbeOutcome = 'pass' | 'refuse' | 'break' | 'say no' | 'hang';

const at = fc.nat({ max: 30 });
export const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('take'), passed: fc.array(fc.nat(3), { maxLength: 3 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('succeed' as const, 'release' as const), lease: at }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('fail'),
      lease: at,
      fault: fc.constantFrom<ReplicaFault[]>('unreachable', 'failed', 'failed', 'overloaded'),
      hint: fc.constantFrom(0, 500, 3000, 60_000),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('wait'), ms: fc.constantFrom(0, 1, 100, 900, 2000, 9000) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('probes'),
      replica: fc.nat(2),
      outcome: fc.constantFrom<ProbeOutcome[]>('pass', 'refuse', 'break', 'say no', 'hang'),
    }),
  },
);

/** What is known of a replica from outside. */
interface Seen {
  /** When its circuit opened, or its trial failed; `undefined` while closed. */
  openSince: number | undefined;
  recoveredAt: number | undefined;
  sparedUntil: number;
  trial: Lease | undefined;
  readonly held: Set<Lease>;
}

/** A set with fake timers, and an independent account of what it does. */
export class ReplicaSimulation {
  readonly set: ReplicaSet;
  /** What the set did that it must not do. */
  readonly violations: string[] = [];
  readonly #seen = new Map<Replica, Seen>();
  readonly #outcomes: ProbeOutcome[] = ['pass', 'pass', 'pass'];
  readonly #probing = new Set<Replica>();
  readonly #leases: Lease[] = [];
  readonly #judged = new Set<Lease>();

  constructor(random: () => number) {
    this.set = new ReplicaSet({
      urls: ['http://a:1', 'http://b:1', 'http://c:1'],
      probe: (replica) => this.#probe(replica),
      health: { intervalMs: 3000, downIntervalMs: 1000, timeoutMs: 700 },
      circuit: { failures: 3, openMs: OPEN_MS, maxOpenMs: 10_000 },
      slowStartMs: SLOW_START_MS,
      now: Date.now,
      random,
      onChange: (replica, state) => {
        const seen = this.#of(replica);
        this.#check(replica.state === state, 'a change tells another state');
        this.#check((state === 'down') === (seen.openSince === undefined), 'a change tells nothing new');
        seen.openSince = state === 'down' ? Date.now() : undefined;
        seen.recoveredAt = state === 'down' ? undefined : Date.now();
        seen.trial = undefined;
      },
    });
    for (const replica of this.set.replicas) {
      this.#seen.set(replica, {
        openSince: undefined,
        recoveredAt: undefined,
        sparedUntil: 0,
        trial: undefined,
        held: new Set(),
      });
    }
    this.set.start();
  }

  async run(one: Step): Promise<void> {
    switch (one.do) {
      case 'take':
        this.#take(
          new Set(
            one.passed.map((index) => this.set.replicas[index]).filter((replica) => replica !== undefined),
          ),
        );
        break;
      case 'succeed':
      case 'fail':
      case 'release': {
        const lease = this.#leases[one.lease % this.#leases.length];
        if (lease !== undefined) this.#end(lease, one);
        break;
      }
      case 'wait':
        await vi.advanceTimersByTimeAsync(one.ms);
        break;
      case 'probes':
        this.#outcomes[one.replica] = one.outcome;
        break;
    }
    for (const replica of this.set.replicas) {
      this.#check(replica.inFlight === this.#of(replica).held.size, 'the requests are miscounted');
      const isOpen = this.#of(replica).openSince !== undefined;
      this.#check((replica.state === 'down') === isOpen, 'a change was not told');
    }
  }

  #take(passed: ReadonlySet<Replica>): void {
    const candidates = this.set.replicas.filter((replica) => !passed.has(replica));
    const closed = candidates.filter((replica) => replica.state !== 'down');
    const loads = new Map(candidates.map((replica) => [replica, replica.inFlight / this.#share(replica)]));
    const lease = this.set.take(passed);
    if (lease === undefined) {
      this.#check(closed.length === 0, 'none is chosen though one may be asked');
      return;
    }
    const { replica } = lease;
    const seen = this.#of(replica);
    this.#check(!passed.has(replica), 'one is chosen that was tried');
    if (replica.state === 'down') {
      this.#check(seen.trial === undefined, 'two requests try an open circuit');
      this.#check(Date.now() >= (seen.openSince as number) + OPEN_MS, 'an open circuit is chosen');
      seen.trial = lease;
    }
    const rivals = closed.filter((rival) => this.#isSpared(rival) === this.#isSpared(replica));
    const least = Math.min(...rivals.map((rival) => loads.get(rival) as number));
    this.#check((loads.get(replica) as number) <= least, 'another has less to do');
    this.#check(!this.#isSpared(replica) || rivals.length === closed.length, 'another need not be spared');
    seen.held.add(lease);
    this.#leases.push(lease);
  }

  #end(lease: Lease, one: Extract<Step, { lease: number }>): void {
    const seen = this.#of(lease.replica);
    const isTrial = seen.trial === lease;
    const isHeld = seen.held.has(lease);
    const { state, lastFailure } = lease.replica;
    if (one.do === 'release') {
      lease.release();
      seen.held.delete(lease);
      if (isTrial) seen.trial = undefined;
    } else if (one.do === 'succeed') {
      lease.succeed();
    } else {
      lease.fail(`${one.fault} at ${Date.now()}`, one.fault, one.hint);
      if (isHeld && !this.#judged.has(lease)) this.#noteFailure(lease, one, isTrial);
      this.#judged.add(lease);
    }
    // A lease that was given back has no say.
    const isSame = lease.replica.state === state && lease.replica.lastFailure === lastFailure;
    this.#check(isHeld || isSame, 'a request that is over has a say');
    if (isTrial && one.do === 'succeed' && !this.#judged.has(lease)) {
      this.#check(lease.replica.state === 'recovering', 'a trial succeeded in vain');
    }
  }

  #noteFailure(lease: Lease, { fault }: { readonly fault: ReplicaFault }, isTrial: boolean): void {
    const seen = this.#of(lease.replica);
    if (isTrial) {
      seen.trial = undefined;
      if (fault !== 'overloaded') seen.openSince = Date.now();
    }
    // Whether it counts depends on when the lease began; the longest time is enough to know when it is over.
    if (fault === 'overloaded') seen.sparedUntil = Date.now() + MAX_SPARE_MS;
  }

  #check(isRight: boolean, violation: string): void {
    if (!isRight) this.violations.push(violation);
  }

  #of(replica: Replica): Seen {
    return this.#seen.get(replica) as Seen;
  }

  #share(replica: Replica): number {
    const { openSince, recoveredAt } = this.#of(replica);
    if (openSince !== undefined) return 0.1;
    if (recoveredAt === undefined) return 1;
    return Math.min(1, 0.1 + (0.9 * (Date.now() - recoveredAt)) / SLOW_START_MS);
  }

  /** The set's own word, which must not outlast what is allowed. */
  #isSpared(replica: Replica): boolean {
    const isSpared = (replica as Replica & { readonly isSpared: boolean }).isSpared;
    this.#check(!isSpared || Date.now() < this.#of(replica).sparedUntil, 'one is spared for too long');
    return isSpared;
  }

  async #probe(replica: Replica): Promise<void> {
    const outcome = this.#outcomes[this.set.replicas.indexOf(replica)];
    if (outcome === 'hang') return new Promise(() => undefined);
    // One at a time, unless one was cut off.
    this.#check(!this.#probing.has(replica), 'two probes of one replica');
    this.#probing.add(replica);
    await new Promise((resolve) => void setTimeout(resolve, 50));
    this.#probing.delete(replica);
    if (outcome === 'refuse') throw new TransportError('connect', 'refused');
    if (outcome === 'break') throw new TransportError('reset', 'broke');
    if (outcome === 'say no') throw new Error('HTTP 503');
  }
}
