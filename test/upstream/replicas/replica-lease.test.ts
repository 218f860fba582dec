import { describe, expect, it } from 'vitest';
import { oneReplica } from './one-replica.ts';

describe('ReplicaLease', () => {
  it('counts from its beginning to its first release', () => {
    const { replica, lease } = oneReplica();
    const [first, second] = [lease(), lease()];
    expect(replica.inFlight).toBe(2);
    first.succeed();
    second.fail('HTTP 500', 'failed');
    expect(replica.inFlight).toBe(2);
    first.release();
    first.release();
    expect(replica.inFlight).toBe(1);
    second.release();
    first.release();
    expect(replica.inFlight).toBe(0);
  });

  it('ignores verdicts after its release', () => {
    const { replica, lease } = oneReplica();
    for (const verdict of ['succeed', 'fail'] as const) {
      const late = lease();
      late.release();
      if (verdict === 'succeed') late.succeed();
      else late.fail('nothing listens', 'unreachable');
    }
    expect(replica).toMatchObject({ state: 'up', lastFailure: undefined, isSettled: false });
  });

  it('is one failure at most, and no success after it', () => {
    const { replica, lease } = oneReplica();
    const failing = lease();
    failing.fail('HTTP 500', 'failed');
    failing.fail('again', 'unreachable');
    failing.succeed();
    expect(replica).toMatchObject({ state: 'up', lastFailure: 'HTTP 500' });
    lease().fail('HTTP 502', 'failed');
    expect(replica).toMatchObject({ state: 'down', lastFailure: 'HTTP 502' });
  });

  it('fails when an answer breaks off after it began', () => {
    const { replica, lease } = oneReplica();
    for (const broken of [lease(), lease()]) {
      broken.succeed();
      broken.fail('the connection broke', 'failed');
    }
    // The second success came between the failures.
    expect(replica.state).toBe('up');
    lease().fail('the connection broke', 'failed');
    expect(replica.state).toBe('down');
  });

  it('without a verdict says nothing', () => {
    const { replica, lease, failOnce } = oneReplica();
    failOnce();
    lease().release();
    failOnce();
    expect(replica).toMatchObject({ state: 'down', lastFailure: 'it was failed' });
  });

  it('forgets the failure with a success', () => {
    const { replica, lease, failOnce } = oneReplica();
    failOnce();
    lease().succeed();
    expect(replica.lastFailure).toBeUndefined();
    failOnce();
    expect(replica.state).toBe('up');
  });
});

/** Its circuit opened a second ago. */
function down() {
  const replica = oneReplica();
  replica.failOnce('unreachable');
  replica.clock.now = 1000;
  return replica;
}

describe('a trial', () => {
  it('is one request, and closes the circuit by its success', () => {
    const { replica, lease, onChange } = down();
    expect(replica.mayBeAsked).toBe(true);
    const trial = lease();
    expect(replica.mayBeAsked).toBe(false);
    trial.succeed();
    expect(replica).toMatchObject({ state: 'recovering', mayBeAsked: true, lastFailure: undefined });
    expect(onChange.mock.calls.map(([, state, reason]) => [state, reason])).toEqual([
      ['down', 'it was unreachable'],
      ['recovering', 'a request succeeded'],
    ]);
  });

  it('counts as failed when its answer breaks off after it closed the circuit', () => {
    const { replica, lease, failOnce } = down();
    const trial = lease();
    trial.succeed();
    trial.fail('the connection broke', 'failed');
    failOnce();
    expect(replica.state).toBe('down');
  });

  it('is free for another request when it ends without a verdict', () => {
    const { replica, lease } = down();
    const left = lease();
    left.release();
    expect(replica.mayBeAsked).toBe(true);
    const trial = lease();
    // The one that left must not free the trial of the other.
    left.release();
    expect(replica.mayBeAsked).toBe(false);
    trial.succeed();
    expect(replica.state).toBe('recovering');
  });

  it('doubles the time to the next by its failure, and tells nobody', () => {
    const { clock, replica, lease, onChange } = down();
    lease().fail('HTTP 502', 'failed');
    expect(replica.lastFailure).toBe('HTTP 502');
    clock.now += 1999;
    expect(replica.mayBeAsked).toBe(false);
    clock.now += 1;
    expect(replica.mayBeAsked).toBe(true);
    expect(onChange).toHaveBeenCalledTimes(1);
  });

  it('proves nothing when the replica is overloaded: another may be made', () => {
    const { replica, lease } = down();
    const trial = lease();
    trial.fail('HTTP 429', 'overloaded');
    expect(replica).toMatchObject({ state: 'down', mayBeAsked: true, isSpared: true });
    const next = lease();
    trial.release();
    expect(replica.mayBeAsked).toBe(false);
    next.succeed();
    expect(replica.state).toBe('recovering');
  });

  it('of an earlier outage does not free that of this one', () => {
    const { clock, replica, lease, failOnce } = down();
    const earlier = lease();
    replica.probeFailed(replica.epoch, 'nothing listens', 'unreachable');
    replica.probePassed(replica.epoch);
    failOnce('unreachable');
    clock.now = 2000;
    lease();
    earlier.release();
    expect(replica.mayBeAsked).toBe(false);
  });

  it('is over when a probe closes the circuit meanwhile', () => {
    const { replica, lease } = down();
    const trial = lease();
    replica.probePassed(replica.epoch);
    expect(replica.state).toBe('recovering');
    trial.fail('no answer in time', 'failed');
    trial.release();
    expect(replica).toMatchObject({ state: 'recovering', mayBeAsked: true, lastFailure: undefined });
  });
});

describe('what began before the circuit opened or closed', () => {
  it('does not close it: a server that shuts down finishes answers', () => {
    const { replica, lease, failOnce } = oneReplica();
    const stream = lease();
    const broken = lease();
    failOnce('unreachable');
    stream.succeed();
    stream.release();
    broken.succeed();
    broken.fail('the connection broke', 'failed');
    broken.release();
    expect(replica).toMatchObject({ state: 'down', inFlight: 0, lastFailure: 'it was unreachable' });
  });

  it('does not lengthen it: a crash fails many at once', () => {
    const { clock, replica, lease } = oneReplica();
    const crashed = Array.from({ length: 100 }, lease);
    for (const one of crashed) one.fail('the connection broke', 'failed');
    clock.now = 1000;
    expect(replica.mayBeAsked).toBe(true);
    for (const one of crashed) one.release();
    expect(replica.inFlight).toBe(0);
  });

  it('does not open it again once the server is back', () => {
    const { replica, lease, failOnce } = oneReplica();
    const hanging = Array.from({ length: 10 }, lease);
    failOnce('unreachable');
    replica.probePassed(replica.epoch);
    for (const one of hanging) one.fail('no answer in time', 'failed');
    expect(replica).toMatchObject({ state: 'recovering', lastFailure: undefined });
  });

  it.each(['passed', 'failed'] as const)('does not count as a probe that %s', (outcome) => {
    const { replica, failOnce } = oneReplica();
    const { epoch } = replica;
    failOnce('unreachable');
    if (outcome === 'passed') replica.probePassed(epoch);
    else replica.probeFailed(epoch, 'late', 'silent');
    expect(replica).toMatchObject({ state: 'down', lastFailure: 'it was unreachable' });
  });
});

describe('an overloaded replica', () => {
  it.each([
    { hint: undefined, spared: 1000 },
    { hint: 0, spared: 1000 },
    { hint: -5, spared: 1000 },
    { hint: Number.NaN, spared: 1000 },
    { hint: 200, spared: 200 },
    { hint: 5000, spared: 5000 },
    { hint: 3_600_000, spared: 5000 },
  ])('that asks for $hint ms is spared for $spared ms', ({ hint, spared }) => {
    const { clock, replica, lease } = oneReplica();
    lease().fail('HTTP 429', 'overloaded', hint);
    expect(replica).toMatchObject({ isSpared: true, mayBeAsked: true, lastFailure: 'HTTP 429' });
    clock.now = spared - 1;
    expect(replica.isSpared).toBe(true);
    clock.now = spared;
    expect(replica.isSpared).toBe(false);
  });

  it('is never down for that', () => {
    const { replica, lease } = oneReplica();
    for (let request = 0; request < 100; request++) lease().fail('HTTP 429', 'overloaded');
    expect(replica).toMatchObject({ state: 'up', isSettled: true });
  });

  it('neither continues nor ends a series of failures', () => {
    const { replica, lease, failOnce } = oneReplica();
    failOnce();
    lease().fail('HTTP 429', 'overloaded');
    expect(replica.state).toBe('up');
    failOnce();
    expect(replica.state).toBe('down');
  });
});
