import { describe, expect, it } from 'vitest';
import { factHeaders, passedOverHeader } from '../../src/server/fact-headers.ts';
import type { ChatFacts } from '../../src/server/handle-chat.ts';

const FACTS: ChatFacts = {
  upstream: 'up',
  replica: undefined,
  passedOver: [],
  modelVersion: 'm-1',
  ignored: [],
  signature: undefined,
  upstreamMs: 12.34,
};

function headersOf(facts: Partial<ChatFacts>): Record<string, string> {
  const { 'server-timing': _, ...headers } = factHeaders({ ...FACTS, ...facts }, performance.now());
  return headers;
}

const ALWAYS = { 'x-parlance-upstream': 'up', 'x-parlance-model-version': 'm-1' };

describe('factHeaders', () => {
  it.each<{ facts: Partial<ChatFacts>; headers: Record<string, string> }>([
    { facts: {}, headers: ALWAYS },
    { facts: { replica: 'http://a:1' }, headers: { ...ALWAYS, 'x-parlance-replica': 'http://a:1' } },
    { facts: { passedOver: ['a 503'] }, headers: { ...ALWAYS, 'x-parlance-passed-over': 'a 503' } },
    {
      facts: { passedOver: ['a 503', 'b no connection'] },
      headers: { ...ALWAYS, 'x-parlance-passed-over': 'a 503; b no connection' },
    },
    { facts: { ignored: ['seed', 'n'] }, headers: { ...ALWAYS, 'x-parlance-ignored': 'seed, n' } },
    { facts: { signature: 'vault' }, headers: { ...ALWAYS, 'x-parlance-signature': 'vault' } },
    {
      facts: { upstream: 'ä\r\nb', modelVersion: '\u0000', replica: '\t', passedOver: ['\n', 'é'] },
      headers: {
        'x-parlance-upstream': '???b',
        'x-parlance-model-version': '?',
        'x-parlance-replica': '?',
        'x-parlance-passed-over': '?; ?',
      },
    },
  ])('$facts', ({ facts, headers }) => {
    expect(headersOf(facts)).toEqual(headers);
  });

  it('tells where the time went', () => {
    const { 'server-timing': timing } = factHeaders(FACTS, performance.now() - 100);
    const [total, upstream, own] = (
      /^total;dur=([\d.]+), upstream;dur=([\d.]+), own;dur=([\d.]+)$/.exec(timing ?? '') ?? []
    )
      .slice(1)
      .map(Number);
    expect(upstream).toBe(12.3);
    expect(total).toBeGreaterThanOrEqual(100);
    expect(own).toBeCloseTo((total ?? 0) - 12.34, 0);
    // Clocks may differ by a little.
    expect(factHeaders(FACTS, performance.now() + 1)['server-timing']).toContain('own;dur=0.0');
  });

  it('bounds each', () => {
    const long = 'x'.repeat(5000);
    const headers = headersOf({ upstream: long, replica: long, passedOver: [long], ignored: [long] });
    expect(Object.values(headers).map(({ length }) => length)).toEqual([2048, 3, 2048, 2048, 2048]);
    expect(passedOverHeader([long, long])).toHaveLength(2048);
  });
});
