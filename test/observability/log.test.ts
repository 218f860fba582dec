import { describe, expect, it } from 'vitest';
import { createLog } from '../../src/observability/log.ts';

function capture(level: string): { log: ReturnType<typeof createLog>; lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  const log = createLog(level, {
    write: (line) => {
      lines.push(JSON.parse(line) as Record<string, unknown>);
    },
  });
  return { log, lines };
}

describe('createLog', () => {
  it('writes one JSON object a line, with the level as a word and the time as a date', () => {
    const { log, lines } = capture('info');
    log.info({ a: 1 }, 'said\nthis');
    log.debug('not this');
    expect(lines).toEqual([
      { level: 'info', time: expect.stringMatching(/^\d{4}-.*Z$/), a: 1, msg: 'said\nthis' },
    ]);
  });

  it('shows where an error came from, its causes, and nothing else it carries', () => {
    const { log, lines } = capture('info');
    const cause = Object.assign(new TypeError('inner'), { code: 'EWHY', body: 'SECRET' });
    log.error({ err: Object.assign(new Error('outer', { cause }), { request: 'SECRET' }) }, 'failed');
    expect(lines[0]?.['err']).toEqual({
      type: 'Error',
      message: 'outer',
      stack: expect.stringContaining('log.test.ts'),
      cause: {
        type: 'TypeError',
        message: 'inner',
        code: 'EWHY',
        stack: expect.stringContaining('log.test.ts'),
      },
    });
    expect(JSON.stringify(lines)).not.toContain('SECRET');
  });

  it.each<[name: string, fail: () => unknown]>([
    ['JSON', () => JSON.parse('{"prompt": SECRET}')],
    ['a pattern', () => new RegExp('(SECRET'.slice(0))],
    ['an argument', () => Buffer.alloc('SECRET' as unknown as number)],
    ['a word', () => process.kill(1, 'SECRET\n    at SECRET')],
  ])('does not show %s that an error quotes', (_name, fail) => {
    const { log, lines } = capture('info');
    let error: unknown;
    try {
      fail();
    } catch (thrown) {
      error = thrown;
    }
    log.error({ err: new Error('outer', { cause: error }) }, 'failed');
    expect(error).toBeInstanceOf(Error);
    expect(String(error)).toContain('SECRET');
    expect(JSON.stringify(lines)).not.toContain('SECRET');
    expect(lines).toMatchObject([{ err: { cause: { stack: expect.stringContaining('log.test.ts') } } }]);
  });

  it('comes to an end with an error that is its own cause', () => {
    const { log, lines } = capture('info');
    const error = new Error('circle');
    error.cause = error;
    log.error({ err: error }, 'failed');
    expect(JSON.stringify(lines).split('"circle"')).toHaveLength(6);
  });

  it.each([
    [undefined, 'undefined'],
    ['a text', 'string'],
    [{ prompt: 'SECRET' }, 'object'],
    [Object.create(null), 'object'],
  ])('takes %o for an error', (thrown: unknown, type) => {
    const { log, lines } = capture('info');
    log.error({ err: thrown }, 'failed');
    expect(JSON.stringify(lines)).not.toContain('SECRET');
    expect((lines[0]?.['err'] as { type: string } | undefined)?.type ?? 'undefined').toBe(type);
  });
});
