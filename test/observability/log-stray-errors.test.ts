import { execFile } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createLog } from '../../src/observability/log.ts';
import { logStrayErrors } from '../../src/observability/log-stray-errors.ts';

describe('logStrayErrors', () => {
  it.each(['uncaughtException', 'unhandledRejection'])('logs an %s', (event) => {
    const lines: unknown[] = [];
    const log = createLog('error', {
      write: (line) => {
        lines.push(JSON.parse(line));
      },
    });
    const source = new EventEmitter();
    const stop = logStrayErrors(log, source);
    source.emit(event, new Error('stray'));
    expect(lines).toMatchObject([
      { level: 'error', err: { message: 'stray', stack: expect.stringContaining('.test.ts') } },
    ]);
    stop();
    expect(source.listenerCount(event)).toBe(0);
  });

  it('keeps a process alive', async () => {
    const script = `
      import { createLog } from ${JSON.stringify(import.meta.resolve('../../src/observability/log.ts'))};
      import { logStrayErrors } from ${JSON.stringify(import.meta.resolve('../../src/observability/log-stray-errors.ts'))};
      logStrayErrors(createLog('info', { write: (line) => process.stderr.write(line) }));
      void Promise.reject(new Error('nobody waits'));
      setImmediate(() => { throw new Error('nobody catches'); });
      setTimeout(() => { process.stdout.write('alive'); }, 20);`;
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [
      '--input-type=module',
      '-e',
      script,
    ]);
    expect(stdout).toBe('alive');
    expect(stderr).toContain('nobody waits');
    expect(stderr).toContain('nobody catches');
  });
});
