import { describe, expect, it } from 'vitest';
import { repairMessages } from '../../../../src/backends/openai-compatible/structured-output/repair-messages.ts';

describe('the messages of a repair', () => {
  it('show the answer and say what is wrong with it', () => {
    expect(repairMessages('{"a":"1"}', ['/a: must be of type number', '/b: must not be there'])).toEqual([
      { role: 'assistant', content: '{"a":"1"}' },
      {
        role: 'user',
        content: [
          'That is not a valid answer:',
          '- /a: must be of type number',
          '- /b: must not be there',
          'Reply with the corrected JSON only: no explanation, no Markdown.',
        ].join('\n'),
      },
    ]);
  });

  it.each([
    ['x'.repeat(32 * 1024), 32 * 1024],
    ['x'.repeat(32 * 1024 + 1), 32 * 1024],
    [`x${'\u{1F600}'.repeat(20_000)}`, 1 + 2 * 8191],
  ])('show at most 32 KB of it, in whole characters', (answer, length) => {
    const [assistant, user] = repairMessages(answer, ['/: x']);
    expect(assistant.content).toBe(answer.slice(0, length));
    expect(assistant.content.isWellFormed()).toBe(true);
    expect(user.content.includes('(its end is left out)')).toBe(length < answer.length);
  });
});
