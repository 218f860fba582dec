import { describe, expect, it } from 'vitest';
import { errorText } from '../../src/observability/describe-error.ts';

describe('errorText', () => {
  it('shows the stacks of an error and of its causes, and nothing else it carries', () => {
    const cause = Object.assign(new TypeError('Invalid URL'), { input: 'http://ann:SECRET@proxy' });
    const text = errorText(new Error('outer', { cause }));
    expect(text).toMatch(/^Error: outer\n +at [^]*\ncaused by TypeError: Invalid URL\n +at [^]*\n$/);
    expect(text).not.toContain('SECRET');
  });

  it.each([[{ prompt: 'SECRET' }], [undefined]])('shows nothing of %o', (thrown) => {
    expect(errorText(thrown)).toBe('thrown value that is no error\n');
  });
});
