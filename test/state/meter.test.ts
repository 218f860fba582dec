import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CallerLimits } from '../../src/caller-policy.ts';
import type { Database } from '../../src/state/database/database.ts';
import { LocalLimiter } from '../../src/state/limits/local-limiter.ts';
import { Meter, type MeteredRequest } from '../../src/state/meter.ts';
import { UsageLedger } from '../../src/state/usage/usage-ledger.ts';
import { openTestDatabase } from './embedded-home.ts';

let database: Database & AsyncDisposable;

beforeAll(async () => {
  database = await openTestDatabase();
});

afterAll(async () => {
  await database[Symbol.asyncDispose]();
});

const REQUEST: MeteredRequest = {
  requestId: 'req-1',
  principal: 'key_m',
  upstream: 'vertex',
  model: 'google/gemini',
  endpoint: 'chat.completions',
  promptTokens: 40,
  completionTokens: 60,
};

interface Started {
  readonly meter: Meter;
  readonly ledger: UsageLedger;
  readonly errors: unknown[];
}

/** As after a start of the server. */
function startMeter(): Started {
  const ledger = new UsageLedger(database);
  const errors: unknown[] = [];
  const limiter = new LocalLimiter({ used: ledger });
  return {
    ledger,
    errors,
    meter: new Meter({
      ledger,
      limiter,
      assumedCompletionTokens: 50,
      onError: (error) => errors.push(error),
    }),
  };
}

describe('Meter', () => {
  beforeEach(async () => {
    await database.query('delete from parlance.usage');
  });

  it('counts a request from before its answer until its end, once', async () => {
    const { meter, ledger } = startMeter();
    const limits = { tokensPerMinute: 1000, requestsPerMinute: 10 };
    const admission = await meter.admit({ ...REQUEST, limits });
    if (!admission.granted) throw new Error('refused');
    expect(admission.headers).toMatchObject({
      'x-ratelimit-limit-requests': '10',
      'x-ratelimit-remaining-requests': '9',
      'x-ratelimit-remaining-tokens': '900',
      'x-ratelimit-reset-tokens': '6s',
    });
    await admission.call.written();
    expect(await ledger.totals({ by: [] })).toMatchObject([{ open: 1, totalTokens: 100 }]);
    await admission.call.end({ status: 'completed', totalTokens: 7 }, { upstream: 'spare' });
    await admission.call.end({ status: 'failed', totalTokens: 99 });
    expect(await ledger.totals({ by: ['upstream'] })).toMatchObject([
      { upstream: 'spare', requests: 1, failed: 0, totalTokens: 7 },
    ]);
    await ledger.close();
  });

  it('refuses what does not fit, and writes nothing about it', async () => {
    const { meter, ledger } = startMeter();
    const limits = { tokensPerDay: 150, requestsPerMinute: 10 };
    const first = await meter.admit({ ...REQUEST, limits });
    const second = await meter.admit({ ...REQUEST, limits });
    expect(second).toMatchObject({
      granted: false,
      error: { code: 'insufficient_quota', status: 429 },
      headers: { 'x-ratelimit-remaining-requests': '9' },
    });
    if (first.granted) await first.call.end({ status: 'failed', totalTokens: 0 });
    expect(await meter.admit({ ...REQUEST, limits })).toMatchObject({ granted: true });
    expect(await ledger.totals({ by: [] })).toMatchObject([{ requests: 2, failed: 1 }]);
    await ledger.close();
  });

  it.each<[name: string, limits: CallerLimits, request: Partial<MeteredRequest>, reserved: number]>([
    ['what the request says', { tokensPerDay: 1000 }, { completionTokens: 60, choices: 2 }, 160],
    ['what is assumed', { tokensPerDay: 100_000 }, {}, 90],
    ['what is assumed of each choice', { tokensPerDay: 100_000 }, { choices: 3 }, 190],
    ['no more than a tenth of the smallest limit', { tokensPerDay: 1000, tokensPerMinute: 200 }, {}, 60],
    ['the same without limits', {}, {}, 90],
  ])('reserves %s', async (_, limits, request, reserved) => {
    const { meter, ledger } = startMeter();
    const admission = await meter.admit({ ...REQUEST, completionTokens: undefined, ...request, limits });
    if (!admission.granted) throw new Error('refused');
    await admission.call.written();
    expect(await ledger.totals({ by: [] })).toMatchObject([{ totalTokens: reserved }]);
    await ledger.close();
  });

  it('writes down callers without limits too, and tells them no rates', async () => {
    const { meter, ledger } = startMeter();
    const admission = await meter.admit(REQUEST);
    expect(admission).toMatchObject({ granted: true, headers: {} });
    if (admission.granted) await admission.call.end({ status: 'cancelled' });
    expect(await ledger.totals({ by: [] })).toMatchObject([
      { cancelled: 1, totalTokens: 100, reservedTokens: 100 },
    ]);
    await ledger.close();
  });

  it('keeps a budget over a restart: 200 calls with funds for 50, killed in the middle', async () => {
    const limits = { tokensPerMonth: 5000 };
    const admitAll = async (meter: Meter) =>
      (await Promise.all(Array.from({ length: 100 }, () => meter.admit({ ...REQUEST, limits })))).filter(
        (admission) => admission.granted,
      );
    const before = startMeter();
    const calls = await admitAll(before.meter);
    expect(calls).toHaveLength(50);
    // Ten were over when the server was killed, and had used half of what they reserved.
    await Promise.all(
      calls.slice(0, 10).map(({ call }) => call.end({ status: 'completed', totalTokens: 50 })),
    );
    await Promise.all(calls.map(({ call }) => call.written()));
    const after = startMeter();
    expect(await admitAll(after.meter)).toHaveLength(5);
    expect(await after.ledger.totals({ by: [] })).toMatchObject([{ totalTokens: 5000, open: 45 }]);
    await Promise.all([before.ledger.close(), after.ledger.close()]);
  });

  it('reports an end that cannot be written, and settles the limits all the same', async () => {
    const { meter, ledger, errors } = startMeter();
    const limits = { concurrentRequests: 1 };
    const admission = await meter.admit({ ...REQUEST, limits });
    if (!admission.granted) throw new Error('refused');
    await ledger.close();
    await admission.call.end({ status: 'completed', totalTokens: 7 });
    expect(errors.map(String)).toEqual(['Error: the ledger was closed before the row was written']);
    const next = await meter.admit({ ...REQUEST, limits });
    if (!next.granted) throw new Error('refused');
    await expect(next.call.written()).rejects.toMatchObject({ code: 'overloaded' });
  });
});
