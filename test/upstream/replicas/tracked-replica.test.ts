import { describe, expect, it } from 'vitest';
import { oneReplica } from './one-replica.ts';

describe('TrackedReplica', () => {
  it('recovers step by step', () => {
    const { clock, replica, failOnce } = oneReplica();
    expect(replica).toMatchObject({ state: 'up', share: 1 });
    failOnce('unreachable');
    clock.now = 500;
    replica.probePassed(replica.epoch);
    const shares = [0, 2500, 5000, 9999, 10_000].map((since) => {
      clock.now = 500 + since;
      return [replica.state, Number(replica.share.toFixed(3))];
    });
    expect(shares).toEqual([
      ['recovering', 0.1],
      ['recovering', 0.325],
      ['recovering', 0.55],
      ['recovering', 1],
      ['up', 1],
    ]);
  });

  it('begins again from the least share when it goes down while it recovers', () => {
    const { clock, replica, failOnce } = oneReplica();
    failOnce('unreachable');
    replica.probePassed(replica.epoch);
    clock.now = 8000;
    replica.probeFailed(replica.epoch, 'nothing listens', 'unreachable');
    replica.probePassed(replica.epoch);
    expect(replica).toMatchObject({ state: 'recovering', share: 0.1 });
  });

  it.each<[string, (replica: ReturnType<typeof oneReplica>) => void, boolean]>([
    ['nothing', () => undefined, false],
    ['a request that runs', ({ lease }) => void lease(), false],
    ['one failed request', ({ failOnce }) => failOnce(), false],
    ['one failed probe', ({ replica }) => replica.probeFailed(0, 'HTTP 503', 'unhealthy'), false],
    ['a request that succeeded', ({ lease }) => lease().succeed(), true],
    ['a request that was refused', ({ lease }) => lease().fail('HTTP 429', 'overloaded'), true],
    ['a probe that passed', ({ replica }) => replica.probePassed(0), true],
    ['an open circuit', ({ failOnce }) => failOnce('unreachable'), true],
  ])('after %s has isSettled %s', (_, act, isSettled) => {
    const replica = oneReplica();
    act(replica);
    expect(replica.replica.isSettled).toBe(isSettled);
  });

  it.each([
    ['silent', 5000, 'up'],
    ['silent', 3000, 'down'],
    ['unhealthy', 5000, 'down'],
    ['unreachable', 5000, 'down'],
  ] as const)(
    'after two %s probes, with the last bytes of an answer at %s, it is %s',
    (fault, stirredAt, state) => {
      const { clock, replica } = oneReplica();
      clock.now = stirredAt;
      replica.stir();
      clock.now = 6000;
      for (let probe = 0; probe < 2; probe++) replica.probeFailed(replica.epoch, 'no answer', fault, 4000);
      expect(replica.state).toBe(state);
    },
  );

  it('forgets the failure when a probe passes', () => {
    const { replica, failOnce } = oneReplica();
    failOnce();
    expect(replica.lastFailure).toBe('it was failed');
    replica.probePassed(replica.epoch);
    expect(replica).toMatchObject({ state: 'up', lastFailure: undefined });
  });

  it('keeps the failure while probes are not believed', () => {
    const { replica, failOnce } = oneReplica();
    failOnce('unreachable');
    replica.probePassed(replica.epoch);
    failOnce('unreachable');
    replica.probePassed(replica.epoch);
    expect(replica).toMatchObject({ state: 'down', lastFailure: 'it was unreachable' });
  });
});
