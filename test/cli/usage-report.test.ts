import { describe, expect, it } from 'vitest';
import { formatUsage, type UsageReport } from '../../src/cli/usage-report.ts';
import type { UsageSums } from '../../src/state/usage/usage-totals.ts';

const SUMS: UsageSums = {
  requests: 1234,
  failed: 1,
  cancelled: 2,
  open: 0,
  promptTokens: 1_000_000,
  completionTokens: 234_567,
  totalTokens: 1_234_567,
  reservedTokens: 0,
};

const NONE: UsageSums = {
  requests: 0,
  failed: 0,
  cancelled: 0,
  open: 0,
  promptTokens: 0,
  completionTokens: 0,
  totalTokens: 0,
  reservedTokens: 0,
};

const OPEN: UsageSums = { ...NONE, requests: 2, open: 1, totalTokens: 8192, reservedTokens: 8192 };

const REPORT: UsageReport = {
  by: ['principal', 'model'],
  from: new Date('2026-07-01'),
  to: undefined,
  caller: undefined,
  model: undefined,
  totals: [
    { principal: 'ann@example.com', model: '=cmd\u{1b}[31m', ...OPEN },
    { principal: 'key_1', model: '', ...SUMS },
  ],
  names: new Map([
    ['key_1', 'c,i'],
    ['key_2', 'other'],
  ]),
};

const table = (change: Partial<UsageReport> = {}) => formatUsage({ ...REPORT, ...change }, 'table');

describe('a table of usage', () => {
  it('has aligned columns, thousands, a total, and what is not known', () => {
    expect(table().split('\n')).toEqual([
      'Requests since 2026-07-01 (UTC), and their tokens:',
      '',
      'CALLER           NAME  MODEL      REQUESTS  FAILED  CANCELLED  OPEN     PROMPT  COMPLETION     TOKENS  RESERVED',
      'ann@example.com  -     =cmd?[31m         2       0          0     1          0           0      8,192     8,192',
      'key_1            c,i   -             1,234       1          2     0  1,000,000     234,567  1,234,567         0',
      'TOTAL                                1,236       1          2     1  1,000,000     234,567  1,242,759     8,192',
      '',
      'RESERVED is the part of TOKENS that may not have been used: it was set aside for requests whose use is not known.',
      'Those under OPEN still run, or their server was killed. The others ended before the model told what they used.',
      '',
    ]);
  });

  it('explains nothing where everything is known', () => {
    const lines = table({ by: ['day'], totals: [{ day: '2026-07-31', ...SUMS }] }).split('\n');
    expect(lines.map((line) => line.split(/ +/)[0])).toEqual([
      'Requests',
      '',
      'DAY',
      '2026-07-31',
      'TOTAL',
      '',
    ]);
  });

  it.each<[Partial<UsageReport>, string]>([
    [{}, 'since 2026-07-01 (UTC)'],
    [{ to: new Date('2026-07-02') }, 'of 2026-07-01 (UTC)'],
    [{ to: new Date('2026-08-01') }, 'from 2026-07-01 to 2026-07-31 (UTC)'],
    [{ from: undefined, to: new Date('2026-08-01') }, 'until 2026-07-31 (UTC)'],
    [{ caller: 'ci', model: 'm\u{1b}' }, 'of ci to m? since 2026-07-01 (UTC)'],
  ])('says of what it is: %j', (change, which) => {
    expect(table(change)).toMatch(`Requests ${which}, and their tokens:\n`);
    expect(table({ ...change, totals: [] })).toBe(`No requests ${which}.\n`);
  });
});

describe('usage for programs', () => {
  const HEADER =
    'caller,caller_name,model,requests,failed_requests,cancelled_requests,open_requests,' +
    'prompt_tokens,completion_tokens,total_tokens,reserved_tokens\r\n';

  it('is CSV with a header, which no spreadsheet runs', () => {
    expect(formatUsage(REPORT, 'csv')).toBe(
      `${HEADER}ann@example.com,,'=cmd?[31m,2,0,0,1,0,0,8192,8192\r\n` +
        'key_1,"c,i",,1234,1,2,0,1000000,234567,1234567,0\r\n',
    );
    expect(formatUsage({ ...REPORT, totals: [] }, 'csv')).toBe(HEADER);
  });

  it('is JSON with names as they are', () => {
    const json = formatUsage(REPORT, 'json');
    expect(json).not.toContain('\u{1b}');
    expect(JSON.parse(json)).toEqual([
      {
        caller: 'ann@example.com',
        caller_name: null,
        model: '=cmd\u{1b}[31m',
        requests: 2,
        failed_requests: 0,
        cancelled_requests: 0,
        open_requests: 1,
        prompt_tokens: 0,
        completion_tokens: 0,
        total_tokens: 8192,
        reserved_tokens: 8192,
      },
      {
        caller: 'key_1',
        caller_name: 'c,i',
        model: '',
        requests: 1234,
        failed_requests: 1,
        cancelled_requests: 2,
        open_requests: 0,
        prompt_tokens: 1_000_000,
        completion_tokens: 234_567,
        total_tokens: 1_234_567,
        reserved_tokens: 0,
      },
    ]);
    expect(formatUsage({ ...REPORT, totals: [] }, 'json')).toBe('[]\n');
  });

  it('names days and months as ISO does, in the order that was asked for', () => {
    const totals = [{ day: '2026-07-31', month: '2026-07', upstream: 'spare', ...NONE }];
    const text = formatUsage({ ...REPORT, by: ['month', 'upstream', 'day'], totals }, 'json');
    const [record] = JSON.parse(text) as object[];
    expect(Object.entries(record!).slice(0, 3)).toEqual([
      ['month', '2026-07'],
      ['upstream', 'spare'],
      ['day', '2026-07-31'],
    ]);
  });
});
