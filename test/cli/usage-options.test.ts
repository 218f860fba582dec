import { describe, expect, it } from 'vitest';
import { CommandLineError } from '../../src/cli/run-command.ts';
import { readUsageOptions } from '../../src/cli/usage-options.ts';

const NOW = Date.parse('2026-07-31T23:59:59.999Z');

const read = (values: object) => readUsageOptions({ by: 'caller', json: false, ...values }, NOW);

describe('readUsageOptions', () => {
  it('asks for this month by caller, as a table, unless told otherwise', () => {
    expect(read({})).toEqual({
      by: ['principal'],
      from: new Date('2026-07-01'),
      to: undefined,
      caller: undefined,
      model: undefined,
      format: 'table',
    });
  });

  it.each([
    ['day', ['day']],
    ['month,model', ['month', 'model']],
    ['key', ['principal']],
    ['key,day,caller', ['principal', 'day']],
    [' upstream , model ', ['upstream', 'model']],
  ])('groups by %s', (by, groups) => {
    expect(read({ by }).by).toEqual(groups);
  });

  it.each([
    [{ from: '2026-07-15' }, '2026-07-15', undefined],
    [{ from: '2026-02' }, '2026-02-01', undefined],
    [{ to: '2026-07-15' }, undefined, '2026-07-16'],
    [{ to: '2026-12' }, undefined, '2027-01-01'],
    [{ from: '2024-02-29', to: '2024-02-29' }, '2024-02-29', '2024-03-01'],
    [{ from: '2026-06', to: '2026-06' }, '2026-06-01', '2026-07-01'],
    [{ from: '2026-06-30', to: '2026-06' }, '2026-06-30', '2026-07-01'],
  ])('takes %j for the whole days it names', (values, from, to) => {
    const { from: first, to: end } = read(values);
    expect([first, end]).toEqual([from && new Date(from), to && new Date(to)]);
  });

  it.each([
    [{ format: 'csv' }, 'csv'],
    [{ json: true }, 'json'],
    [{ json: true, format: 'json' }, 'json'],
  ])('takes %j for the format', (values, format) => {
    expect(read(values).format).toBe(format);
  });

  it.each<[object, RegExp]>([
    [{ by: '' }, /^--by wants day, month, caller, upstream or model, .*not ""\.$/],
    [{ by: 'day,' }, /not "day,"/],
    [{ by: 'endpoint' }, /not "endpoint"/],
    [{ by: 'principal' }, /not "principal"/],
    [
      { from: 'yesterday' },
      /^--from wants a day such as 2026-07-31 or a month such as 2026-07, not "yesterday"/,
    ],
    [{ from: '2026' }, /--from wants/],
    [{ from: '2026-02-30' }, /--from wants/],
    [{ to: '2026-13' }, /--to wants/],
    [{ to: '2026-07-31T12:00' }, /--to wants/],
    [{ from: '2026-08-01', to: '2026-07-31' }, /^--from 2026-08-01 is after --to 2026-07-31\.$/],
    [{ from: '2026-08', to: '2026-07' }, /is after/],
    [{ format: 'xml' }, /^--format wants table, csv or json, not "xml"/],
    [{ format: 'csv', json: true }, /exclude each other/],
    [{ caller: ' ' }, /--caller wants a name/],
    [{ model: '' }, /--model wants a name/],
  ])('does not understand %j', (values, message) => {
    expect(() => read(values)).toThrow(CommandLineError);
    expect(() => read(values)).toThrow(message);
  });
});
