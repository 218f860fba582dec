import { describe, expect, it } from 'vitest';
import { CircuitBreaker } from '../../../src/upstream/replicas/circuit-breaker.ts';

/** `wait 1000`, a verdict of a request or a probe, a trial that begins, or one that ends without a verdict. */
type Step =
  | `wait ${number}`
  | 'succeeds'
  | 'fails'
  | 'unreachable'
  | 'probe passes'
  | 'probe silent'
  | 'probe unhealthy'
  | 'probe unreachable'
  | 'trial'
  | 'trial ends';

/** Opens after 3 failures; trials after 1, 2, 4 and then 4 s. */
function breakerAfter(steps: readonly Step[]): { breaker: CircuitBreaker; now: number } {
  const breaker = new CircuitBreaker({ failures: 3, openMs: 1000, maxOpenMs: 4000 });
  let now = 0;
  for (const step of steps) {
    const [word, argument] = step.split(' ') as [string, string | undefined];
    if (word === 'wait') now += Number(argument);
    else if (step === 'succeeds') breaker.requestSucceeded();
    else if (step === 'fails' || step === 'unreachable') breaker.requestFailed(now, step === 'unreachable');
    else if (step === 'trial') breaker.beginTrial();
    else if (step === 'trial ends') breaker.endTrial();
    else if (step === 'probe passes') breaker.probePassed(now);
    else breaker.probeFailed(now, argument as 'silent' | 'unhealthy' | 'unreachable');
  }
  return { breaker, now };
}

const opened: readonly Step[] = ['fails', 'fails', 'fails'];

describe('CircuitBreaker', () => {
  it.each<{ steps: readonly Step[]; isOpen: boolean }>([
    { steps: [], isOpen: false },
    { steps: ['fails', 'fails'], isOpen: false },
    { steps: opened, isOpen: true },
    { steps: ['fails', 'fails', 'succeeds', 'fails', 'fails'], isOpen: false },
    { steps: ['fails', 'fails', 'probe passes', 'fails'], isOpen: true },
    { steps: ['unreachable'], isOpen: true },
    { steps: ['probe silent'], isOpen: false },
    { steps: ['probe unhealthy'], isOpen: false },
    { steps: ['probe silent', 'probe unhealthy'], isOpen: true },
    { steps: ['probe silent', 'probe passes', 'probe silent'], isOpen: false },
    { steps: ['probe unreachable'], isOpen: true },
    // Requests that succeed excuse a slow answer to a probe, but not a plain no.
    { steps: ['probe silent', 'succeeds', 'probe silent'], isOpen: false },
    { steps: ['probe unhealthy', 'succeeds', 'probe unhealthy'], isOpen: true },
    { steps: ['probe unhealthy', 'probe passes', 'probe silent', 'succeeds', 'probe silent'], isOpen: false },
    // Closing
    { steps: [...opened, 'succeeds'], isOpen: false },
    { steps: [...opened, 'probe passes'], isOpen: false },
    { steps: [...opened, 'succeeds', 'fails', 'fails'], isOpen: false },
    { steps: [...opened, 'probe passes', 'fails', 'fails'], isOpen: false },
    { steps: ['probe silent', 'probe silent', 'probe passes', 'probe silent'], isOpen: false },
    { steps: ['probe unhealthy', 'probe unhealthy', 'succeeds', 'probe unhealthy'], isOpen: false },
    { steps: [...opened, 'wait 1000'], isOpen: true },
  ])('after $steps has isOpen $isOpen', ({ steps, isOpen }) => {
    expect(breakerAfter(steps).breaker.isOpen).toBe(isOpen);
  });

  it.each<{ name: string; steps: readonly Step[]; waits: number }>([
    { name: 'the first opening', steps: opened, waits: 1000 },
    { name: 'an opening by probes', steps: ['probe unreachable'], waits: 1000 },
    { name: 'part of the time', steps: [...opened, 'wait 400'], waits: 600 },
    { name: 'a trial without verdict', steps: [...opened, 'wait 1500', 'trial', 'trial ends'], waits: 0 },
    { name: 'a failed trial', steps: [...opened, 'wait 1000', 'trial', 'fails'], waits: 2000 },
    {
      name: 'two failed trials',
      steps: [...opened, 'wait 1000', 'trial', 'fails', 'wait 2000', 'trial', 'unreachable'],
      waits: 4000,
    },
    {
      name: 'many failed trials',
      steps: [
        ...opened,
        ...Array.from({ length: 2000 }, (): Step[] => ['wait 4000', 'trial', 'fails']).flat(),
      ],
      waits: 4000,
    },
    {
      name: 'a success between',
      steps: [...opened, 'wait 1000', 'trial', 'fails', 'wait 2000', 'trial', 'succeeds', ...opened],
      waits: 1000,
    },
    {
      name: 'a recovery that a probe saw',
      steps: [...opened, 'wait 1000', 'trial', 'fails', 'probe silent', 'probe passes', ...opened],
      waits: 1000,
    },
    {
      name: 'a recovery of which only a probe told',
      steps: [...opened, 'probe passes', ...opened],
      waits: 2000,
    },
  ])('after $name allows a trial in $waits ms', ({ steps, waits }) => {
    const { breaker, now } = breakerAfter(steps);
    expect(breaker.isOpen).toBe(true);
    expect(breaker.allows(now + waits - 1)).toBe(waits === 0);
    expect(breaker.allows(now + waits)).toBe(true);
  });

  it('allows one trial at a time', () => {
    const { breaker, now } = breakerAfter([...opened, 'wait 1000', 'trial']);
    expect(breaker.allows(now + 60_000)).toBe(false);
    breaker.endTrial();
    expect(breaker.allows(now)).toBe(true);
  });

  it('allows everything when closed', () => {
    expect(breakerAfter([...opened, 'wait 1000', 'trial', 'succeeds']).breaker.allows(0)).toBe(true);
  });

  it.each<{ name: string; steps: readonly Step[]; isOpen: boolean }>([
    { name: 'at once the first time', steps: opened, isOpen: false },
    { name: 'not soon the second time', steps: [...opened, 'probe passes', ...opened], isOpen: true },
    {
      name: 'at its time the second time',
      steps: [...opened, 'probe passes', ...opened, 'wait 2000'],
      isOpen: false,
    },
    {
      name: 'at once the second time, if requests succeeded between',
      steps: [...opened, 'probe passes', 'succeeds', ...opened],
      isOpen: false,
    },
    {
      name: 'at once the second time, if a probe failed since',
      steps: [...opened, 'probe passes', ...opened, 'probe silent'],
      isOpen: false,
    },
    {
      name: 'not soon the second time, if a probe failed in an earlier outage',
      steps: ['probe unreachable', 'probe passes', ...opened, 'probe passes', ...opened],
      isOpen: true,
    },
    {
      name: 'not soon after a failed trial that no probe foresaw',
      steps: [...opened, 'wait 1000', 'trial', 'fails'],
      isOpen: true,
    },
    {
      name: 'at once after a failed trial, if a probe failed before it',
      steps: [...opened, 'probe silent', 'wait 1000', 'trial', 'fails'],
      isOpen: false,
    },
  ])('believes a probe that passes $name', ({ steps, isOpen }) => {
    expect(breakerAfter([...steps, 'probe passes']).breaker.isOpen).toBe(isOpen);
  });

  it.each<{ steps: readonly Step[]; isSuspect: boolean }>([
    { steps: [], isSuspect: false },
    { steps: ['fails'], isSuspect: false },
    { steps: ['probe silent'], isSuspect: true },
    { steps: ['probe silent', 'probe passes'], isSuspect: false },
    { steps: ['probe silent', 'probe silent'], isSuspect: false },
  ])('after $steps has isSuspect $isSuspect', ({ steps, isSuspect }) => {
    expect(breakerAfter(steps).breaker.isSuspect).toBe(isSuspect);
  });

  it('enters another epoch when it opens, opens again or closes, and never else', () => {
    const epochs = (
      [
        ['succeeds'],
        ['fails', 'fails', 'probe silent'],
        ['fails'],
        ['wait 1000', 'trial'],
        ['fails'],
      ] as Step[][]
    )
      .concat([['probe silent', 'probe silent'], ['wait 2000', 'trial', 'trial ends', 'trial'], ['succeeds']])
      .map((_, at, phases) => breakerAfter(phases.slice(0, at + 1).flat()).breaker.epoch);
    expect(epochs).toEqual([0, 0, 1, 1, 2, 2, 2, 3]);
  });
});
